"""How many steps threads take to say an answer, replayed from what they said: the interpreter's own count is compared with it.

"Learning to Keep a Promise" (arXiv 2502.11517) calls it the critical path: the longest chain of tokens that have to be said
one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from specplan.backends.runtime.pasta import FORK, MAIN, Meaning, Place, Promised, Said, Synced, Threads, TokenMachine


@dataclass(frozen=True, slots=True)
class Schedule:
    """What an answer takes: steps in which every running thread says one token, and how its ordinary tokens are spread."""

    steps: int
    text_tokens: int
    """Ordinary tokens of all threads: no tags, topics and numbers of promises."""
    fork_tokens: int
    """Those of them that forks say."""

    @property
    def parallelism(self) -> float:
        """Ordinary tokens per step: theoretical parallelism."""
        return self.text_tokens / self.steps if self.steps else 0.0

    @property
    def forked(self) -> float:
        """The share of ordinary tokens that forks say."""
        return self.fork_tokens / self.text_tokens if self.text_tokens else 0.0

    def speedup(self, sequential_tokens: int) -> float:
        """Theoretical speed-up over a model that says its answer, of so many tokens, one by one."""
        return sequential_tokens / self.steps if self.steps else 1.0


def replay(threads: Threads, machine: TokenMachine, max_forks: int | None = None) -> Schedule:
    """The schedule of what threads said; `threads.main` with its end token, if it has one.

    A fork says its first token one step after its promise, or when one of `max_forks` has ended; a sync waits for all. A
    block without an end was cut off, and its forced end takes a step, too.
    """
    step = text = forked = 0
    running: list[int] = []  # the steps in which forks end, a heap of at most `max_forks`
    last = 0  # the step in which the last of all forks ends
    blocks = iter(threads.blocks)
    for meanings in _said(threads.main, machine, MAIN):
        step += 1
        text += _ordinary(meanings)
        for meaning in meanings:
            block = next(blocks, None) if isinstance(meaning, Promised) else None
            if block is not None:
                length, words = _fork(block, machine)
                is_free = max_forks is None or len(running) < max_forks
                end = (step if is_free else max(step, heappop(running))) + length
                heappush(running, end)
                last, forked = max(last, end), forked + words
            if isinstance(meaning, Synced):
                step = max(step, last)
    return Schedule(max(step, last), text + forked, forked)


def _said(tokens: Sequence[int], machine: TokenMachine, place: Place) -> Iterator[list[Meaning]]:
    """What each token of a thread means, up to its end."""
    for token in tokens:
        if place.is_over:
            return
        place, said = machine.read(place, (token,))
        yield said


def _fork(block: Sequence[int], machine: TokenMachine) -> tuple[int, int]:
    """The steps that a fork takes, and its ordinary tokens."""
    said = [*_said(block, machine, FORK)]
    place, _ = machine.read(FORK, block)
    return len(said) + (not place.is_over), sum(map(_ordinary, said))


def _ordinary(meanings: Sequence[Meaning]) -> int:
    return sum(len(meaning.tokens) for meaning in meanings if isinstance(meaning, Said))
