"""How each kind of draft becomes nodes: what it keeps between steps, how it proposes, and how it learns what was said.

A drafter is written three times into a graph: `begin` in the start region makes what it carries from step to step,
`propose` makes a tree of its guesses, `settle` brings what it carries up to date once the target has spoken. `idle` is
`propose` without guesses, for steps in which another drafter was chosen: what was said still has to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..graph import Type, Value
from .lines import Lines


@dataclass(frozen=True, slots=True)
class Scene:
    """What a proposal may look at: the cache of the model that will judge it, the threads, and who is trusted."""

    cache: Value
    threads: Value | None = None
    trust: Value | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A value that goes from step to step: its name as a parameter, what it starts as, and its rows and decisions."""

    name: str
    initial: Value
    type: Type


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tree of guesses, and the drafter's values that await the verdict; `scene` is what may be looked at from here on."""

    tree: Value
    scene: Scene
    pending: tuple[Value, ...] = ()


class Drafter(Protocol):
    """One kind of draft, in nodes."""

    @property
    def carries(self) -> int:
        """How many values it carries from step to step."""

    @property
    def awaits(self) -> int:
        """How many of its values await the verdict: its caches."""

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Read the prompt; say what is carried from step to step."""

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Guess."""

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Read what is fresh and guess nothing; gives what `propose` leaves pending."""

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """What was said is known: the values to carry on, in the order of `begin`."""

    def leveled(self) -> Drafter:
        """The same for a drafter whose caches come out of a `repeat`, each with a level to commit."""
