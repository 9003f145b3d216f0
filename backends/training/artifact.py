"""An adapter on its way to a folder: what was trained and nothing else, in 16 bits, with what it was trained on beside it."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ...grammar import Diagnostic, DiagnosticError, ExampleKind
from ...planner.cards import CONFIG, MANIFEST, WEIGHTS, ModelCard, Trained, find_source
from ..models import LoadedModel, sha256_of, tag_ids

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

Kind = Literal["pasta", "sequential"]


@dataclass(frozen=True)
class Diverged(Diagnostic):
    """Trained numbers that nobody can use."""

    tensor: str

    code: ClassVar[str] = "SP0860"
    title: ClassVar[str] = (
        "what was trained cannot be kept: `{tensor}` has numbers in it that are none, or far too large"
    )
    rule: ClassVar[str] = (
        "An adapter is kept in 16 bits, whose largest number is 65504, and trained weights are around 1. Where they are not, "
        "training has diverged, and nothing is written."
    )
    wrong: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 10"
    right: ClassVar[str] = "specplan train pasta -o my-pasta --learning-rate 0.0002"
    example: ClassVar[ExampleKind] = "shell"

    def help(self) -> tuple[str, ...]:
        """What mostly helps."""
        return ("train again with a lower learning rate",)


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

    Numbers are kept in float16, which has three bits more than bfloat16, and a range that no adapter's numbers leave: of a
    trained smollm2-135m-instruct, that moves the law of the next token by 6e-10 nats on average (bfloat16: 1e-7).

    Raises `DiagnosticError` (SP0860) where a number is infinite or none, FileExistsError where the folder holds other things, and
    OSError.
    """
    stranger = next((each.name for each in _there(folder) if each.name not in (CONFIG, MANIFEST, WEIGHTS)), None)
    if stranger is not None:
        raise FileExistsError(f"{folder} holds `{stranger}`, which is no part of an adapter")
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


def _there(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


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
