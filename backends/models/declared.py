"""The models that a graph declares, loaded: their type, device and chat template are the graph's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from ...grammar import Span
from ...planner.graph import Model
from .load import Dtype, load_model
from .loaded import LoadedModel
from .progress import Progress
from .tokenizer import eos_ids


def load_declared(
    model: Model, device: str, *, base: Path | None = None, progress: Progress | None = None, span: Span | None = None
) -> LoadedModel:
    """A declared model, on its own device or else on `device`. Raises `DiagnosticError` as `load_model` does."""
    loaded = load_model(
        model.source,
        dtype=cast(Dtype, str(model.dtype)),
        device=torch_device(model.device or device),
        base=base,
        progress=progress,
        span=span,
        adapter=model.adapter,
        tags=model.tags is not None,
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
