"""What strategies are decided from, and what stands around each part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...grammar import Diagnostic
from ..cards import Pair, find_pair
from ..checked import CheckedModel, CheckedPrompts
from ..plan_errors import WrongKind
from ..strategy import ModelName


class Refused(Exception):
    """A part that was answered with a diagnostic."""


@dataclass
class Decisions:
    """What strategies are decided from, and what was found on the way."""

    models: Mapping[str, CheckedModel]
    prompts: Mapping[str, CheckedPrompts]
    temperature: float
    batch: int
    guarded: bool
    measured: Pair | None = None
    found: list[Diagnostic] = field(default_factory=list)

    def pair(self, draft: str, target: str) -> Pair | None:
        """What was counted of two vocabularies: by whoever wrote the plan, else by us, else by nobody."""
        mine = self.measured
        return mine if mine is not None and (mine.draft, mine.target) == (draft, target) else find_pair(draft, target)

    def refuse(self, diagnostic: Diagnostic) -> Refused:
        """Note a mistake; raise what this returns."""
        self.found.append(diagnostic)
        return Refused()


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a draft: the decoder's model, its temperature, and where it is."""

    model: str
    temperature: float
    forks: bool = False
    stages: int | None = None
    staged: str | None = None


def model_of(name: ModelName, decisions: Decisions) -> CheckedModel:
    """The model of that name, if it is one that decodes."""
    if name.name in decisions.prompts:
        raise decisions.refuse(WrongKind(name.span, name.name, "prompt tokens", "a model"))
    if name.name not in decisions.models:
        raise Refused  # its source was refused already
    return decisions.models[name.name]
