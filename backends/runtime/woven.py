"""A row's threads together: who sees what of whom, who waits for whom, and how the limit of all is shared out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from .forks import Fork, Phase
from .row import Row
from .values import Path


@dataclass(frozen=True, slots=True, eq=False)
class Woven:
    """The forks of a row beside its main thread."""

    row: Row
    forks: tuple[Fork, ...] = ()
    waiting: Path | None = None
    """The main thread's path, while it rests at a sync."""
    over: bool = False
    """Has the main thread ended?"""

    @property
    def phase(self) -> Phase:
        """How far the main thread is."""
        if self.over:
            return Phase.ENDED
        return Phase.RUNNING if self.waiting is None else Phase.WAITING

    @property
    def straight(self) -> int:
        """How many tokens of the main thread all threads see, at the positions of their numbers: those up to the first fork."""
        return self.forks[0].end + 1

    def others(self, thread: int, index: int) -> list[tuple[int, int | None]]:
        """Of which other threads the token with that number in a thread sees how many tokens; None for all.

        A fork sees the main thread up to its promise, and what had been joined by then; the main thread sees what it has
        joined (PASTA section 3.3).
        """
        last = index if thread == 0 else self.forks[thread - 1].end
        joined: list[tuple[int, int | None]] = [
            (number, None)
            for number, fork in enumerate(self.forks, start=1)
            if fork.joined is not None and fork.joined <= last
        ]
        return joined if thread == 0 else [(0, last + 1), *joined]

    def reading_order(self, thread: int, count: int) -> Iterator[tuple[int, int, int | None]]:
        """What a thread of so many tokens sees, as a person reads it: parts of threads, from one token to another.

        The last part is the thread's own.
        """
        last = count - 1 if thread == 0 else self.forks[thread - 1].end
        first = 0
        for number, fork in enumerate(self.forks, start=1):
            if fork.joined is not None and fork.joined <= last:
                yield 0, first, fork.end + 1
                yield number, 0, None
                first = fork.end + 1
        yield 0, first, last + 1
        if thread:
            yield thread, 0, count

    @property
    def lent(self) -> int:
        """How much forks may say that are not joined yet."""
        return sum(fork.budget for fork in self.forks if fork.joined is None)

    @property
    def spent(self) -> int:
        """How much forks have said that are."""
        return sum(fork.made for fork in self.forks if fork.joined is not None)

    def limit(self, thread: int, limit: int) -> int:
        """How many tokens a thread may say in all, where all threads may say so many."""
        return self.forks[thread - 1].budget if thread else limit - self.lent - self.spent

    def ends_with(self, paths: Sequence[Path]) -> bool:
        """Have all threads ended, once these paths were said?"""
        ended = {path.thread.number for path in paths if path.verdict is not None and path.verdict.ended}
        main = self.over or 0 in ended
        return main and all(fork.has_ended or number in ended for number, fork in enumerate(self.forks, start=1))

    def with_fork(self, thread: int, fork: Fork) -> Woven:
        """The same with another state of a fork."""
        return replace(self, forks=(*self.forks[: thread - 1], fork, *self.forks[thread:]))

    @property
    def running(self) -> int:
        """How many forks are running."""
        return sum(fork.phase is Phase.RUNNING for fork in self.forks)


Threads: TypeAlias = tuple[Woven, ...]
"""An entry for each row that has said something; one without an entry is a main thread alone."""
