"""What strategies are decided from, and what stands around each part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...grammar import Diagnostic
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
    found: list[Diagnostic] = field(default_factory=list)

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
