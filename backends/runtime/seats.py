"""Where threads read: each has a seat in its row's cache, beside those of the row's other threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .network import Cache, Caches
from .readings import Reading
from .thread import Thread
from .values import Path, of_row, of_rows
from .woven import Threads, Woven


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A thread in its row's cache."""

    cache: Cache
    thread: Thread
    ahead: int = 0
    """How many positions its next tokens stand behind their numbers."""
    view: Woven | None = None
    """What it sees of the row's other threads; None where there are none."""

    def tokens(self, first: int = 0, end: int | None = None) -> list[Any]:
        """What the cache holds of the thread, from one token to another."""
        return self.cache.slots.tokens(self.thread.number, first, end)

    @property
    def count(self) -> int:
        """How many tokens that is."""
        return self.cache.slots.count(self.thread.number)

    def text(self, path: Path) -> list[Any]:
        """What the last token of a path sees, in the order in which a person reads it; the cache holds what comes before."""
        if self.view is None:
            return [*self.tokens(0, path.start), *path.tokens]
        slots = self.cache.slots
        *parts, (thread, first, _) = self.view.reading_order(self.thread.number, path.end)
        before = [token for part in parts for token in slots.tokens(*part)]
        return [*before, *slots.tokens(thread, first, path.start), *path.tokens]

    def append(self, tokens: Sequence[Any]) -> Reading:
        """A line behind the thread's last token."""
        return self.cache.slots.append(tokens, thread=self.thread.number, ahead=self.ahead, view=self.view)

    def grow(self, tokens: Sequence[Any], parents: Sequence[int | None], jump: int = 0) -> Reading:
        """More of the level on top: each hangs below an earlier token of the thread in it or, None, below all before it.

        What hangs below another is `jump` positions further ahead.
        """
        return self.cache.slots.grow(
            tokens, parents, thread=self.thread.number, ahead=self.ahead, jump=jump, view=self.view
        )

    def behind(self, path: Path) -> Seat:
        """The seat for what follows a path."""
        return replace(self, ahead=path.ahead + path.jump)


def seats(caches: Caches, paths: Sequence[Path], threads: Threads = ()) -> tuple[Seat, ...]:
    """A seat for the thread of each path, where the path is to be read."""
    return tuple(
        Seat(cache, path.thread, path.ahead, _view(path, threads))
        for cache, path in zip(of_rows(caches, paths), paths, strict=True)
    )


def _view(path: Path, threads: Threads) -> Woven | None:
    woven = of_row(threads, path.row)
    return woven if woven is not None and woven.forks else None


def caches_of(seats: Iterable[Seat]) -> tuple[Cache, ...]:
    """The caches that they are in, each once."""
    return tuple({id(seat.cache): seat.cache for seat in seats}.values())
