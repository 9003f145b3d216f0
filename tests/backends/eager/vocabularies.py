"""Small tokenizers that cut and spell text as differently as large ones do, and texts that are hard to spell."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = {
    "words": b"the cat sat on the mat and the dog sat on the cat, then they went home. ",
    "emoji": "so 👩‍👩‍👧‍👦 and 🏳️‍🌈 say 🌍! the 👍🏽 end 🙂🙂🙂 ".encode(),
    "cjk": "日本語の文章と한국어 and 中文字符, the end。".encode(),
    "marks": "e\u0301\u0327 Z\u0351\u036b caf\u00e9 cafe\u0301 the \u212b \ufb01 \u0958 ".encode(),
    "lines": b"one\r\n\r\ntwo\r\n\tthree\n\n\nfour\r the cat\n",
    "spaces": b"a  b   c    d     the      e       f        g the  cat   sat    ",
    "digits": b"1 12 123 1234 12345.67890 007 the 31415926535 x1y22z333 ",
    "broken": b"the \xff\xfe cat \xe2\x82 sat \xf0\x9f\x99 on \xc3( it \x80\x80 the ",
    "control": b"the\x00cat\x07 sat\x1b[0m on\x7f \x1f the mat ",
}
"""What is recited, as bytes: not all of it is characters."""

_SEEN = [text.decode(errors="ignore") for name, text in TEXTS.items() if name not in ("broken", "control")]


def _fast(backend: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>")


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A token per byte, and one that ends a text."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return _fast(backend)


def merged() -> PreTrainedTokenizerFast:
    """Bytes and some hundred merges of them, some of which end within a character."""
    trainer = trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(_SEEN, trainer)
    return _fast(backend)


def pieces() -> PreTrainedTokenizerFast:
    """SentencePiece's way: a space before every text, pieces across spaces, single bytes for what is in no piece."""
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=430, special_tokens=["<unk>", *every_byte], limit_alphabet=60, show_progress=False
    )
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    backend.train_from_iterator(_SEEN, trainer)
    # Files list single bytes as ordinary tokens, not as special ones; the trainer cannot say that.
    data = json.loads(backend.to_str())
    data["added_tokens"] = [each for each in data["added_tokens"] if each["content"] not in every_byte]
    return _fast(Tokenizer.from_str(json.dumps(data)))


def letters() -> PreTrainedTokenizerFast:
    """Little more than small letters: no digits, no line ends, and no byte beyond ASCII."""
    return _spelled(" abcdefghijklmnopqrstuvwxyz.,", ["th", "the", " t", " the", "at", "an", "and", " c", " cat"])


def ascii_alone() -> PreTrainedTokenizerFast:
    """A token per character of ASCII: there is one way to spell a text."""
    return _spelled("".join(map(chr, range(128))), [])


def digits() -> PreTrainedTokenizerFast:
    """Takes digits two by two from the left, and bytes for the rest."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [*product("0123456789", repeat=2)]
    vocab = {letter: number for number, letter in enumerate([*letters, *map("".join, pairs)])}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=pairs))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,2}"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return _fast(backend)


def unigram() -> PreTrainedTokenizerFast:
    """SentencePiece's other model, without bytes: it lacks most characters, and `▁` is a piece of its own."""
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    backend.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    backend.train_from_iterator([TEXTS["words"].decode(), TEXTS["marks"].decode()], trainer)
    return _fast(backend)


def _spelled(alphabet: str, words: list[str]) -> PreTrainedTokenizerFast:
    """Byte level over a few characters; each word is a merge of one before it and a letter, or of two letters."""
    spell = {chr(byte): each for byte, each in _byte_letters().items()}
    vocab: dict[str, int] = {}
    merges: list[tuple[str, str]] = []
    for each in [*alphabet, *words]:
        written = "".join(spell[character] for character in each)
        vocab[written] = len(vocab)
        if len(written) > 1:
            cut = next(cut for cut in range(len(written) - 1, 0, -1) if {written[:cut], written[cut:]} <= vocab.keys())
            merges.append((written[:cut], written[cut:]))
    backend = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return _fast(backend)


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable character for each byte."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = iter(range(256, 512))
    return {byte: chr(byte) if byte in printing else chr(next(hidden)) for byte in range(256)}


TOKENIZERS: dict[str, Any] = {
    "bytes": byte_tokenizer,
    "merged": merged,
    "pieces": pieces,
    "letters": letters,
    "ascii": ascii_alone,
    "digits": digits,
    "unigram": unigram,
}
PADDING = 3
"""Columns of logits that no token has."""
