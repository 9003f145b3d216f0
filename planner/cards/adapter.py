"""An adapter as peft's `save_pretrained` writes it, known by its configuration and the header of its weights.

Low-rank additions to linear layers ("LoRA", arXiv 2106.09685), and rows of single tokens in embedding and head. What else peft
can do to a model is refused by the name of its key in `adapter_config.json`: it would change what the model says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from ...grammar import Diagnostic, Span
from .card_files import read_trained
from .errors import WHOLE_MATRIX, AdapterDamaged, AdapterNotPlain, BrokenCard, CannotReadModelFile, NotAnAdapter
from .json_text import parse_object
from .safetensors_header import SafetensorsDamaged, TensorFacts, read_safetensors_header
from .trained import Trained

CONFIG, WEIGHTS, MANIFEST = "adapter_config.json", "adapter_model.safetensors", "trained.yaml"

_LARGEST_CONFIG = 1 << 20
_PREFIX = "base_model.model."
_A, _B, _ROWS = ".lora_A.weight", ".lora_B.weight", ".token_adapter.trainable_tokens_delta"
_TYPES = ("F32", "F16", "BF16", "F64")
_USED = {"r", "rank_pattern", "lora_alpha", "alpha_pattern", "use_rslora", "target_modules", "trainable_token_indices"}
# How an adapter was trained and where it belongs, which the names and shapes of its tensors say as well.
_SAID_BY_TENSORS = {
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "lora_dropout",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
}
_NARROWER = ("exclude_modules", "layers_to_transform", "layers_pattern")
_NOTHING: tuple[object, ...] = (None, False, "none", "", [], {})
# Beginnings that leave the model's own weights as they are; others subtract themselves from them.
_HARMLESS_BEGINNINGS = (None, True, False, "gaussian", "orthogonal", "eva")
_LAYER_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")


@dataclass(frozen=True, slots=True)
class Addition:
    """`scale` B A is added to a layer's matrix of `outputs` rows and `inputs` columns; A has `rank` rows."""

    layer: str
    rank: int
    inputs: int
    outputs: int
    scale: float

    @property
    def tensors(self) -> tuple[str, str]:
        """The names of A and B in the file."""
        return f"{_PREFIX}{self.layer}{_A}", f"{_PREFIX}{self.layer}{_B}"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of these tokens in a table, embedding or head, which take the place of the table's own."""

    table: str
    tokens: tuple[int, ...]
    width: int

    @property
    def tensor(self) -> str:
        """The name in the file."""
        return f"{_PREFIX}{self.table}{_ROWS}"


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter's parts; `shown` is what a person calls it, `trained` what is known of one that specplan trained.

    `everywhere` names the kinds of layers of which all of a model's have an addition.
    """

    folder: Path
    shown: str
    additions: tuple[Addition, ...]
    rows: tuple[Rows, ...]
    everywhere: tuple[str, ...] = ()
    trained: Trained | None = None


def read_adapter(folder: Path, shown: str, span: Span | None) -> Adapter | Diagnostic:
    """The adapter in a folder, or what is wrong with it."""
    missing = _missing(folder, shown, span)
    if missing is not None:
        return missing
    try:
        config, tensors = _config(folder / CONFIG), read_safetensors_header(folder / WEIGHTS)
        trained = read_trained(folder / MANIFEST, f"{shown}/{MANIFEST}") if (folder / MANIFEST).is_file() else None
    except OSError as error:
        return CannotReadModelFile(span, shown, error.strerror or str(error))
    except ValueError as error:
        return NotAnAdapter(span, shown, f"its `{CONFIG}` cannot be read: {error}")
    except SafetensorsDamaged as error:
        return AdapterDamaged(span, shown, str(error))
    if isinstance(trained, tuple):
        return BrokenCard(span, f"{shown}/{MANIFEST}", trained)
    foreign = next(_foreign(config, tensors), None)
    if foreign is not None:
        return AdapterNotPlain(span, shown, *foreign)
    try:
        additions, rows = tuple(_additions(config, tensors)), tuple(_rows(config, tensors))
        _check_complete(config, tensors, additions, rows)
    except _Wrong as error:
        return AdapterDamaged(span, shown, str(error))
    return Adapter(folder, shown, additions, rows, _everywhere(config), trained)


class _Wrong(Exception):
    """What the files say does not go together; the words say why."""


def _missing(folder: Path, shown: str, span: Span | None) -> Diagnostic | None:
    try:
        if not (folder / CONFIG).is_file():
            return NotAnAdapter(span, shown, f"it has no `{CONFIG}`")
        if not (folder / WEIGHTS).is_file():
            pickle = folder / "adapter_model.bin"
            reason = (
                "its weights are a pickle, and pickles are not opened" if pickle.exists() else f"it has no `{WEIGHTS}`"
            )
            return NotAnAdapter(span, shown, reason)
    except OSError as error:
        return CannotReadModelFile(span, shown, error.strerror or str(error))
    return None


def _config(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LARGEST_CONFIG:
        raise ValueError("it is far too large")
    return parse_object(path.read_bytes())


def _foreign(config: Mapping[str, Any], tensors: Mapping[str, TensorFacts]) -> Iterator[tuple[str, str]]:
    """What asks for more than low-rank additions and rows: keys and their values, or tensors."""
    for key, value in {"peft_type": None, **config}.items():
        match key:
            case "peft_type":
                plain = value == "LORA"
            case "init_lora_weights":
                plain = value in _HARMLESS_BEGINNINGS
            case _:
                plain = key in _USED or key in _SAID_BY_TENSORS or value in _NOTHING
        if not plain:
            yield key, str(value)[:40]
    for name in tensors:
        if name.startswith(_PREFIX) and ".lora_embedding_" in name:
            yield name.removeprefix(_PREFIX)[:120], "an addition to an embedding"
        elif name.startswith(_PREFIX) and name.endswith(".weight") and not name.endswith((_A, _B)):
            yield name.removeprefix(_PREFIX)[:120], WHOLE_MATRIX


def _additions(config: Mapping[str, Any], tensors: Mapping[str, TensorFacts]) -> Iterator[Addition]:
    for name, first in tensors.items():
        if not name.endswith(_A):
            continue
        layer = _layer(name, _A)
        second = tensors.get(f"{_PREFIX}{layer}{_B}")
        if second is None:
            raise _Wrong(f"`{layer}` has a `lora_A` and no `lora_B`")
        if len(first.shape) != 2 or len(second.shape) != 2 or first.shape[0] != second.shape[1] or 0 in first.shape:
            raise _Wrong(f"the shapes of `{layer}`, {[*first.shape]} and {[*second.shape]}, cannot be multiplied")
        rank, inputs = first.shape
        if rank != config.get("r") and not config.get("rank_pattern"):
            raise _Wrong(f"`{layer}` has the rank {rank}, and `r` is {config.get('r')!r}")
        yield Addition(layer, rank, inputs, second.shape[0], _scale(config, layer, rank))


def _rows(config: Mapping[str, Any], tensors: Mapping[str, TensorFacts]) -> Iterator[Rows]:
    for name, each in tensors.items():
        if name.endswith(_ROWS):
            table = _layer(name, _ROWS)
            tokens = _tokens(config, table)
            if len(each.shape) != 2 or each.shape[0] != len(tokens):
                raise _Wrong(f"`{table}` has rows of the shape {[*each.shape]} for {len(tokens)} tokens")
            yield Rows(table, tokens, each.shape[1])


def _layer(name: str, ending: str) -> str:
    """The layer's name in the model."""
    layer = name.removeprefix(_PREFIX).removesuffix(ending)
    if not name.startswith(_PREFIX) or not _LAYER_NAME.fullmatch(layer):
        raise _Wrong(f"`{name[:80]}` is not a name that peft gives")
    return layer


