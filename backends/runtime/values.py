"""The values that flow between nodes when a graph runs one row: paths, guesses and draft trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """Tokens that follow each other from position `start` on.

    `nodes` are the tree's nodes whose tokens come first in it (the last token may be the model's own), of `drafted` that
    there were. `text` is what a reader is shown of it, where that has been decided already.
    """

    tokens: tuple[int, ...]
    start: int
    nodes: tuple[int, ...] = ()
    drafted: int = 0
    text: str | None = None

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
    """Tokens guessed in a line; `laws` `[tokens, V]` are those that they were drawn from, None for certain ones."""

    tokens: tuple[int, ...]
    laws: Any | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A root at position `start` and guesses below it.

    `tokens[0]` is the root's; node i hangs below `parents[i - 1]`, which comes before it. `children[i]` are the proposals
    at node i, in order (`decoding.Proposal`, whose `node` says where they are). `line` is the guess that a chain is made
    of, which needs no proposals.
    """

    tokens: tuple[int, ...]
    start: int
    parents: tuple[int, ...] = ()
    line: Guess | None = None
    children: Sequence[Sequence[Any]] = ()

    @property
    def is_line(self) -> bool:
        """Has every node but the last exactly one child?"""
        return all(parent == node for node, parent in enumerate(self.parents))
