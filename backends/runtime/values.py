"""The values that flow between nodes when a graph runs: a tuple with one entry per row, for paths, guesses, trees and trust.

Every entry knows its row, so rows that rest are simply not there. A row without an entry has what `none` stands for: no
guess, full trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from .row import Row


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Tokens of a row that follow each other from position `start` on.

    `nodes` are the tree's nodes whose tokens come first in it (the last token may be the model's own), of `drafted` that
    there were. `text` is what a reader is shown of it, where that has been decided already. `laws` are those under which
    the tokens were accepted, for whoever takes them as guesses; None where the law was all on one token.
    """

    row: Row
    tokens: tuple[int, ...]
    start: int
    nodes: tuple[int, ...] = ()
    drafted: int = 0
    text: str | None = None
    laws: Sequence[Any] | None = None
    draws_at: int | None = None
    """What draws behind the path are keyed by, where it is not the position: another model's words count in the target's."""

    @property
    def end(self) -> int:
        """The position behind the last token."""
        return self.start + len(self.tokens)

    @property
    def accepted(self) -> int:
        """How many of the tokens were drafts."""
        return min(len(self.nodes), len(self.tokens))


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Guessed tokens of a row: a line, or a bush whose node i hangs below node `parents[i - 1]` (0 is the root).

    `laws[i]` `[V]` is what token i was drawn from, given the siblings before it; `laws` is None for certain tokens. The last
    token of a line may be None: a draw that has no token in this vocabulary, whose law counts.
    """

    row: Row
    tokens: tuple[int | None, ...] = ()
    laws: Sequence[Any] | None = None
    parents: tuple[int, ...] | None = None

    @property
    def known(self) -> tuple[int, ...]:
        """The tokens without a null behind them."""
        return tuple(token for token in self.tokens if token is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A row's root at position `start`, and guesses below it.

    `tokens[0]` is the root's; node i hangs below `parents[i - 1]`, which comes before it. `children[i]` are the proposals
    at node i, in order (`decoding.Proposal`, whose `node` says where they are); for a line they are made when asked for.
    """

    row: Row
    tokens: tuple[int, ...]
    start: int
    parents: tuple[int, ...] = ()
    line: Guess | None = None
    children: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Trusted:
    """What a row gained in its last steps, and how many more it goes without guesses."""

    row: Row
    gains: tuple[int, ...] = ()
    resting: int = 0


class OfRow(Protocol):
    """Whatever belongs to one row."""

    @property
    def row(self) -> Row:
        """Whose it is."""


E = TypeVar("E", bound=OfRow)

Rows: TypeAlias = tuple[Row, ...]
Paths: TypeAlias = tuple[Path, ...]
Guesses: TypeAlias = tuple[Guess, ...]
Trees: TypeAlias = tuple[Tree, ...]
Trust: TypeAlias = tuple[Trusted, ...] | None


def of_row(entries: Iterable[E] | None, row: Row) -> E | None:
    """The entry of a row, if it has one."""
    return next((entry for entry in entries or () if entry.row is row), None)


def of_rows(entries: Iterable[E], rows: Iterable[OfRow]) -> tuple[E, ...]:
    """The entries of the rows that others belong to, in their order; every row has one."""
    found = {id(entry.row): entry for entry in entries}
    return tuple(found[id(other.row)] for other in rows)
