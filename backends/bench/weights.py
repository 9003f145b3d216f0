"""The models that contenders share: loaded once, as the graph declares them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ...planner import CompiledPlan
from ...planner.graph import Model
from ..models import Dtype, LoadedModel, Progress, eos_ids, load_model


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
            self._loaded[key] = self._load(model, plan)
        return self._loaded[key]

    def _load(self, model: Model, plan: CompiledPlan) -> LoadedModel:
        loaded = load_model(
            model.source,
            dtype=cast(Dtype, str(model.dtype)),
            device=torch_device(model.device or plan.device),
            base=plan.base,
            progress=self._progress,
            span=plan.graph.named(model.name, Model).span,
        )
        if model.chat_template is None:
            return loaded
        loaded.tokenizer.chat_template = model.chat_template
        # What ends a turn may be another token in this template.
        return replace(loaded, eos_ids=eos_ids(loaded.tokenizer, loaded.eos_ids))


def torch_device(device: str) -> str:
    """What torch calls a device: its own words as they are, of device profiles those for GPUs otherwise."""
    known = device == "auto" or device.split(":")[0] in ("cpu", "cuda", "mps", "xpu")
    return device if known else "cuda"


@dataclass(frozen=True, slots=True)
class WeightSets:
    """Two sets of weights: the one that our engines run, and one that nobody touches."""

    ours: Weights
    untouched: Weights
