"""Whatever a tokenizer does to text, the words of its model spell exactly what they were given, or say that they cannot."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.backends.models import TokenizerWords, load_tokenizer, path
from specplan.grammar import DiagnosticError
from specplan.planner.vocabulary import is_whole_characters, written

pytest.importorskip("transformers")

SENTENCES = [
    "hello world, naïve café",
    "日本語の文章 한국어",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🌍",
    "e\u0301\u0327 Z\u0351\u036b \u212b \ufb01 \u0958",  # marks, a sign that NFC replaces, a ligature, a composed letter
    "  two  spaces\n\n\n   and five     ",
    "\tx = 1\r\n\r\nreturn 1234567890.50",
    "<|im_end|><|endoftext|></s><eos><unk><0x41><tool_call>",
    "HELLO İstanbul ǅ ẞ",
    "▁a ▁▁ Ġ",
]
TEXT = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from([*SENTENCES, *"aé日🌍\u0301 \n\r▁"]), max_size=8).map("".join),
)
# Rows of logits, and 64 more: what pads them is no word.
ROWS = {"smollm2-135m-instruct": 49_216, "gemma-3-270m": 262_208, "qwen2.5-coder-1.5b-instruct": 152_000}


def trained(model: Any, trainer: Any, **parts: Any) -> Any:
    """A tokenizer that learnt a few words, with these normalisers, splits and decoders."""
    from tokenizers import Tokenizer

    backend = Tokenizer(model)
    for name, part in parts.items():
        setattr(backend, name, part)
    backend.train_from_iterator(SENTENCES[:2] * 3, trainer)
    return backend


def fast(backend: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")


def byte_level(normalizer: Any = None) -> Any:
    from tokenizers import decoders, models, pre_tokenizers, trainers

    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<unk>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    parts = {} if normalizer is None else {"normalizer": normalizer}
    backend = trained(
        models.BPE(),
        trainer,
        pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True),
        decoder=decoders.ByteLevel(),
        **parts,
    )
    backend.add_tokens(["<tool_call>", "   ", "\r\n"])
    return fast(backend)


def changing() -> Any:
    """Byte level, behind everything that changes text."""
    from tokenizers import normalizers

    return byte_level(
        normalizers.Sequence(
            [normalizers.NFKC(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip()]
        )
    )


def dummy_prefix() -> Any:
    """As Llama 2: a space before every text, single bytes for what is in no token."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    backend = trained(
        models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True),
        trainers.BpeTrainer(
            vocab_size=420, special_tokens=["<unk>", "</s>", *every_byte], show_progress=False, limit_alphabet=40
        ),
        normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
        decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
    )
    # Real files list single bytes as ordinary tokens, not as special ones; the trainer cannot say that.
    data = json.loads(backend.to_str())
    data["added_tokens"] = [each for each in data["added_tokens"] if each["content"] not in every_byte]
    return fast(Tokenizer.from_str(json.dumps(data)))


def unigram() -> Any:
    """SentencePiece's other model, without bytes: most characters it cannot spell, and `▁` is a piece of its own."""
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    metaspace = pre_tokenizers.Metaspace(prepend_scheme="always")
    return fast(
        trained(
            models.Unigram(),
            trainers.UnigramTrainer(
                vocab_size=120, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False
            ),
            normalizer=normalizers.NFKC(),
            pre_tokenizer=metaspace,
            decoder=decoders.Metaspace(prepend_scheme="always"),
        )
    )


TINY = {"byte level": byte_level, "changing": changing, "dummy prefix": dummy_prefix, "unigram": unigram}


@pytest.fixture(scope="module")
def tiny() -> dict[str, TokenizerWords]:
    made = {name: make() for name, make in TINY.items()}
    return {name: TokenizerWords(each, len(each) + 8, source=name) for name, each in made.items()}


def spells(words: TokenizerWords, text: str) -> bool:
    """Whether it spells the text; what it spells is the text, whether alone or among others."""
    given = text.encode()
    ids = words.encode(given)
    assert words.encode_each([b"", given, b"x"])[1] == ids
    assert ids is None or words.bytes_of(ids) == given
    assert ids is None or all(words.spelled[each] for each in ids)
    return ids is not None


@pytest.mark.parametrize("kind", ["byte level", "changing", "dummy prefix"])
@given(text=TEXT)
@settings(max_examples=80, deadline=None)
def test_what_has_all_bytes_spells_every_text(tiny: dict[str, TokenizerWords], kind: str, text: str) -> None:
    assert spells(tiny[kind], text)


@given(text=TEXT)
@settings(max_examples=80, deadline=None)
def test_what_lacks_bytes_spells_what_its_characters_spell(tiny: dict[str, TokenizerWords], text: str) -> None:
    words = tiny["unigram"]
    alone = {character: words.encode(character.encode()) is not None for character in text}
    assert spells(words, text) or not all(alone.values())


def test_a_text_goes_on(tiny: dict[str, TokenizerWords]) -> None:
    """Neither a space before it nor the names of special tokens in it are anything but text."""
    for kind, words in tiny.items():
        ids = words.encode(b"world")
        assert ids is not None and words.spelled[ids[0]] is not None, kind
        assert not (words.spelled[ids[0]] or b"").startswith(b" "), kind
    end = byte_level()
    words = TokenizerWords(end, len(end), source="tiny")
    assert end("</s>", add_special_tokens=False)["input_ids"] == [end.eos_token_id]
    assert words.spelled[end.eos_token_id] is None and words.bytes_of([end.eos_token_id]) == b""
    assert end.eos_token_id not in (words.encode(b"</s>") or ())


