"""What the threads of a row did over its steps, gathered from events: for whoever draws it, or tells it in the end.

Steps count from 1. A fork is opened at the end of the step that completed its promise, and runs, or waits, from the next.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ...grammar import TEN
from .events import Stepped, ThreadStep
from .forks import Fork, Phase


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps, one behind the other, in which a thread was in one phase."""

    phase: Phase
    first: int
    last: int

    def to_json(self) -> dict[str, Any]:
        """An object of the list under `stretches`."""
        return {**asdict(self), "phase": self.phase.value}


@dataclass(frozen=True, slots=True)
class Lane:
    """One thread over time: 0 is the main thread, forks count from 1."""

    thread: int
    opened: int = 0
    """The step that opened the fork; 0 for the main thread."""
    phase: Phase = Phase.RUNNING
    """How far the thread is now."""
    fork: Fork | None = None
    said: int = 0
    """Tokens."""
    joined: int | None = None
    """The step at whose end the main thread came to see the fork."""
    stretches: tuple[Stretch, ...] = ()

    def after(self, step: int, told: ThreadStep) -> Lane:
        """The lane up to a later step, in which the thread did this; only what has ended is not told of in between."""
        first = self.stretches[-1].last + 1 if self.stretches else self.opened + 1
        did = Phase.RUNNING if told.token_ids else self.phase
        return replace(
            self,
            phase=told.phase,
            fork=told.fork,
            said=self.said + len(told.token_ids),
            joined=step if told.phase is Phase.JOINED else None,
            stretches=_longer(self.stretches, Stretch(did, first, step)),
        )

    def to_json(self) -> dict[str, Any]:
        """An object of the list under `threads`; the main thread promises nothing."""
        promise: dict[str, Any] = {}
        if self.fork is not None:
            promise = {"topic": self.fork.topic, "promised": TEN * self.fork.tens, "budget": self.fork.budget}
            promise |= {"opened": self.opened, "joined": self.joined}
        stretches = [each.to_json() for each in self.stretches]
        return {"thread": self.thread, **promise, "said": self.said, "stretches": stretches}


def _longer(stretches: tuple[Stretch, ...], more: Stretch) -> tuple[Stretch, ...]:
    *before, last = stretches or (more,)
    if last.phase is more.phase:
        return (*before, replace(last, last=more.last))
    return (*stretches, more)


class Timeline:
    """The lanes of one row that may fork, as far as its events have been told."""

    def __init__(self) -> None:
        """A row that has gone no step."""
        self.steps = 0
        self._lanes = [Lane(0)]

    def add(self, step: Stepped) -> None:
        """The row went another step."""
        self.steps += 1
        for told in step.threads:
            if told.thread == len(self._lanes):
                self._lanes.append(Lane(told.thread, self.steps, told.phase, told.fork))
            else:
                self._lanes[told.thread] = self._lanes[told.thread].after(self.steps, told)

    @property
    def main(self) -> Lane:
        """The main thread."""
        return self._lanes[0]

    @property
    def forks(self) -> tuple[Lane, ...]:
        """The others, in the order of their promises."""
        return tuple(self._lanes[1:])

    def to_json(self) -> dict[str, Any]:
        """The object under `forks`."""
        return {"steps": self.steps, "threads": [each.to_json() for each in self._lanes]}
