"""The words of a real tokenizer: its vocabulary in bytes, and text encoded as a part of a longer one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...grammar import DiagnosticError
from ...planner.vocabulary import token_bytes
from .continuation import continuing
from .errors import VocabularyUnspelled
from .spelling import special_ids, spelling_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase


class TokenizerWords:
    """The `Words` of a model whose logits have `rows` columns, which may be more than its tokenizer has tokens.

    No tokenizer is believed: ids are the encoding of a text if their bytes are the text, and only then.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, rows: int, *, source: str) -> None:
        """`source` is what the plan calls the model. Raises `DiagnosticError` (SP0745) where bytes are not known."""
        self._backend, vocabulary = _twin_and_vocabulary(tokenizer, source)
        within = vocabulary[:rows]
        beyond = max(rows, len(vocabulary)) - len(within)
        self._pieces = (*within, *(None,) * beyond)  # tokens without a row are never said
        self._spelled = self._pieces[:rows]
        self._single = {each: number for number, each in reversed([*enumerate(within)]) if each and len(each) == 1}

    @property
    def spelled(self) -> tuple[bytes | None, ...]:
        """What each id stands for, `[V]`; None for special tokens and padding, which stand for nothing."""
        return self._spelled

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        """The text of some tokens; special tokens add nothing to it."""
        return b"".join(self._pieces[each] or b"" for each in ids)

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        """Tokens that spell exactly this text of whole characters; None where the vocabulary cannot spell it."""
        return self._encode(text.decode())

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        """The same for many texts, which by themselves are short."""
        decoded = [text.decode() for text in texts]
        try:
            found = self._backend.encode_batch_fast(decoded, add_special_tokens=False)
        except Exception:  # one text that the library refuses, and nobody says which
            return [self._encode(text) for text in decoded]
        return [self._checked(text, each.ids) for text, each in zip(decoded, found, strict=True)]

    def _encode(self, text: str) -> tuple[int, ...] | None:
        try:
            ids = self._backend.encode(text, add_special_tokens=False).ids
        except Exception:  # a character that no token spells, where no token stands for such characters
            ids = []
        return self._checked(text, ids)

    def _checked(self, text: str, ids: Sequence[int]) -> tuple[int, ...] | None:
        pieces = [self._pieces[each] for each in ids]
        if b"".join(each or b"" for each in pieces) == text.encode() and None not in pieces:
            return tuple(ids)
        return self._encode_halves(text) if len(text) > 1 else self._encode_bytes(text.encode())

    def _encode_halves(self, text: str) -> tuple[int, ...] | None:
        """Most often it is one character that fails; looking for it in halves leaves what is around it in words."""
        middle = len(text) // 2
        left = self._encode(text[:middle])
        right = None if left is None else self._encode(text[middle:])
        return None if left is None or right is None else left + right

    def _encode_bytes(self, character: bytes) -> tuple[int, ...] | None:
        ids = [self._single.get(bytes([each])) for each in character]
        return None if None in ids else tuple(each for each in ids if each is not None)


def _twin_and_vocabulary(tokenizer: PreTrainedTokenizerBase, source: str) -> tuple[Tokenizer, tuple[bytes | None, ...]]:
    if not tokenizer.is_fast:
        raise _unspelled(source, "its tokenizer is not one of the library `tokenizers`")
    try:
        twin, spelling = continuing(tokenizer), spelling_of(tokenizer)
    except Exception as error:  # parts written in Python have no description
        raise _unspelled(source, "a part of its tokenizer is a program") from error
    if spelling is None:
        raise _unspelled(source, "its tokenizer joins tokens to text in a way that is not known here")
    numbers = tokenizer.get_vocab()
    if not numbers:
        raise _unspelled(source, "its tokenizer has no tokens")
    pieces: list[str | None] = [None] * (max(numbers.values()) + 1)
    for piece, number in numbers.items():
        pieces[number] = piece
    return twin, token_bytes(pieces, spelling, special=special_ids(tokenizer))


def _unspelled(source: str, reason: str) -> DiagnosticError:
    return DiagnosticError([VocabularyUnspelled(None, source, reason)])
