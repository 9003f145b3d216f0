"""An adapter on its way to a folder: what was trained and nothing else, in 16 bits, with what it was trained on beside it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...grammar import DiagnosticError
from ...planner.cards import CONFIG, MANIFEST, WEIGHTS, ModelCard, Trained, find_source
from ..models import LoadedModel, sha256_of, tag_ids
from .errors import Diverged, NotOurModel

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

Kind = Literal["pasta", "sequential"]
FILES = frozenset({CONFIG, MANIFEST, WEIGHTS})
"""What an adapter's folder holds."""


def write_adapter(
    folder: Path,
    model: PeftModel,
    loaded: LoadedModel,
    *,
    kind: Kind,
    seed: int,
    command: str,
) -> None:
    """Write the adapter of a `model` that was made of a `loaded` one, as peft reads it and as a plan names it.

    `kind` is `pasta` if the six words were trained, and `command` what trained it. The folder appears whole or not at all; it
    must be new, or hold an older adapter.

    Numbers are kept in float16, which has three bits more than bfloat16, and a range that no adapter's numbers leave.

    Raises `DiagnosticError` where a number is infinite or none (SP0860), or the folder holds other things (SP0863), and OSError.
    """
    refuse_strangers(folder, FILES)
    card = find_source(loaded.source, None, Path())
    assert isinstance(card, ModelCard), "what was loaded has a card"
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _save(_halved(model), fresh / WEIGHTS)
        trained = _trained(loaded, card, kind, seed, command, sha256_of(fresh / WEIGHTS))
        (fresh / CONFIG).write_text(_config(model, card), encoding="utf-8")
        (fresh / MANIFEST).write_text(trained.to_yaml(), encoding="utf-8")
        fresh.chmod(0o755)  # temporary folders, and what safetensors writes, are their maker's alone
        (fresh / WEIGHTS).chmod(0o644)
        _put_in_place(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, folder: Path) -> None:
    """Rename the fresh folder; an older one makes room for it, and is there again if that fails."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_name(f"{fresh.name}.old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def refuse_strangers(folder: Path, own: Container[str]) -> None:
    """Raises `DiagnosticError` (SP0863) for the first thing in a folder that has none of our `own` names."""
    for each in sorted(folder.iterdir()) if folder.exists() else ():
        if each.name not in own:
            raise DiagnosticError([NotOurModel(None, str(folder), each.name)])


def _halved(model: PeftModel) -> dict[str, Tensor]:
    """The additions and rows in float16."""
    import torch
    from peft import get_peft_model_state_dict

    # Asked to decide, peft writes the whole embedding of a model that was given new words.
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    halved = {name: each.detach().to("cpu", torch.float16).contiguous() for name, each in sorted(state.items())}
    for name, each in halved.items():
        if not each.isfinite().all():
            raise DiagnosticError([Diverged(None, name)])
    return halved


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    from safetensors.torch import save_file

    save_file(tensors, file, metadata={"format": "pt"})


def _config(model: PeftModel, card: ModelCard) -> str:
    """Peft's own configuration, in an order and with a name of the base that are the same on every machine."""
    config: dict[str, Any] = model.peft_config["default"].to_dict()
    told = {name: sorted(value) if isinstance(value, set) else value for name, value in sorted(config.items())}
    told |= {"base_model_name_or_path": card.hub or card.name, "inference_mode": True}
    return json.dumps(told, indent=2) + "\n"


def _trained(loaded: LoadedModel, card: ModelCard, kind: Kind, seed: int, command: str, sha256: str) -> Trained:
    tags = tag_ids(loaded.tokenizer, source=loaded.source).values() if kind == "pasta" else ()
    return Trained(
        kind=kind,
        base=card.name,
        fingerprint=card.fingerprint,
        dtype=card.dtype,
        vocabulary=card.vocabulary,
        entries=len(loaded.tokenizer),
        vocab_size=loaded.vocab_size,
        tags=tuple(tags),
        sha256=sha256,
        seed=seed,
        command=command,
    )
