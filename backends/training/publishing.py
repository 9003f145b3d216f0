"""Where a trained model goes: an adapter, or a whole model, into a folder of its own, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..models import LoadedModel, quiet_transformers
from .artifact import FILES, Kind, refuse_strangers, write_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ADAPTER, MODEL = "adapter", "model"


def publish(model: PreTrainedModel, loaded: LoadedModel, folder: Path, *, kind: Kind, seed: int, command: str) -> None:
    """Write a model that was made of a `loaded` one into a folder's `adapter` or, where all of it was trained, `model`.

    Raises `DiagnosticError` where what was trained cannot be kept (SP0860), and where others' files are in its place (SP0863).
    """
    if hasattr(model, "peft_config"):
        write_adapter(folder / ADAPTER, model, loaded, kind=kind, seed=seed, command=command)
    else:
        _write_model(model, loaded, folder / MODEL)


def refuse_occupied(folder: Path) -> None:
    """Raises `DiagnosticError` (SP0863) where no adapter could be published into a folder, for what others put there."""
    refuse_strangers(folder / ADAPTER, FILES)


def _write_model(model: PreTrainedModel, loaded: LoadedModel, folder: Path) -> None:
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with quiet_transformers():
        model.save_pretrained(fresh)
        loaded.tokenizer.save_pretrained(fresh)
    refuse_strangers(folder, {each.name for each in fresh.iterdir()})
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(fresh, folder)
