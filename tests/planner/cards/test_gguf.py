"""GGUF headers, whole ones and such as were made to hurt."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import Diagnostic, Tag
from specplan.planner.cards import GgufDamaged, GgufHeader, ModelCard, NotGguf, find_source, read_gguf_header


@pytest.fixture
def read(tmp_path):
    def read_bytes(data: bytes) -> ModelCard | Diagnostic:
        (tmp_path / "model.gguf").write_bytes(data)
        return find_source("./model.gguf", None, tmp_path)

    return read_bytes


def test_a_small_model(read, gguf):
    card = read(gguf())
    assert (card.name, card.architecture, card.layers, card.heads, card.kv_heads) == ("model", "llama", 2, 4, 2)
    assert (card.head_dim, card.vocab_size, card.entries, card.eos) == (2, 4, 4, (1,))
    assert card.tied_embeddings and not card.chat_template and card.tokenizer == "byte-bpe"


def test_padding_at_the_end_is_no_entry(read, gguf):
    card = read(gguf(kinds=[5, 1, 5, 5], shapes={"token_embd.weight": (8, 4), "output.weight": (8, 4)}))
    assert (card.vocab_size, card.entries) == (4, 2)
    assert not card.tied_embeddings


def test_the_same_tokens_are_the_same_vocabulary(read, gguf):
    first, again, other = read(gguf()), read(gguf(version=2)), read(gguf(tokens=["a", "b", "c", "e"]))
    assert first.vocabulary == again.vocabulary != other.vocabulary
    assert first.fingerprint != other.fingerprint


def test_pasta_has_all_six_tokens(read, gguf):
    tags = [tag.token for tag in Tag]
    assert read(gguf(tokens=tags)).tags == "pasta"
    assert read(gguf(tokens=tags[:5])).tags is None


@pytest.mark.parametrize(
    ("key", "value"), [("llama.attention.head_count_kv", ["x"]), ("llama.attention.head_count_kv", 3)]
)
def test_facts_that_cannot_be(read, gguf, key, value):
    found = read(gguf(changes={key: value}))
    assert (found.code, found.key) == ("SP0406", key)


def test_an_embedding_of_another_width(read, gguf):
    found = read(gguf(shapes={"token_embd.weight": (16, 4)}))
    assert (found.code, found.key) == ("SP0406", "token_embd.weight")


def test_heads_that_differ_from_layer_to_layer(read, gguf):
    assert read(gguf(changes={"llama.attention.head_count_kv": [1, 3]})).kv_heads == 3


def test_every_cut_is_answered(read, gguf):
    whole = gguf()
    for length in range(len(whole)):
        assert isinstance(read(whole[:length]), Diagnostic), length


def test_any_change_is_answered(read, gguf):
    whole = gguf()

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=4))
    def changed(changes: list[tuple[int, int]]) -> None:
        hostile = bytearray(whole)
        for at, byte in changes:
            hostile[at] = byte
        assert isinstance(read(bytes(hostile)), ModelCard | Diagnostic)

    changed()


@pytest.mark.parametrize("count", [1 << 20, 1 << 40, (1 << 64) - 1])
def test_huge_counts_cost_nothing(read, gguf, count):
    whole = bytearray(gguf())
    begun = time.perf_counter()
    for at in (8, 16):  # tensors, entries
        hostile = whole.copy()
        hostile[at : at + 8] = struct.pack("<Q", count)
        assert isinstance(read(bytes(hostile)), Diagnostic)
    assert time.perf_counter() - begun < 1


def test_other_files(tmp_path):
    path = tmp_path / "x.gguf"
    for content, error in (
        (b"", NotGguf),
        (b"<html>", NotGguf),
        (b"GGUF", GgufDamaged),
        (b"GGUF\0\0\0\3", GgufDamaged),
    ):
        path.write_bytes(content)
        with pytest.raises(error):
            read_gguf_header(path)


def test_a_header_keeps_short_arrays_only(tmp_path, gguf):
    path = tmp_path / "x.gguf"
    path.write_bytes(gguf(values={"some.numbers": [1, 2, 3], "many.numbers": [1] * 5000, "flag": True}, tokens=()))
    header = read_gguf_header(path)
    assert isinstance(header, GgufHeader)
    assert header.arrays == {"some.numbers": (1, 2, 3)}
    assert header.values == {"flag": True}
