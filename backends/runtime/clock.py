"""Where the time of a step goes: to each kind of node without what runs inside it, and to the models' own passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from .events import Timing


class Clock:
    """Counts seconds of wall time from one reading to the next."""

    def __init__(self) -> None:
        self._nodes: dict[str, float] = defaultdict(float)
        self._passes = self._inside = self._translating = 0.0
        self._running: list[Callable[[], float]] = []

    @contextmanager
    def node(self, label: str) -> Iterator[None]:
        """What runs here is a node of that keyword and model."""
        outside, self._inside = self._inside, 0.0
        began = perf_counter()
        try:
            yield
        finally:
            spent = perf_counter() - began
            self._nodes[label] += spent - self._inside
            self._inside = outside + spent

    @contextmanager
    def running(self) -> Iterator[None]:
        """What runs here is a model."""
        began = perf_counter()
        try:
            yield
        finally:
            self._passes += perf_counter() - began

    @contextmanager
    def translating(self) -> Iterator[None]:
        """What runs here spells text in other words."""
        began = perf_counter()
        try:
            yield
        finally:
            self._translating += perf_counter() - began

    def runs_on(self, seconds: Callable[[], float]) -> None:
        """A model runs on a device while the host goes on; `seconds` waits for it, and says how long it took."""
        self._running.append(seconds)

    def read(self, wall_s: float) -> Timing:
        """What was counted since the last reading, of so many seconds in all."""
        passes = self._passes + sum(seconds() for seconds in self._running)
        timing = Timing(wall_s, passes, dict(self._nodes), self._translating)
        self._nodes.clear()
        self._running.clear()
        self._passes = self._translating = 0.0
        return timing
