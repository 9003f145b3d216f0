"""Adapters whose numbers are all zero, written without any library: what compiling sees of an adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

PREFIX = "base_model.model."
ROWS = f"{PREFIX}model.embed_tokens.token_adapter.trainable_tokens_delta"
Shapes = Mapping[str, Sequence[int]]


def addition(layer: str, inputs: int, outputs: int, rank: int = 2) -> dict[str, Sequence[int]]:
    """The tensors of one low-rank addition."""
    return {f"{PREFIX}{layer}.lora_A.weight": (rank, inputs), f"{PREFIX}{layer}.lora_B.weight": (outputs, rank)}


def safetensors_bytes(shapes: Shapes, kind: str = "F16", width: int = 2) -> bytes:
    """A file of zeros."""
    header, at = {}, 0
    for name, shape in shapes.items():
        end = at + prod(shape) * width
        header[name] = {"dtype": kind, "shape": [*shape], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at)


def write_zeros(folder: Path, shapes: Shapes, trained: Mapping[str, Any] | None = None, **changes: Any) -> Path:
    """An adapter's folder; `changes` are to peft's configuration, `trained` is what stands in our own file."""
    weights = safetensors_bytes(shapes)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "task_type": "CAUSAL_LM", "target_modules": None, **changes}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(weights)
    if trained is not None:
        facts = {"sha256": sha256(weights).hexdigest(), **trained}
        (folder / "trained.yaml").write_text("".join(f"{key}: {json.dumps(each)}\n" for key, each in facts.items()))
    return folder
