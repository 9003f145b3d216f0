"""From what a plan writes as `source:` to a local folder with safetensors: packaged, folder, GGUF or hub."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ...grammar import Diagnostic, DiagnosticError
from ...planner.cards import Card, ModelCard, find_source, is_path, known_models
from .cache import model_cache, needing
from .errors import (
    CustomCode,
    FolderUnusable,
    GgufUnreadable,
    HubRefused,
    HubUnreachable,
    PickledWeights,
    UnknownSource,
    WeightsNotAtHand,
)
from .fetch import fetch_model, path
from .packaged import as_packaged
from .prepare import prepared_gguf
from .progress import Progress, Silent

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
# All that a decoder-only model and its tokenizer are read from: no Python, no pickles.
_HUB_FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model", "*.tiktoken")


def model_folder(source: str, *, base: Path | None = None, progress: Progress | None = None) -> Path:
    """The local folder that holds the model of a source, fetched or unpacked if need be.

    A source means here what it means when a plan is checked: a path begins with `.`, `/` or `~` or has an ending, a
    name with a slash is the hub's, any other is that of a shipped card. Relative paths start from `base`, the folder
    of the plan (else from the working directory).

    Raises `DiagnosticError`: SP0701 to SP0714 from fetching and GGUF, SP0720 to SP0722 for folders that are not safe
    model folders, SP0726 and SP0727 from the hub.
    """
    progress = progress or Silent()
    if is_path(source):
        return _at_path(source, (base or Path()) / os.path.expanduser(source), progress)
    if "/" in source:
        return _checked(_from_hub(source, progress), source)
    if source in known_models():
        return _of_card(find_source(source, None, Path()), source, progress)
    raise DiagnosticError([UnknownSource(None, source, known_models())])


def _at_path(source: str, local: Path, progress: Progress) -> Path:
    if source.endswith(".gguf"):
        if not local.is_file():
            raise DiagnosticError([GgufUnreadable(None, source, "there is no such file")])
        return prepared_gguf(local.absolute(), model_cache(), progress)
    if source.endswith((".yaml", ".yml")):
        return _of_card(find_source(str(local.absolute()), None, Path()), source, progress)
    if not local.is_dir():
        raise DiagnosticError([FolderUnusable(None, source, "there is no such folder")])
    return _checked(local.absolute(), source)


def _of_card(card: Card | Diagnostic, source: str, progress: Progress) -> Path:
    """The weights of a card: those of its base, its packages, else the hub, else what it says about getting them."""
    if isinstance(card, Diagnostic):
        raise DiagnosticError([card])
    if isinstance(card, ModelCard) and card.base is not None and card.adapter is not None and card.adapter.is_dir():
        return model_folder(card.base, progress=progress)
    model = as_packaged(card) if isinstance(card, ModelCard) else None
    if model is not None and source == model.name:
        return path(source, progress)
    if model is not None:  # somebody's own card, which must not take the place of a shipped one
        return fetch_model(model, model_cache(), progress, key=f"{model.name}-{model.sha256[:16]}")
    if card.hub is not None:
        try:
            return _checked(_from_hub(card.hub, progress), source)
        except DiagnosticError as error:
            if not any(isinstance(each, HubUnreachable | HubRefused) for each in error.diagnostics):
                raise
    raise DiagnosticError([WeightsNotAtHand(None, source, card.hub, card.obtain)])


def _checked(folder: Path, source: str) -> Path:
    """The folder itself, if it can be loaded without running anybody's code."""
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DiagnosticError([FolderUnusable(None, source, "it has no `config.json`")]) from None
    except (OSError, ValueError) as error:
        raise DiagnosticError([FolderUnusable(None, source, "its `config.json` cannot be read")]) from error
    if not isinstance(config, dict):
        raise DiagnosticError([FolderUnusable(None, source, "its `config.json` is not an object")])
    if not any(folder.glob("*.safetensors")):
        for pattern in _PICKLES:
            for pickle in sorted(folder.glob(pattern)):
                raise DiagnosticError([PickledWeights(None, source, pickle.name)])
        raise DiagnosticError([FolderUnusable(None, source, "it has no `*.safetensors`")])
    if "auto_map" in config and not _is_known(str(config.get("model_type"))):
        reason = f"`auto_map` in config.json, model type `{config.get('model_type')}`"
        raise DiagnosticError([CustomCode(None, source, reason)])
    return folder


def _is_known(model_type: str) -> bool:
    with needing("loading a model"):
        from transformers import CONFIG_MAPPING
    return model_type in CONFIG_MAPPING


def _from_hub(source: str, progress: Progress) -> Path:
    with needing("loading a model"):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
        )
    progress.stage(f"looking for {source} in the local hub cache and on the hub")
    try:
        return Path(snapshot_download(source, allow_patterns=list(_HUB_FILES)))
    except LocalEntryNotFoundError as error:
        reason = "offline mode" if "offline" in str(error).lower() else "no connection"
        raise DiagnosticError([HubUnreachable(None, source, reason)]) from error
    except GatedRepoError as error:
        raise DiagnosticError(
            [HubRefused(None, source, "its terms must be accepted there, and you logged in")]
        ) from error
    except RepositoryNotFoundError as error:
        raise DiagnosticError([HubRefused(None, source, "it has no such model, or hides it from you")]) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise DiagnosticError([HubUnreachable(None, source, str(error).strip().splitlines()[0])]) from error