def test_one_strange_character_leaves_the_words_around_it(tiny: dict[str, TokenizerWords]) -> None:
    words = tiny["changing"]
    plain, strange = words.encode(b"hello world" * 8), words.encode(b"hello world" * 4 + "É".encode())
    assert plain is not None and strange is not None
    assert len(strange) < len(plain)


def test_the_users_tokenizer_stays_as_it_is() -> None:
    for make in TINY.values():
        tokenizer = make()
        before = tokenizer.backend_tokenizer.to_str()
        words = TokenizerWords(tokenizer, len(tokenizer), source="tiny")
        words.encode("</s> É".encode())
        assert tokenizer.backend_tokenizer.to_str() == before
        assert tokenizer("</s>", add_special_tokens=False)["input_ids"][-1] == tokenizer.eos_token_id


def test_padding_is_no_word_and_tokens_without_a_row_are_never_said() -> None:
    tokenizer = byte_level()
    size = len(tokenizer)
    assert TokenizerWords(tokenizer, size + 3, source="tiny").spelled[size:] == (None, None, None)
    fewer = TokenizerWords(tokenizer, size - 3, source="tiny")  # the three added tokens have no row
    assert len(fewer.spelled) == size - 3
    ids = fewer.encode(b"a   <tool_call>")
    assert ids is not None and max(ids) < size - 3 and fewer.bytes_of(ids) == b"a   <tool_call>"


def test_added_tokens_are_words() -> None:
    tokenizer = byte_level()
    words = TokenizerWords(tokenizer, len(tokenizer), source="tiny")
    assert words.spelled[-3:] == (b"<tool_call>", b"   ", b"\r\n")
    assert words.encode(b"<tool_call>\r\n") == (len(tokenizer) - 3, len(tokenizer) - 1)


def refusal(tokenizer: Any) -> str:
    with pytest.raises(DiagnosticError) as error:
        TokenizerWords(tokenizer, 100, source="tiny")
    (found,) = error.value.diagnostics
    assert found.code == "SP0745"
    return str(found.reason)


def test_tokens_whose_bytes_are_not_known_are_refused() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    whole_words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "one": 2}, unk_token="<unk>"))
    assert "is not known" in refusal(fast(whole_words))
    whole_words.decoder = decoders.WordPiece()
    assert "is not known" in refusal(fast(whole_words))
    tokenizer = byte_level()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(object())
    assert "is a program" in refusal(tokenizer)


def test_a_tokenizer_without_a_fast_backend_is_refused() -> None:
    from transformers import ByT5Tokenizer

    assert "is not one of the library" in refusal(ByT5Tokenizer())


def test_a_tokenizer_without_tokens_is_refused() -> None:
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    empty = Tokenizer(models.BPE())
    empty.decoder = decoders.ByteLevel()
    assert "has no tokens" in refusal(PreTrainedTokenizerFast(tokenizer_object=empty))


def test_text_that_the_library_refuses_stops_nothing_else() -> None:
    """A model that names an unknown token which it does not have raises an error for unknown characters."""
    from tokenizers import Tokenizer, decoders, models

    backend = Tokenizer(models.BPE({"<unk>": 0, "</s>": 1, "a": 2, "b": 3}, [], unk_token="<none>"))
    backend.decoder = decoders.Metaspace(prepend_scheme="never")
    words = TokenizerWords(fast(backend), 4, source="tiny")
    assert words.encode_each([b"ab", b"ax", b"b"]) == [(2, 3), None, (3,)]


@cache
def real(name: str) -> TokenizerWords:
    return TokenizerWords(load_tokenizer(name, path(name)), ROWS[name], source=name)


REAL = [
    "smollm2-135m-instruct",
    pytest.param("gemma-3-270m", marks=pytest.mark.slow),
    pytest.param("qwen2.5-coder-1.5b-instruct", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("name", REAL)
@given(text=TEXT)
@settings(max_examples=100, deadline=None)
def test_real_words(name: str, text: str) -> None:
    words = real(name)
    lacks = {byte for byte in range(256) if bytes([byte]) not in words.spelled}
    assert spells(words, text) or lacks & set(text.encode())


@pytest.mark.parametrize("name", REAL)
def test_real_words_spell_whatever_people_write(name: str) -> None:
    words = real(name)
    assert all(spells(words, sentence) for sentence in SENTENCES)
    assert words.spelled[-64:] == (None,) * 64


@pytest.mark.parametrize("name", REAL)
def test_real_words_are_encoded_as_one_token(name: str) -> None:
    """Nearly every token that is text is the encoding of that text: nothing is put before it."""
    words = real(name)
    whole = [each for each in words.spelled[:20_000] if each and is_whole_characters(each)]
    assert sum(ids is not None and len(ids) == 1 for ids in words.encode_each(whole)) > 0.98 * len(whole)


@pytest.mark.slow
def test_what_is_written_in_gemma() -> None:
    """A line feed and a comma are single bytes, too, one with a higher id than the token and one with a lower."""
    words = real("gemma-3-270m")
    kept = written(words.spelled, words.encode_each)
    for text in (b"\n", b",", b"a"):
        assert words.spelled.count(text) == 2 and words.encode(text) == (kept.index(text),)
    assert len({each for each in kept if each}) == sum(each is not None for each in kept)


def test_control_characters_that_smollm2_lacks() -> None:
    words = real("smollm2-135m-instruct")
    lacks = [byte for byte in range(128) if bytes([byte]) not in words.spelled]
    assert lacks and all(words.encode(bytes([byte])) is None for byte in lacks)
    assert words.encode(b"a" + bytes(lacks[:1])) is None
