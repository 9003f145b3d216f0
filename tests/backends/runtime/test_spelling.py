"""Text in other words: whatever is cut or left out, bytes stay what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specplan.backends.runtime import synchronised, whole_characters
from specplan.backends.runtime.readable import Readable
from specplan.backends.runtime.spelling import begun_character, spelled_behind

BYTES = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=8).map(str.encode),
    st.lists(st.sampled_from([b"a", b" ", b"\xc3", b"\xa9", "é".encode(), "🌍".encode(), b"\xff"]), max_size=10).map(
        b"".join
    ),
)


class Words:
    """Takes the longest of its tokens that fits, again and again."""

    def __init__(self, *spelled: bytes | None) -> None:
        self.spelled: Sequence[bytes | None] = spelled

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        return b"".join(self.spelled[each] or b"" for each in ids)

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        text.decode()
        ids: list[int] = []
        while text:
            fitting = [number for number, each in enumerate(self.spelled) if each and text.startswith(each)]
            if not fitting:
                return None
            ids.append(max(fitting, key=lambda number: len(self.spelled[number] or b"")))
            text = text.removeprefix(self.spelled[ids[-1]] or b"")
        return tuple(ids)


ALL = Words(*(bytes([byte]) for byte in range(256)), b" a", b"aa", "é".encode(), b"\xf0\x9f", None)
"""Every byte, and some words; one of them is the beginning of a character."""
FEW = Words(b"a", b" ", b" a", "é".encode(), None)
STANDS_IN = Words(*FEW.spelled, "\ufffd".encode())
VOCABULARIES = {"all": ALL, "few": FEW, "stands in": STANDS_IN}


@given(text=BYTES)
def test_a_text_is_whole_characters_and_what_is_begun(text: bytes) -> None:
    whole, begun = whole_characters(text), begun_character(text)
    whole.decode()
    assert text.startswith(whole) and text.endswith(begun)
    assert len(begun) < 4
    if whole + begun == text:
        assert not begun or whole_characters(begun) == b""
    else:
        with pytest.raises(UnicodeDecodeError):
            text[: len(text) - len(begun)].decode()


@pytest.mark.parametrize("words", VOCABULARIES.values(), ids=VOCABULARIES)
@given(text=BYTES, more=BYTES)
def test_what_is_read_can_be_spelled_and_stays_as_the_text_grows(words: Words, text: bytes, more: bytes) -> None:
    readable = Readable(words)
    read = readable.of(text)
    begun = begun_character(text)
    assert read.endswith(begun)
    settled = read[: len(read) - len(begun)]
    assert words.encode(settled) is not None
    assert readable.of(text + more).startswith(settled)
    assert Readable(words).of(text) == read


def test_what_cannot_be_spelled() -> None:
    text = "aé🌍 a".encode() + b"\xff a\xc3"
    assert Readable(FEW).of(text) == "aé a a".encode() + b"\xc3"
    assert Readable(STANDS_IN).of(text) == "aé\ufffd a\ufffd a".encode() + b"\xc3"
    assert Readable(ALL).of(text) == "aé🌍 a\ufffd a".encode() + b"\xc3"


@given(before=st.lists(st.integers(0, len(ALL.spelled) - 1), max_size=14), text=BYTES)
def test_a_continuation_spells_its_text(before: list[int], text: bytes) -> None:
    ids, _ = spelled_behind(ALL, before, text)
    assert ALL.bytes_of(ids) == text or not ids


@given(before=st.lists(st.integers(0, len(ALL.spelled) - 2), max_size=14), text=st.text(min_size=1, max_size=6))
def test_whole_characters_behind_whole_characters_always_have_a_continuation(before: list[int], text: str) -> None:
    spelled = ALL.bytes_of(before)
    ids, _ = spelled_behind(ALL, before, text.encode())
    assert ALL.bytes_of(ids) == (b"" if begun_character(spelled) else text.encode())


def test_how_a_continuation_is_cut() -> None:
    a, space, both = FEW.spelled.index(b"a"), FEW.spelled.index(b" "), FEW.spelled.index(b" a")
    assert spelled_behind(FEW, [a], b" a") == ((both,), True)
    assert spelled_behind(FEW, [a, space], b"a a") == ((a, both), False), "a token straddles the boundary"
    assert spelled_behind(FEW, [a], b"") == ((), True)
    assert spelled_behind(FEW, [a], b"ab") == ((), False)
    first, second = "é".encode()
    assert spelled_behind(ALL, [97, first], bytes([second])) == ((), False), "its own token for the character straddles"
    world = "🌍".encode()
    assert spelled_behind(ALL, [97, ALL.spelled.index(b"\xf0\x9f")], world[2:] + b"a") == ((*world[2:], 97), True)
    assert spelled_behind(ALL, [0xFF, 97], b" a") == ((ALL.spelled.index(b" a"),), True), (
        "broken bytes are no part of it"
    )


@pytest.mark.parametrize("words", VOCABULARIES.values(), ids=VOCABULARIES)
@given(said=BYTES, held=st.lists(st.integers(0, 5), max_size=8), own=st.booleans())
def test_in_step_with_any_text_whatever_is_known(words: Words, said: bytes, held: list[int], own: bool) -> None:
    """All but a character that has only begun is spelled, and what was known stays as far as it is true."""
    text = Readable(words).of(said)
    held = [each % len(words.spelled) for each in held]
    known = [*(words.encode(whole_characters(text)) or ())][: len(held)] if own else held
    kept, owed = synchronised(words, known, text)
    spelled = words.bytes_of([*known[:kept], *owed])
    assert text == spelled + begun_character(text)
    again, rest = synchronised(words, [*known[:kept], *owed], text)
    assert words.bytes_of([*known[:kept], *owed][:again]) + words.bytes_of(rest) == spelled


def test_words_that_were_begun_in_one_step_and_ended_in_another() -> None:
    space, a, word = FEW.spelled.index(b" "), FEW.spelled.index(b"a"), FEW.spelled.index(b" a")
    assert synchronised(FEW, [a, space], b"a a") == (1, (word,))
    assert synchronised(FEW, [a, word], b"a aa") == (2, (a,))
    assert synchronised(FEW, [a, word], b"a a") == (2, ())
    assert synchronised(FEW, [], b"a a") == (0, (a, word))
    assert synchronised(FEW, [a, word], b"a") == (1, ()), "what the text does not have is forgotten"
    assert synchronised(ALL, [97, 0xC3], b"a\xc3") == (1, ()), "a character that has begun waits"
