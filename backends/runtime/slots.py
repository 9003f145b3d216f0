"""Which token stands in which slot of a row's cache: the committed ones, and levels that await a verdict on top.

Bookkeeping alone, without keys and values: an engine keeps those in arrays of as many slots, does the passes that are
described by a `Reading`, and moves rows as `commit` says. A commit matches tokens: nothing but the accepted text has to be
known, so one rule serves the verified tree, a drafter's own guesses, and guesses that were dropped on the way.

The threads of a row stand in the same slots, side by side as they are read: nothing is copied where one forks, and nothing
moves where one is joined. What a token sees of other threads is in the masks alone (PASTA section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from .readings import Reading


class NoRoom(Exception):
    """More rows than the cache has slots."""


class View(Protocol):
    """What the threads of a row see of each other."""

    @property
    def straight(self) -> int:
        """So many tokens of the main thread are seen by all of them, and stand at the positions of their numbers."""

    def others(self, thread: int, index: int) -> Sequence[tuple[int, int | None]]:
        """Of which other threads the token with that number in a thread sees how many tokens; None for all."""


Segment: TypeAlias = tuple[Sequence[int], int]
"""Tokens of a thread that follow each other, and the number of the first in it."""


class Slots:
    """The slots of one row in one cache.

    >>> slots = Slots(16)
    >>> _ = slots.append([5, 6, 7])
    >>> _ = slots.open([8, 1, 2, 3], parents=[0, 1, 0])     # a root; 1 with 2 behind it, and 3
    >>> slots.commit({0: ([3, 9], 4)})                      # the root and 3 stay, 9 is not read yet
    (3, (3, 6))
    >>> slots.tokens(), slots.levels
    ([5, 6, 7, 8, 3], 0)
    """

    def __init__(self, size: int) -> None:
        """An empty cache with room for `size` tokens."""
        self.size = size
        self._tokens: list[Any] = []
        self._positions: list[int] = []
        self._strands: dict[int, _Strand] = {}
        self._levels: list[_Level] = []

    @property
    def used(self) -> int:
        """How many slots hold something."""
        return len(self._tokens)

    @property
    def levels(self) -> int:
        """How many levels await a verdict."""
        return len(self._levels)

    def tokens(self, thread: int = 0, first: int = 0, end: int | None = None) -> list[Any]:
        """What is held of a thread, in order, or a part of it; of levels that are no lines, in the order of reading."""
        return [self._tokens[slot] for slot in self._all(thread)[first:end]]

    def count(self, thread: int = 0) -> int:
        """How many tokens of a thread are held."""
        return len(self._strand(thread).slots) + sum(len(level.rows.get(thread, ())) for level in self._levels)

    def append(self, tokens: Sequence[Any], *, thread: int = 0, ahead: int = 0, view: View | None = None) -> Reading:
        """Tokens of a thread in a line behind its last one, in the level on top or, without levels, committed.

        Their positions are `ahead` of their numbers in the thread; without a `view` the row has no other threads. Raises
        `NoRoom`, as do all that add tokens.
        """
        if self._levels:
            last = len(self._levels[-1].rows.get(thread, ())) - 1
            return self.grow(tokens, _line(last, len(tokens)), thread=thread, ahead=ahead, view=view)
        strand = self._strand(thread)
        first = len(strand.slots) + ahead
        positions = range(first, first + len(tokens))
        taken = self._take(tokens, positions)
        if view is None:
            strand.extend(taken)
            return Reading(tuple(tokens), tuple(positions), taken, taken.start, None, positions)
        sees = []
        for slot in taken:
            others = self._bits(view.others(thread, len(strand.slots)))
            strand.extend((slot,))
            sees.append(strand.bits | others)
        return self._reading(taken, view.straight, sees)

    def open(self, tokens: Sequence[Any] = (), parents: Sequence[int] = ()) -> Reading:
        """A new level: a root, and nodes that each hang below an earlier one of them (0 is the root); or nothing yet."""
        self._room_for(len(tokens))
        self._levels.append(_Level(self.used))
        return self.grow(tokens, [None, *parents] if tokens else [])

    def grow(
        self,
        tokens: Sequence[Any],
        parents: Sequence[int | None],
        *,
        thread: int = 0,
        ahead: int = 0,
        jump: int = 0,
        view: View | None = None,
    ) -> Reading:
        """More of a thread in the level on top.

        Each hangs below an earlier token of the thread in the level or, None, below all that the thread has under it. What
        hangs below another is `jump` positions further ahead.
        """
        self._room_for(len(tokens))
        level, under = self._levels[-1], self._count_under(thread)
        mine = level.rows.setdefault(thread, [])
        new: list[_Row] = []
        for slot, parent in enumerate(parents, self.used):
            row = _Row(slot, None, 0, self._under(thread, view)) if parent is None else mine[parent].child(slot, parent)
            mine.append(row)
            new.append(row)
        positions = [under + ahead + row.depth + (jump if row.depth else 0) for row in new]
        taken = self._take(tokens, positions)
        if view is None:
            return self._reading(taken, level.base, None if _is_line(mine) else [row.sees for row in new])
        return self._reading(taken, view.straight, [row.sees for row in new])

    def commit(self, said: Mapping[int, Segment]) -> tuple[int, tuple[int, ...]]:
        """Take the level off, and keep what it has of what threads said, each thread's last token unread.

        Returns where the kept rows begin, and from which slots they come, in order.
        """
        level = self._levels[-1]
        kept = {thread: tuple(self._walk(thread, *said[thread])) if thread in said else () for thread in level.rows}
        return self.keep(kept)

    def pending(self) -> tuple[list[Any], list[int | None]]:
        """The main thread's tokens of the level on top, and below which of them each hangs (None: below what is under it)."""
        rows = self._levels[-1].rows.get(0, [])
        return [self._tokens[row.slot] for row in rows], [row.parent for row in rows]

    def keep(self, kept: Mapping[int, Sequence[int]]) -> tuple[int, tuple[int, ...]]:
        """Take the level off, and keep these rows of each thread, each below the one before; returns what `commit` does."""
        level = self._levels.pop()
        rows = sorted((level.rows[thread][row].slot, thread) for thread in kept for row in kept[thread])
        stay = [(self._tokens[slot], self._positions[slot], thread) for slot, thread in rows]
        del self._tokens[level.base :], self._positions[level.base :]
        for token, position, thread in stay:
            self._settle(int(token), position, thread)
        return level.base, tuple(slot for slot, _ in rows)

    def rewind(self, size: int) -> None:
        """Forget what is behind the first `size` tokens of a row without forks; nothing awaits a verdict."""
        assert not self._levels, "what awaits a verdict is kept or dropped by it"
        assert self._strands.keys() <= {0}, "what forks have seen is not forgotten"
        del self._tokens[size:], self._positions[size:]
        self._strand(0).cut(size)

    def _settle(self, token: int, position: int, thread: int) -> None:
        """One more token of a thread, which is decided: committed or, in a level below, behind the thread's last one."""
        (slot,) = self._take((token,), (position,))
        if not self._levels:
            self._strand(thread).extend((slot,))
            return
        mine = self._levels[-1].rows.setdefault(thread, [])
        last = len(mine) - 1
        mine.append(mine[last].child(slot, last) if mine else _Row(slot, None, 0, self._under(thread, None)))

    def _take(self, tokens: Sequence[Any], positions: Sequence[int]) -> range:
        self._room_for(len(tokens))
        first = self.used
        self._tokens += tokens
        self._positions += positions
        return range(first, self.used)

    def _room_for(self, count: int) -> None:
        if self.used + count > self.size:
            raise NoRoom(f"{self.used} rows and {count} more do not fit in {self.size} slots")

    def _reading(self, taken: range, base: int, sees: Sequence[int] | None) -> Reading:
        above = self._positions[base:]
        return Reading(
            tuple(self._tokens[taken.start :]),
            tuple(self._positions[taken.start :]),
            taken,
            base,
            None if sees is None else tuple(bits >> base for bits in sees),
            above,
        )

    def _strand(self, thread: int) -> _Strand:
        return self._strands.setdefault(thread, _Strand())

    def _all(self, thread: int) -> list[int]:
        """The slots of a thread."""
        waiting = [row.slot for level in self._levels for row in level.rows.get(thread, ())]
        committed = self._strand(thread).slots
        return [*committed, *waiting] if waiting else committed

    def _count_under(self, thread: int) -> int:
        """How many tokens of a thread stand below the level on top."""
        return self.count(thread) - len(self._levels[-1].rows.get(thread, ()))

    def _under(self, thread: int, view: View | None) -> int:
        """What a thread sees below the level on top, as bits."""
        if view is None:
            return (1 << self._levels[-1].base) - 1
        assert len(self._levels) == 1, "where threads fork no decoder drafts"
        strand = self._strand(thread)
        return strand.bits | self._bits(view.others(thread, len(strand.slots)))

    def _bits(self, others: Sequence[tuple[int, int | None]]) -> int:
        """Some tokens of some threads; of what awaits a verdict the roots alone are sure."""
        bits = 0
        for thread, count in others:
            strand = self._strand(thread)
            bits |= strand.bits if count is None else strand.first(count)
            if count is not None and count > len(strand.slots):
                assert count == len(strand.slots) + 1, "a fork sees what has been read, or is read beside it"
                bits |= 1 << self._levels[-1].rows[thread][0].slot
        return bits

    def _walk(self, thread: int, tokens: Sequence[int], start: int) -> Iterator[int]:
        """The rows of the level on top that spell what a thread said, from its roots on."""
        rows = self._levels[-1].rows[thread]
        parent: int | None = None
        for index in range(self._count_under(thread), start + len(tokens) - 1):
            below = (place for place, row in enumerate(rows) if row.parent == parent)
            # What stands right before the path is its root; it was settled before the path was.
            matching = (
                place for place in below if index < start or self._tokens[rows[place].slot] == tokens[index - start]
            )
            parent = next(matching, None)
            if parent is None:
                return
            yield parent


