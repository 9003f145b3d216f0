"""What flows along a graph's values: immutable, hashable, one entry per row; a row that rests has None.

Nodes of trees are named by their tokens from the root, `()` being the root itself. Siblings never share a token, so the
name says all about a node: what it holds, what it hangs from, and whether a path went through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..runtime.pasta import MAIN, Place, Promised
from .tables import Law

Name: TypeAlias = tuple[int, ...]
"""A node: its tokens from the root."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a path or of tokens: tokens that follow each other, and where they stand."""

    row: int
    """The request, whatever its place in a batch."""
    tokens: tuple[int, ...]
    start: int
    """The number of tokens before the first, in this thread and this vocabulary."""
    position: int
    """Of the first token; positions leave gaps behind promises."""
    thread: int = 0
    jump: int = 0
    """How many positions the next token leaves out."""
    text: bytes = b""
    """All that was generated in this thread, up to and with the last token."""
    made: int = 0
    """How many tokens that is, in the target's words."""
    laws: tuple[Law | None, ...] = ()
    """What each token was accepted under, on a path that nobody has stored yet."""
    ended: bool = False
    budget: int = 0
    """How much a fork may say that the last token, a promise's end, opens."""
    left: int = 0
    """How much the main thread may say behind that promise, the fork's share included."""

    @property
    def next_position(self) -> int:
        """Of the token after the last."""
        return self.position + len(self.tokens) + self.jump

    def from_token(self, index: int) -> Line:
        """What is left from the token on that has `index` tokens before it in its thread."""
        skipped = index - self.start
        assert 0 <= skipped <= len(self.tokens), (
            f"the line covers {self.start} to {self.start + len(self.tokens)}, not {index}"
        )
        laws = self.laws[skipped:]
        return replace(self, tokens=self.tokens[skipped:], start=index, position=self.position + skipped, laws=laws)

    def stored(self) -> Line:
        """The line as the next step gets it: what only this step could ask is gone, so that equal states are equal."""
        known = self.laws or self.ended or self.budget or self.left
        return replace(self, laws=(), ended=False, budget=0, left=0) if known else self


@dataclass(frozen=True, slots=True)
class Proposed:
    """A candidate below a node: a token or, where a draw has no token here, nothing; its law, or None if it is certain."""

    token: int | None
    law: Law | None = None


@dataclass(frozen=True, slots=True)
class Bush:
    """Guesses below a root: each node's name, parents first, and the proposals at the root and at each node, in order."""

    nodes: tuple[Name, ...] = ()
    proposals: tuple[tuple[Proposed, ...], ...] = ((),)
    steps: tuple[float, ...] = ()
    """The log-probability of each node below its parent, where a tree is grown by it."""

    def items(self) -> Iterator[tuple[Name, tuple[Proposed, ...]]]:
        """The root and every node with what is proposed below it."""
        return zip(((), *self.nodes), self.proposals, strict=True)

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return max(map(len, self.nodes), default=0)

    def layer(self, depth: int) -> tuple[Name, ...]:
        """The nodes of one layer; the root is layer 0."""
        return tuple(name for name in ((), *self.nodes) if len(name) == depth)


def bush_of(proposals: Iterable[tuple[Name, Proposed]], steps: dict[Name, float] | None = None) -> Bush:
    """The bush of proposals, each below a node; equal tokens below one node share a node."""
    below: dict[Name, list[Proposed]] = {(): []}
    for parent, proposed in proposals:
        below[parent].append(proposed)
        if proposed.token is not None:
            below.setdefault((*parent, proposed.token), [])
    nodes = tuple(sorted((name for name in below if name), key=len))
    steps_ = () if steps is None else tuple(steps[name] for name in nodes)
    return Bush(nodes, tuple(tuple(below[name]) for name in ((), *nodes)), steps_)


def line_bush(proposals: Sequence[Proposed]) -> Bush:
    """Proposals one behind the other; a null is the last."""
    name: Name = ()
    placed: list[tuple[Name, Proposed]] = []
    for proposed in proposals:
        placed.append((name, proposed))
        if proposed.token is None:
            break
        name = (*name, proposed.token)
    return bush_of(placed)


@dataclass(frozen=True, slots=True)
class Guessed:
    """One row of a guess: a bush (a line is one), below a text that ends in `text`."""

    bush: Bush
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of ranked guesses: on each level tokens with their log-probabilities, likeliest first."""

    levels: tuple[tuple[tuple[int, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Rooted:
    """One row of a tree: its root, a line of one token, and what hangs below."""

    root: Line
    bush: Bush
    prompts: tuple[int, ...] = ()
    """How many prompt tokens are chained behind the root and behind each node, if any."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A committed row of a cache: the token that was read, in which thread, after how many, and at which position."""

    token: int
    thread: int
    index: int
    position: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Rows of one thread that await a verdict: nodes of a tree, by name, and perhaps its root.

    `base` is the root's index. A drafter has read the root for good, then `root` is None.
    """

    thread: int
    base: int
    position: int
    root: int | None = None
    jump: int = 0
    nodes: tuple[Name, ...] = ()
    passed: tuple[int, ...] = ()
    """In a pipeline: how many stages have read the root and each node."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.nodes) + (self.root is not None)

    def slot(self, name: Name) -> Slot:
        """The row of a node."""
        token = self.root if not name else name[-1]
        assert token is not None, "the root of these rows was read before"
        ahead = len(name) + (self.jump if name else 0)
        return Slot(token, self.thread, self.base + len(name), self.position + ahead)

    def holds(self, name: Name) -> bool:
        """Was that node read?"""
        return name in self.nodes if name else self.root is not None


@dataclass(frozen=True, slots=True)
class Pool:
    """One request's part of a cache. The first `prompt` rows of the main thread are the prompt's."""

    slots: tuple[Slot, ...] = ()
    levels: tuple[tuple[Pending, ...], ...] = ()
    prompt: int = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """A model's cache."""

    model: str
    pools: tuple[Pool | None, ...]


@dataclass(frozen=True, slots=True)
class ForkState:
    """One fork: where its promise ended in the main thread, how much it may say, and how far it is."""

    end: int
    position: int
    budget: int
    promise: Promised
    row: int | None = None
    """Its place among the rows of the request; None while it waits for one, and once it has ended."""
    made: int = 0
    ended: bool = False
    joined: int | None = None
    """The index of the sync from which on the main thread sees it."""


@dataclass(frozen=True, slots=True)
class Woven:
    """One request's threads: its forks in the order of their promises; thread k is the k-th."""

    forks: tuple[ForkState, ...] = ()
    waiting: Line | None = None
    """The main thread's path, while it rests at a sync."""
    over: bool = False
    place: Place = MAIN
    """Where the main thread is in PASTA's language."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """One row's trust: what it gained in its last steps, and how many more it goes without guesses."""

    gains: tuple[int, ...] = ()
    resting: int = 0
