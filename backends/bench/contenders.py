"""Who competes: something with a name that answers prompts and says how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...grammar import Diagnostic
from ..runtime import Prompt, Stats


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of prompts that were answered together, and how long it took; seconds are wall time."""

    seconds: float
    """From the text of the prompts to the text of the answers."""
    tokens: Mapping[str | int, tuple[int, ...]]
    """The answers by the ids of their prompts, with the tokens that ended them."""
    stats: tuple[Stats, ...] = ()
    """How each row went, if the contender tells."""
    decode_s: float | None = None
    """The steps alone, without reading the prompts."""
    passes_s: float | None = None
    """Of the steps, what the models' own passes took."""
    refused: Mapping[str | int, tuple[Diagnostic, ...]] = field(default_factory=dict)
    """Prompts that cannot be answered, and why."""

    @property
    def generated(self) -> int:
        """Tokens of all answers; where they may fork, of their text."""
        threads = [each.threads for each in self.stats if each.threads is not None]
        return sum(each.spoken for each in threads) if threads else sum(map(len, self.tokens.values()))

    @property
    def forks(self) -> bool:
        """May they fork?"""
        return any(each.threads is not None for each in self.stats)

    @property
    def critical_path(self) -> int:
        """Tokens that had to be said one after the other, answer by answer."""
        threads = [each.threads for each in self.stats if each.threads is not None]
        return sum(each.critical_path for each in threads) if threads else self.generated


class Contender(Protocol):
    """Something that answers prompts."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        """Answer prompts, together if it can."""