@dataclass(slots=True)
class _Strand:
    """The committed slots of a thread in order, and the same as bits."""

    slots: list[int] = field(default_factory=list)
    bits: int = 0
    _firsts: dict[int, int] = field(default_factory=dict)

    def extend(self, taken: Sequence[int]) -> None:
        """More slots, behind one another."""
        self.slots += taken
        if taken:
            self.bits |= (1 << len(taken)) - 1 << taken[0]

    def cut(self, count: int) -> None:
        """Only the first so many."""
        self.bits = self.first(count)
        del self.slots[count:]
        self._firsts.clear()

    def first(self, count: int) -> int:
        """The first so many as bits, or all there are."""
        if count >= len(self.slots):
            return self.bits
        if count not in self._firsts:
            self._firsts[count] = self.bits & (1 << self.slots[count]) - 1
        return self._firsts[count]


@dataclass(frozen=True, slots=True)
class _Row:
    """A token that awaits a verdict: below which of its thread's it hangs, how deep, and what it sees before it, as bits."""

    slot: int
    parent: int | None
    depth: int
    before: int

    @property
    def sees(self) -> int:
        """All that it sees."""
        return self.before | 1 << self.slot

    def child(self, slot: int, place: int) -> _Row:
        """A token below this one, which stands at a place in its thread's part of the level."""
        return _Row(slot, place, self.depth + 1, self.sees)


@dataclass(slots=True)
class _Level:
    """The slots from `base` on, by thread."""

    base: int
    rows: dict[int, list[_Row]] = field(default_factory=dict)


def _line(last: int, count: int) -> list[int | None]:
    """The parents of a line behind the last row; -1 if there is none."""
    return [place if place >= 0 else None for place in range(last, last + count)]


def _is_line(rows: Sequence[_Row]) -> bool:
    return all(row.parent == (place - 1 if place else None) for place, row in enumerate(rows))
