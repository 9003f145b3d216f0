"""Text that streams is the text that `decode` gives, and half a character is never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.models import Detokenizer, StopStrings, load_tokenizer

pytest.importorskip("transformers")

WORDS = [
    "hello world",
    "naïve café",
    "日本語の文章",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "e\u0301\u0327 Z\u0351\u036b",
    "  two  spaces\n\n",
    "\tx = 1\r\n",
]
TEXT = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*WORDS, *"aé日🌍\u0301 \n"]), max_size=12).map("".join),
)


def byte_level() -> Any:
    """Trained on a few words: the bytes and merges of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(WORDS * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>")


def byte_fallback(*, strips: bool) -> Any:
    """As Llama 2 (a leading space that decoding strips) or Gemma (none) spell text, trained on a few words."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    spaces = normalizers.Replace(" ", "▁")
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if strips else spaces
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if strips else steps)
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<unk>", "</s>", *every_byte], show_progress=False, limit_alphabet=40
    )
    backend.train_from_iterator(["hello world, two spaces", "cafe"] * 3, trainer)
    # Real files list single bytes as ordinary tokens, not as special ones; the trainer cannot say that.
    import json

    data = json.loads(backend.to_str())
    data["added_tokens"] = [each for each in data["added_tokens"] if each["content"] not in every_byte]
    backend = Tokenizer.from_str(json.dumps(data))
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")


def words() -> Any:
    """A spelling that we do not know: whole words, joined with spaces by the library."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "</s>": 1, **{word: 2 + n for n, word in enumerate(["one", "two", "three", ",", "."])}}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Any]:
    return {
        "byte level": byte_level(),
        "llama": byte_fallback(strips=True),
        "gemma": byte_fallback(strips=False),
    }


def streamed(tokenizer: Any, ids: list[int], *, continues: bool = False) -> list[str]:
    return pieces_of(Detokenizer(tokenizer), ids, continues=continues)


def pieces_of(detokenizer: Detokenizer, ids: list[int], *, continues: bool = False) -> list[str]:
    stream = detokenizer.stream(continues=continues)
    return [*(stream.push([each]) for each in ids), stream.flush()]


@pytest.mark.parametrize("kind", ["byte level", "llama", "gemma"])
@given(text=TEXT)
@settings(max_examples=60, deadline=None)
def test_pieces_join_to_what_decode_gives(tokenizers: dict[str, Any], kind: str, text: str) -> None:
    tokenizer = tokenizers[kind]
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = streamed(tokenizer, ids)
    assert "".join(pieces) == tokenizer.decode(ids, skip_special_tokens=True)
    if "\ufffd" not in text:
        assert all("\ufffd" not in piece for piece in pieces)
    assert Detokenizer(tokenizer).text(ids) == "".join(pieces)


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_ids_of_bytes_decode_as_the_library_does(tokenizers: dict[str, Any], data: st.DataObject) -> None:
    """Also where a model writes bytes that are no UTF-8: what is broken is replaced, what is whole is kept."""
    tokenizer = tokenizers["byte level"]
    ids = data.draw(st.lists(st.integers(0, len(tokenizer) - 1), max_size=30))
    assert "".join(streamed(tokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)


@given(ids=st.lists(st.integers(0, 600), max_size=30))
@settings(max_examples=40, deadline=None)
def test_bytes_arrive_in_order_whatever_they_are(tokenizers: dict[str, Any], ids: list[int]) -> None:
    """The stream is the UTF-8 decoding of the tokens' bytes; ids beyond the tokenizer's have none."""
    for tokenizer in tokenizers.values():
        detokenizer = Detokenizer(tokenizer)
        whole = b"".join(map(detokenizer.bytes_of, ids)).decode("utf-8", "replace")
        assert "".join(streamed(tokenizer, ids, continues=True)) == whole


def test_an_emoji_waits_for_its_last_byte(tokenizers: dict[str, Any]) -> None:
    tokenizer = tokenizers["gemma"]
    ids = tokenizer("🌍", add_special_tokens=False)["input_ids"]
    assert streamed(tokenizer, ids) == ["", "", "", "🌍", ""]
    assert streamed(tokenizer, ids[:2]) == ["", "", "\ufffd"]


def test_the_first_space_belongs_to_a_continuation_only(tokenizers: dict[str, Any]) -> None:
    tokenizer = tokenizers["llama"]
    ids = tokenizer("hello world", add_special_tokens=False)["input_ids"]
    assert "".join(streamed(tokenizer, ids)) == "hello world"
    assert "".join(streamed(tokenizer, ids, continues=True)) == " hello world"


def test_special_tokens_have_no_text(tokenizers: dict[str, Any]) -> None:
    for tokenizer in tokenizers.values():
        assert streamed(tokenizer, [tokenizer.eos_token_id]) == ["", ""]


def test_a_spelling_that_we_do_not_know() -> None:
    tokenizer = words()
    ids = tokenizer("one two , three . one")["input_ids"]
    assert "".join(streamed(tokenizer, ids)) == tokenizer.decode(ids)


@pytest.fixture(scope="module")
def real(smollm2_path: Path) -> tuple[Any, Detokenizer]:
    tokenizer = load_tokenizer("smollm2-135m-instruct", smollm2_path)
    return tokenizer, Detokenizer(tokenizer)


@given(text=TEXT, noise=st.lists(st.integers(0, 49151), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_real_tokenizer(real: tuple[Any, Detokenizer], text: str, noise: list[int]) -> None:
    tokenizer, detokenizer = real
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert "".join(pieces_of(detokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)
    assert "".join(pieces_of(detokenizer, noise + ids)) == tokenizer.decode(noise + ids, skip_special_tokens=True)


STOPS = st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=3)


@given(stops=STOPS, pieces=st.lists(st.text("ab\n", max_size=3), max_size=12))
def test_stop_strings_cut_at_the_first(stops: list[str], pieces: list[str]) -> None:
    whole = "".join(pieces)
    watch = StopStrings(stops)
    shown = ""
    for piece in pieces:
        shown += watch.push(piece)
        assert not any(stop in shown for stop in stops)
    shown += watch.flush()
    # The stop string that is complete first ends the text; what is shown is the text before it.
    ends = [n for n in range(len(whole) + 1) if any(stop in whole[:n] for stop in stops)]
    if watch.found is None:
        assert shown == whole and not ends
    else:
        assert ends and whole.startswith(shown + watch.found)
        assert not any(stop in shown for stop in stops)


def test_stop_strings_hold_back_no_more_than_they_must() -> None:
    watch = StopStrings(["\nUser:"])
    assert [watch.push(each) for each in ("one\n", "two\nUs", "eful", "\nUser", ": x")] == [
        "one",
        "\ntwo",
        "\nUseful",
        "",
        "",
    ]
    assert watch.found == "\nUser:"
