"""What an engine brings along: models that read several rows in one pass, and a cache per row whose slots can be moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeAlias

from ...grammar import Tag
from .clock import Clock
from .ending import StopText, TextStream
from .readings import Reading
from .row import Row
from .slots import Slots
from .words import Words


class Wanted(Enum):
    """For which of the tokens that a pass reads scores are computed; the vocabulary's head is not free."""

    NONE = "none"
    LAST = "last"
    """For the last of each line."""
    ALL = "all"


class Cache(Protocol):
    """Keys and values of one row of one model."""

    @property
    def row(self) -> Row:
        """Whose they are."""

    @property
    def slots(self) -> Slots:
        """What stands where."""


Caches: TypeAlias = tuple[Cache, ...]


class Span(NamedTuple):
    """Where scores of tokens that belong together lie."""

    row: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a pass says of several threads: `padded` `[rows, tokens, V]`, and which of it is whose."""

    padded: Any
    spans: tuple[Span, ...]

    @staticmethod
    def of_rows(padded: Any, lengths: Sequence[int]) -> Scores:
        """The last `lengths[i]` of row i are its own; before them it was filled up."""
        width = padded.shape[1]
        return Scores(padded, tuple(Span(row, width - length, width) for row, length in enumerate(lengths)))

    def of(self, place: int) -> Any:
        """One thread's scores, `[tokens, V]`."""
        row, first, end = self.spans[place]
        return self.padded[row, first:end]


class Encoder(Protocol):
    """Turns a prompt into a model's tokens."""

    def encode(self, prompt: str) -> list[int]:
        """The token ids. Raises `DiagnosticError` for text that the model cannot be given."""


class Network(Protocol):
    """One model of the graph, loaded."""

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""

    @property
    def looks_are_free(self) -> bool:
        """Do its numbers lie where the host can look at them without waiting?"""

    @property
    def words(self) -> Words:
        """Its vocabulary. Raises `DiagnosticError` for one that cannot be told in bytes."""

    @property
    def tags(self) -> Mapping[Tag, int]:
        """The words of PASTA-LANG in its vocabulary. Raises `DiagnosticError` for one that lacks them."""

    def open(self, row: Row, slots: int, rows: int) -> Cache:
        """An empty cache for a row, with that many slots, beside those of up to `rows` rows."""

    def close(self, cache: Cache) -> None:
        """Take a cache back, to be used again."""

    def read(self, caches: Sequence[Cache], readings: Sequence[Reading], wanted: Wanted, clock: Clock) -> Scores | None:
        """Do one pass over some rows: keys and values into their caches, and the scores that are wanted, row by row."""

    def move(self, cache: Cache, sources: Sequence[int], first: int) -> None:
        """Put what is in these slots (ascending, none before `first`) behind one another, from slot `first` on."""

    def encoder(self, template: str, system: str | None) -> Encoder:
        """Encodes prompts in this model's tokens."""

    def text(self, *, continues: bool) -> TextStream:
        """The text of a new row."""

    def stops(self, strings: Sequence[str]) -> StopText:
        """Stop strings for a new row."""
