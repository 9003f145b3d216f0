"""The models that contenders share: loaded once, as the graph declares them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...planner import CompiledPlan
from ...planner.graph import Model
from ..models import LoadedModel, Progress, load_declared


class Weights:
    """Loads each model once and keeps it: a set of weights that several contenders run, one at a time.

    An engine may lay weights out anew in memory, so what is compared with it keeps a set of its own.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        """`progress` is told of what is fetched."""
        self._progress = progress
        self._loaded: dict[tuple[Path, str | None, Model], LoadedModel] = {}

    def __call__(self, model: Model, plan: CompiledPlan) -> LoadedModel:
        """The model of a plan. Raises `DiagnosticError` as `load_model` does."""
        key = (plan.base, model.device or plan.device, model)
        if key not in self._loaded:
            span = plan.graph.named(model.name, Model).span
            self._loaded[key] = load_declared(model, plan.device, base=plan.base, progress=self._progress, span=span)
        return self._loaded[key]


@dataclass(frozen=True, slots=True)
class WeightSets:
    """Two sets of weights: the one that our engines run, and one that nobody touches."""

    ours: Weights
    untouched: Weights
