"""The values that flow between nodes when a graph runs: a tuple with one entry per thread, for paths, guesses, trees, trust.

Every entry knows its thread, so threads that rest are simply not there. One without an entry has what `none` stands for: no
guess, full trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from .pasta import Cut
from .row import Row
from .thread import Thread


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Tokens of a thread that follow each other; `start` is the number of the first in it.

    `nodes` are the tree's nodes whose tokens come first in it (the last token may be the model's own), of `drafted` that
    there were. `text` is what a reader is shown of it, where that has been decided already. `laws` are those under which
    the tokens were accepted, for whoever takes them as guesses; None where the law was all on one token.
    """

    thread: Thread
    tokens: tuple[int, ...]
    start: int
    nodes: tuple[int, ...] = ()
    drafted: int = 0
    text: str | None = None
    laws: Sequence[Any] | None = None
    draws_at: int | None = None
    """What draws behind the path are keyed by, where it is not the position: another model's words count in the target's."""
    ahead: int = 0
    """How many positions the tokens stand behind their numbers: promises leave gaps."""
    jump: int = 0
    """How many positions are left out behind the last token."""
    verdict: Cut | None = None
    """What the last token means where threads fork, as far as that has been decided."""

    @property
    def row(self) -> Row:
        """Whose it is."""
        return self.thread.row

    @property
    def end(self) -> int:
        """The number of the token behind the last."""
        return self.start + len(self.tokens)

    @property
    def next_position(self) -> int:
        """Of the token behind the last."""
        return self.end + self.ahead + self.jump

    def follow(self, tokens: tuple[int, ...], **facts: Any) -> Path:
        """The path of tokens behind this one."""
        return Path(self.thread, tokens, self.end, ahead=self.ahead + self.jump, **facts)

    @property
    def accepted(self) -> int:
        """How many of the tokens were drafts."""
        return min(len(self.nodes), len(self.tokens))


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Guessed tokens of a thread: a line, or a bush whose node i hangs below node `parents[i - 1]` (0 is the root).

    `laws[i]` `[V]` is what token i was drawn from, given the siblings before it; `laws` is None for certain tokens. The last
    token of a line may be None: a draw that has no token in this vocabulary, whose law counts.
    """

    thread: Thread
    tokens: tuple[int | None, ...] = ()
    laws: Sequence[Any] | None = None
    parents: tuple[int, ...] | None = None

    @property
    def row(self) -> Row:
        """Whose they are."""
        return self.thread.row

    @property
    def known(self) -> tuple[int, ...]:
        """The tokens without a null behind them."""
        return tuple(token for token in self.tokens if token is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Guesses below a root, which is the last token of the path `fresh`.

    `tokens[0]` is the root's; node i hangs below `parents[i - 1]`, which comes before it. `children[i]` are the proposals
    at node i, in order (`decoding.Proposal`, whose `node` says where they are); for a line they are made when asked for.
    """

    fresh: Path
    tokens: tuple[int, ...]
    parents: tuple[int, ...] = ()
    line: Guess | None = None
    children: Sequence[Sequence[Any]] = ()

    @property
    def thread(self) -> Thread:
        """Whose it is."""
        return self.fresh.thread

    @property
    def row(self) -> Row:
        """Whose it is."""
        return self.thread.row

    @property
    def start(self) -> int:
        """The root's number in its thread."""
        return self.fresh.end - 1


@dataclass(frozen=True, slots=True, eq=False)
class Trusted:
    """What a thread gained in its last steps, and how many more it goes without guesses."""

    thread: Thread
    gains: tuple[int, ...] = ()
    resting: int = 0

    @property
    def row(self) -> Row:
        """Whose it is."""
        return self.thread.row


class OfRow(Protocol):
    """Whatever belongs to one row."""

    @property
    def row(self) -> Row:
        """Whose it is."""


class OfThread(Protocol):
    """Whatever belongs to one thread."""

    @property
    def thread(self) -> Thread:
        """Whose it is."""


E = TypeVar("E", bound=OfRow)
T = TypeVar("T", bound=OfThread)

Rows: TypeAlias = tuple[Row, ...]
Paths: TypeAlias = tuple[Path, ...]
Guesses: TypeAlias = tuple[Guess, ...]
Trees: TypeAlias = tuple[Tree, ...]
Trust: TypeAlias = tuple[Trusted, ...] | None


def of_thread(entries: Iterable[T] | None, thread: Thread) -> T | None:
    """The entry of a thread, if it has one."""
    row, number = thread.row, thread.number
    return next((each for each in entries or () if each.thread.row is row and each.thread.number == number), None)


def of_row(entries: Iterable[E] | None, row: Row) -> E | None:
    """The entry of a row, if it has one."""
    return next((entry for entry in entries or () if entry.row is row), None)


def of_rows(entries: Iterable[E], rows: Iterable[OfRow]) -> tuple[E, ...]:
    """The entries of the rows that others belong to, in their order; every row has one."""
    found = {id(entry.row): entry for entry in entries}
    return tuple(found[id(other.row)] for other in rows)
