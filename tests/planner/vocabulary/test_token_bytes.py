"""Spellings are turned into the bytes they stand for."""

from hypothesis import given
from hypothesis import strategies as st

from specplan.planner.vocabulary import (
    Spelling,
    byte_characters,
    byte_level_bytes,
    sentencepiece_bytes,
    token_bytes,
)


def test_the_table_has_every_byte_once():
    assert sorted(byte_characters().values()) == list(range(256))


@given(st.binary(max_size=12))
def test_byte_level_spelling_is_an_exact_inverse(text):
    spell = {byte: character for character, byte in byte_characters().items()}
    assert byte_level_bytes("".join(spell[byte] for byte in text)) == text


def test_known_spellings():
    assert byte_level_bytes("ĊĊ") == b"\n\n"
    assert byte_level_bytes("€") is None
    assert sentencepiece_bytes("▁▁a") == b"  a"
    assert sentencepiece_bytes("<0xFf>") == b"\xff"
    assert sentencepiece_bytes("<0x>") == b"<0x>"


def test_equal_spellings_may_be_different_bytes():
    assert byte_level_bytes("Ã©") == "é".encode()
    assert sentencepiece_bytes("Ã©") == "Ã©".encode()


def test_special_and_added_tokens():
    found = token_bytes(["<s>", "Ġa", "  ", None, "日"], Spelling.BYTE_LEVEL, special=[0])
    assert found == (None, b" a", b"  ", None, "日".encode())
