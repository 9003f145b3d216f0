"""Which token stands in which slot of a row's cache: the committed ones in order, and levels that await a verdict on top.

Bookkeeping alone, without keys and values: an engine keeps those in arrays of as many slots, does the passes that are
described by a `Reading`, and moves rows as `commit` says. A commit matches tokens: nothing but the accepted text has to be
known, so one rule serves the verified tree, a drafter's own guesses, and guesses that were dropped on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache


class NoRoom(Exception):
    """More rows than the cache has slots."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass reads: tokens for the slots from `first` on.

    Every token sees all slots before `base`. Of those from `base` on, token i sees slot `base + j` where bit j of `sees[i]`
    is set, itself included; `sees` None means that the tokens are a line and each sees all before it. `positions` are the
    tokens', `above` those of the slots from `base` on.
    """

    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    first: int
    base: int
    sees: tuple[int, ...] | None
    above: tuple[int, ...]

    @property
    def end(self) -> int:
        """The slot behind the last that is written."""
        return self.first + len(self.tokens)


class Slots:
    """The slots of one row in one cache.

    >>> slots = Slots(16)
    >>> _ = slots.append([5, 6, 7])
    >>> _ = slots.open([8, 1, 2, 3], parents=[0, 1, 0])     # a root; 1 with 2 behind it, and 3
    >>> slots.commit([3, 9], start=4)                       # the root and 3 stay, 9 is not read yet
    (3, (3, 6))
    >>> slots.tokens, slots.levels
    ([5, 6, 7, 8, 3], 0)
    """

    def __init__(self, size: int) -> None:
        """An empty cache with room for `size` tokens."""
        self.size = size
        self.used = 0
        """How many slots hold something."""
        self._committed: list[int] = []
        self._levels: list[_Level] = []

    @property
    def tokens(self) -> list[int]:
        """The token in each slot that is used."""
        return [*self._committed, *(token for level in self._levels for token in level.tokens)]

    @property
    def levels(self) -> int:
        """How many levels await a verdict."""
        return len(self._levels)

    def append(self, tokens: Sequence[int]) -> Reading:
        """Tokens in a line behind the last one, in the level on top or, without levels, committed.

        Raises `NoRoom`, as do all that add tokens.
        """
        if self._levels:
            last = len(self._levels[-1].tokens) - 1
            return self.grow(tokens, [last + ahead if last + ahead >= 0 else None for ahead in range(len(tokens))])
        first = self._room_for(len(tokens))
        self._committed += tokens
        self.used += len(tokens)
        span = tuple(range(first, self.used))
        return Reading(tuple(tokens), span, first, first, None, span)

    def open(self, tokens: Sequence[int] = (), parents: Sequence[int] = ()) -> Reading:
        """A new level: a root, and nodes that each hang below an earlier one of them (0 is the root); or nothing yet."""
        self._room_for(len(tokens))
        self._levels.append(_Level(self.used))
        return self.grow(tokens, [None, *parents] if tokens else [])

    def grow(self, tokens: Sequence[int], parents: Sequence[int | None]) -> Reading:
        """More of the level on top: each hangs below an earlier one of the level or, None, below all that is under it."""
        first = self._room_for(len(tokens))
        level = self._levels[-1]
        level.tokens += tokens
        level.parents += parents
        self.used += len(tokens)
        depths, sees = _shape(tuple(level.parents))
        above = tuple(level.base + depth for depth in depths)
        new = len(depths) - len(tokens)
        return Reading(tuple(tokens), above[new:], first, level.base, None if sees is None else sees[new:], above)

    def commit(self, path: Sequence[int], start: int) -> tuple[int, tuple[int, ...]]:
        """Take the level off, and keep the rows of a path that starts at position `start`; its last token is unread.

        Returns where the kept rows begin, and from which slots they come, in order.
        """
        assert self._levels, "nothing awaits a verdict in this cache"
        return self.keep(tuple(self._levels[-1].walk(path, start)))

    def pending(self) -> tuple[list[int], list[int | None]]:
        """The tokens of the level on top, and below which of them each hangs (None: below all that is under it)."""
        assert self._levels, "nothing awaits a verdict in this cache"
        return self._levels[-1].tokens, self._levels[-1].parents

    def keep(self, kept: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Take the level off, and keep these of its rows, each below the one before; returns what `commit` does."""
        level = self._levels.pop()
        tokens = [int(level.tokens[row]) for row in kept]
        self.used = level.base
        if self._levels:
            self.append(tokens)
        else:
            self._committed += tokens
            self.used += len(tokens)
        return level.base, tuple(level.base + row for row in kept)

    def rewind(self, size: int) -> None:
        """Forget what is behind the first `size` tokens; nothing awaits a verdict."""
        assert not self._levels, "what awaits a verdict is kept or dropped by it"
        del self._committed[size:]
        self.used = size

    def text(self, path: Sequence[int], start: int) -> list[int]:
        """All tokens up to the end of a path that goes on where this cache ends, or overlaps its end."""
        assert start <= self.used, "a path starts within what a cache holds, or right behind it"
        return [*self.tokens[:start], *path]

    def owed(self, path: Sequence[int], start: int) -> Sequence[int]:
        """The tokens of such a path that are not read yet."""
        assert start <= self.used, "a path starts within what a cache holds, or right behind it"
        return path[self.used - start :]

    def _room_for(self, count: int) -> int:
        if self.used + count > self.size:
            raise NoRoom(f"{self.used} rows and {count} more do not fit in {self.size} slots")
        return self.used


@dataclass(slots=True)
class _Level:
    """Tokens from slot `base` on; each hangs below an earlier one of the level, or (None) below all that is under it."""

    base: int
    tokens: list[int] = field(default_factory=list)
    parents: list[int | None] = field(default_factory=list)

    def walk(self, path: Sequence[int], start: int) -> Iterator[int]:
        """The rows that spell a path, from the level's roots on."""
        parent: int | None = None
        for position in range(self.base, start + len(path) - 1):
            rows = (row for row, above in enumerate(self.parents) if above == parent)
            # What stands right before the path is its root; it was settled before the path was.
            matching = (row for row in rows if position < start or self.tokens[row] == path[position - start])
            parent = next(matching, None)
            if parent is None:
                return
            yield parent


@lru_cache(maxsize=1024)
def _shape(parents: tuple[int | None, ...]) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """The depth of each row of a level, and which of them each sees as bits; None for a line."""
    depths, sees = list[int](), list[int]()
    for row, parent in enumerate(parents):
        assert parent is None or 0 <= parent < row, "parents come before their children"
        depths.append(0 if parent is None else depths[parent] + 1)
        sees.append((0 if parent is None else sees[parent]) | 1 << row)
    is_line = all(parent == (row - 1 if row else None) for row, parent in enumerate(parents))
    return tuple(depths), None if is_line else tuple(sees)