def _scale(config: Mapping[str, Any], layer: str, rank: int) -> float:
    """The factor alpha / rank, or with `use_rslora` alpha / sqrt(rank); patterns give single layers an alpha of their own."""
    alpha = config.get("lora_alpha")
    patterns = config.get("alpha_pattern") or {}
    if not isinstance(patterns, dict):
        raise _Wrong("`alpha_pattern` is no object")
    for pattern, value in patterns.items():
        # Patterns are regular expressions to peft; a name, which they nearly always are, needs none.
        if not _LAYER_NAME.fullmatch(pattern):
            raise _Wrong(f"the `alpha_pattern` `{pattern[:80]}` is not a layer's name")
        if f".{layer}".endswith(f".{pattern}"):
            alpha = value
            break
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not isfinite(alpha):
        raise _Wrong(f"`lora_alpha` is {alpha!r}, and no number")
    return alpha / (sqrt(rank) if config.get("use_rslora") else rank)


def _tokens(config: Mapping[str, Any], table: str) -> tuple[int, ...]:
    """The tokens whose rows a table was given: the same for all tables, or by their names."""
    tokens = config.get("trainable_token_indices")
    if isinstance(tokens, dict):
        tokens = next((ids for name, ids in tokens.items() if f".{table}".endswith(f".{name}")), None)
    if not isinstance(tokens, list) or not tokens or any(type(each) is not int or each < 0 for each in tokens):
        raise _Wrong(f"`trainable_token_indices` does not say which tokens the rows of `{table}` are of")
    if len({*tokens}) < len(tokens):
        raise _Wrong("`trainable_token_indices` names a token twice")
    return tuple(tokens)


def _everywhere(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in `target_modules`, unless they are narrowed down or a pattern."""
    names = config.get("target_modules")
    if not isinstance(names, list) or any(config.get(each) for each in _NARROWER):
        return ()
    return tuple(sorted(each for each in names if isinstance(each, str) and each.isidentifier()))


def _check_complete(
    config: Mapping[str, Any],
    tensors: Mapping[str, TensorFacts],
    additions: tuple[Addition, ...],
    rows: tuple[Rows, ...],
) -> None:
    """Every tensor has a meaning, and what the configuration announces is there."""
    known = {*(name for each in additions for name in each.tensors), *(each.tensor for each in rows)}
    unknown = next((name for name in tensors if name not in known), None)
    if unknown is not None:
        raise _Wrong(f"`{unknown[:120]}` is no part of a low-rank addition and no row of a token")
    for name in known:
        if tensors[name].type not in _TYPES:
            raise _Wrong(f"the numbers of `{name}` are {tensors[name].type}")
    if not known:
        raise _Wrong("there is nothing in it")
    if config.get("trainable_token_indices") and not rows:
        raise _Wrong("`trainable_token_indices` names tokens, and there are no rows for them")
