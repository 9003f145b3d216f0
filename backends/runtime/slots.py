"""Which token stands in which slot of a cache: the committed ones in order, and levels that await a verdict on top.

Bookkeeping alone, without keys and values: an engine keeps those in arrays of as many slots, does the passes that are
described by a `Reading`, and moves rows as `commit` says. A commit matches tokens: nothing but the accepted text has to be
known, so one rule serves the verified tree, a drafter's own guesses, and guesses that were dropped on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """The rows of one cache.

    >>> slots = Slots(16)
    >>> _ = slots.append([5, 6, 7])
    >>> _ = slots.open([8, 1, 2, 3], parents=[0, 1, 0])     # a root; 1 with 2 behind it, and 3
    >>> slots.commit([3, 9], start=4)                       # the root and 3 stay, 9 is not read yet
    (3, (3, 6))
    >>> slots.tokens, slots.levels
    ([5, 6, 7, 8, 3], 0)
    """

    def __init__(self, size: int) -> None:
        """An empty cache with room for `size` rows."""
        self.size = size
        self.tokens: list[int] = []
        self._levels: list[_Level] = []

    @property
    def levels(self) -> int:
        """How many levels await a verdict."""
        return len(self._levels)

    def append(self, tokens: Sequence[int]) -> Reading:
        """Rows in a line behind the last one, in the level on top or, without levels, committed.

        Raises `NoRoom`, as do all that add rows.
        """
        first = self._room_for(len(tokens))
        if self._levels:
            self._levels[-1].append(len(tokens))
        self.tokens += tokens
        span = tuple(range(first, first + len(tokens)))
        return Reading(tuple(tokens), span, first, first, None, span)

    def open(self, tokens: Sequence[int] = (), parents: Sequence[int] = ()) -> Reading:
        """A new level: a root, and nodes that each hang below an earlier one of them (0 is the root); or no rows yet."""
        first = self._room_for(len(tokens))
        level = _Level(first, [None, *parents] if tokens else [])
        self._levels.append(level)
        self.tokens += tokens
        depths, sees = _shape(tuple(parents)) if tokens else ((), None)
        positions = tuple(first + depth for depth in depths)
        return Reading(tuple(tokens), positions, first, first, sees, positions)

    def commit(self, path: Sequence[int], start: int) -> tuple[int, tuple[int, ...]]:
        """Take the level off, and keep the rows of a path that starts at position `start`; its last token is unread.

        Returns where the kept rows begin, and from which slots they come, in order.
        """
        assert self._levels, "nothing awaits a verdict in this cache"
        level = self._levels.pop()
        kept = tuple(self._walk(level, path, start))
        tokens = [self.tokens[slot] for slot in kept]
        del self.tokens[level.base :]
        self.tokens += tokens
        if self._levels:
            self._levels[-1].append(len(kept))
        return level.base, kept

    def text(self, path: Sequence[int], start: int) -> list[int]:
        """All tokens up to the end of a path that goes on where this cache ends, or overlaps its end."""
        assert start <= len(self.tokens), "a path starts within what a cache holds, or right behind it"
        return [*self.tokens[:start], *path]

    def owed(self, path: Sequence[int], start: int) -> Sequence[int]:
        """The tokens of such a path that are not read yet."""
        assert start <= len(self.tokens), "a path starts within what a cache holds, or right behind it"
        return path[len(self.tokens) - start :]

    def _walk(self, level: _Level, path: Sequence[int], start: int) -> Iterator[int]:
        """The slots of a level that spell the path, from the level's roots on."""
        parent: int | None = None
        for position in range(level.base, start + len(path) - 1):
            rows = [row for row, above in enumerate(level.parents) if above == parent]
            # What stands right before the path is its root; it was settled before the path was.
            matching = (
                row for row in rows if position < start or self.tokens[level.base + row] == path[position - start]
            )
            parent = next(matching, None)
            if parent is None:
                return
            yield level.base + parent

    def _room_for(self, count: int) -> int:
        if len(self.tokens) + count > self.size:
            raise NoRoom(f"{len(self.tokens)} rows and {count} more do not fit in {self.size} slots")
        return len(self.tokens)


@dataclass(slots=True)
class _Level:
    """Rows from slot `base` on; each hangs below an earlier one of the level, or (None) below all that is under it."""

    base: int
    parents: list[int | None]

    def append(self, count: int) -> None:
        for _ in range(count):
            self.parents.append(len(self.parents) - 1 if self.parents else None)


@lru_cache(maxsize=256)
def _shape(parents: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Depth of the root and each node, and which of them each sees as bits; None for a line."""
    depths, sees = [0], [1]
    for node, parent in enumerate(parents, 1):
        assert 0 <= parent < node, "parents come before their children"
        depths.append(depths[parent] + 1)
        sees.append(sees[parent] | 1 << node)
    is_line = all(parent == node for node, parent in enumerate(parents))
    return tuple(depths), None if is_line else tuple(sees)
