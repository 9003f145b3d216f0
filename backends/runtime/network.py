"""What an engine brings along: a model that reads rows into a cache, and caches whose rows can be moved."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol

from .ending import StopText, TextStream
from .slots import Reading, Slots


class Wanted(Enum):
    """For which of the rows that a pass reads scores are computed; the vocabulary's head is not free."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Cache(Protocol):
    """Keys and values of one row of one model."""

    slots: Slots

    def move(self, sources: Sequence[int], first: int) -> None:
        """Put the rows of these slots (ascending, none before `first`) behind one another, from slot `first` on."""


class Encoder(Protocol):
    """Turns a prompt into a model's tokens."""

    def encode(self, prompt: str) -> list[int]:
        """The token ids. Raises `DiagnosticError` for text that the model cannot be given."""


class Network(Protocol):
    """One model of the graph, loaded."""

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""

    def open(self, slots: int) -> Cache:
        """An empty cache with that many slots."""

    def close(self, cache: Cache) -> None:
        """Take a cache back, to be used again."""

    def read(self, cache: Cache, reading: Reading, wanted: Wanted) -> Any:
        """Do one pass: keys and values into the cache, and scores `[rows wanted, V]`, an array of the engine's kind."""

    def encoder(self, template: str, system: str | None) -> Encoder:
        """Encodes prompts in this model's tokens."""

    def text(self, *, continues: bool) -> TextStream:
        """The text of a new row."""

    def stops(self, strings: Sequence[str]) -> StopText:
        """Stop strings for a new row."""
