"""Every outcome of a random computation with its probability: losslessness as an equality, not as a statistic."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from math import prod
from typing import TypeVar

from array_api_compat import array_namespace

from .draws import Draws, Key
from .laws import Array

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)

_SLIVER = 1e-15  # Narrower overlaps of two cumulative laws are rounding, not outcomes.


class Repeats(Enum):
    """What it means that one run draws the same key twice."""

    REFUSED = auto()
    """It is a mistake: two decisions would be one and the same draw."""
    SHARED = auto()
    """Both use the same uniform number, as `Counter` does, so the second is bound by the first. For runs of several
    steps, where a position is drafted again."""


def enumerate_outcomes(run: Callable[[Draws], T], *, repeats: Repeats = Repeats.REFUSED) -> Iterator[tuple[float, T]]:
    """Run once for every way that its draws can turn out; yield each way's probability and result.

    Depth first, tokens in the order of their ids, "yes" before "no"; ways of probability zero are left out. `run` must
    be a function of its draws: it is replayed from the start each time.

    >>> from specplan.backends.decoding import Key, Purpose
    >>> coin = lambda draws: draws.accept(0.25, Key(row=0, position=0, purpose=Purpose.ACCEPT))
    >>> list(enumerate_outcomes(coin))
    [(0.25, True), (0.75, False)]
    """
    forks: list[_Fork] = []
    while True:
        replay = _Replay(forks, repeats)
        result = run(replay)
        assert replay.depth == len(forks), "a run must be a function of its draws; this one drew fewer than before"
        yield prod(fork.way.weight for fork in forks), result
        while forks and forks[-1].taken + 1 == len(forks[-1].ways):
            forks.pop()
        if not forks:
            return
        forks[-1].taken += 1


def law_of(run: Callable[[Draws], H], *, repeats: Repeats = Repeats.REFUSED) -> dict[H, float]:
    """Return the law of a run's result: enumerate, and add up what ends alike."""
    law: dict[H, float] = {}
    for probability, outcome in enumerate_outcomes(run, repeats=repeats):
        law[outcome] = law.get(outcome, 0.0) + probability
    return law


@dataclass(frozen=True, slots=True)
class _Way:
    """One result of a draw: the uniform numbers in [start, stop) lead to it."""

    outcome: int
    start: float
    stop: float
    weight: float


@dataclass(slots=True)
class _Fork:
    """A draw on the way to the present outcome, and which of its results is being followed."""

    key: Key
    ways: Sequence[_Way]
    taken: int = 0

    @property
    def way(self) -> _Way:
        return self.ways[self.taken]


@dataclass(slots=True)
class _Replay:
    """Draws that follow the forks taken so far, then open new ones."""

    forks: list[_Fork]
    repeats: Repeats
    depth: int = 0
    seen: dict[Key, _Way] = field(default_factory=dict)

    def pick(self, law: Array, key: Key) -> int:
        return self._draw(key, lambda: [float(weight) for weight in law])

    def pick_rows(self, laws: Array, keys: Sequence[Key]) -> Array:
        xp = array_namespace(laws)
        impossible = laws.shape[-1] - 1  # as `pick_each` has it
        picks = [self.pick(law, key) if xp.any(law > 0) else impossible for law, key in zip(laws, keys, strict=True)]
        return xp.asarray(picks, dtype=xp.int64)

    def accept(self, probability: float, key: Key) -> bool:
        yes = min(1.0, max(0.0, probability))
        return self._draw(key, lambda: [yes, 1.0 - yes]) == 0

    def _draw(self, key: Key, weights: Callable[[], list[float]]) -> int:
        before = self.seen.get(key)
        assert before is None or self.repeats is Repeats.SHARED, f"two draws of one run share the key {key}"
        if self.depth == len(self.forks):
            ways = _ways(weights())
            self.forks.append(_Fork(key, ways if before is None else _within(ways, before)))
        fork = self.forks[self.depth]
        assert fork.key == key, f"a run must be a function of its draws; it drew {fork.key} before and {key} now"
        self.depth += 1
        self.seen[key] = fork.way
        return fork.way.outcome


def _ways(weights: list[float]) -> list[_Way]:
    """Lay positive weights side by side on [0, 1) in the order in which a counter inverts them."""
    total = sum(weights)
    assert total > 0, "a law to draw from has a positive sum"
    ways: list[_Way] = []
    start = 0.0
    for outcome, weight in enumerate(weights):
        if weight > 0:
            share = weight / total
            ways.append(_Way(outcome, start, start + share, share))
            start += share
    return ways


def _within(ways: list[_Way], known: _Way) -> list[_Way]:
    """Keep what is possible for a uniform number that an earlier draw confined to an interval."""
    cut = [(way.outcome, max(way.start, known.start), min(way.stop, known.stop)) for way in ways]
    cut = [(outcome, start, stop) for outcome, start, stop in cut if stop - start > _SLIVER]
    width = sum(stop - start for _, start, stop in cut)
    return [_Way(outcome, start, stop, (stop - start) / width) for outcome, start, stop in cut]
