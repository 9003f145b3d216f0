"""A model's vocabulary in bytes: the only thing that two vocabularies have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Words(Protocol):
    """Spells tokens, and encodes text as a part of a longer one: nothing is put before or behind it."""

    @property
    def spelled(self) -> Sequence[bytes | None]:
        """What each id stands for, `[V]`; None for special tokens and padding, which stand for nothing."""

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        """The text of some tokens; special tokens add nothing to it."""

    def encode(self, text: bytes) -> tuple[int, ...] | None:
        """Tokens that spell exactly this text of whole characters; None where the vocabulary cannot spell it."""

    def encode_each(self, texts: Sequence[bytes]) -> list[tuple[int, ...] | None]:
        """The same for many texts, which by themselves are short."""
