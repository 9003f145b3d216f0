"""Drafts that keep nothing between steps: none, n-grams of the text, prompt tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...grammar import Span
from ..graph import Chain, Lookup, Probe, Ref, Spread, Value
from .drafter import Carried, Proposal, Scene
from .lines import Lines


@dataclass(frozen=True, slots=True)
class Silent:
    """No draft."""

    span: Span

    @property
    def carries(self) -> int:
        """Nothing."""
        return 0

    @property
    def awaits(self) -> int:
        """Nothing."""
        return 0

    def begin(self, start: Lines, prompt: Value, ids: Value, rows: int) -> tuple[Carried, ...]:
        """Nothing is carried."""
        return ()

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """A tree that is a root alone."""
        return Proposal(lines.add(Chain, "tree", fresh=fresh, span=self.span), scene)

    def idle(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> tuple[Value, ...]:
        """Nothing to read."""
        return ()

    def settle(self, lines: Lines, said: Value, pending: Sequence[Value]) -> tuple[Value, ...]:
        """Nothing to learn."""
        return ()

    def leveled(self) -> Silent:
        """There is no cache."""
        return self


@dataclass(frozen=True, slots=True)
class LookupDrafter(Silent):
    """N-grams of the text so far."""

    recent: Ref
    tokens: int

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Look the end of the text up."""
        guess = lines.add(
            Lookup, "guess", source=fresh, cache=scene.cache, threads=scene.threads, trust=scene.trust, by=self.recent,
            tokens=self.tokens, span=self.span,
        )  # fmt: skip
        return Proposal(lines.add(Chain, "tree", fresh=fresh, guess=guess, span=self.span), scene)


@dataclass(frozen=True, slots=True)
class PromptsDrafter(Silent):
    """Prompt tokens that ride the judging model."""

    prompts: Ref
    trees: Ref

    def propose(self, lines: Lines, fresh: Value, carried: Sequence[Value], scene: Scene) -> Proposal:
        """Ask the prompts in a pass of their own, and spread their ranked answers over the shape."""
        hints = lines.add(
            Probe, "hints", source=fresh, cache=scene.cache, threads=scene.threads, trust=scene.trust, by=self.prompts,
            span=self.span,
        )  # fmt: skip
        return Proposal(lines.add(Spread, "tree", fresh=fresh, guess=hints, by=self.trees, span=self.span), scene)
