"""Put an adapter on a model: its low-rank additions become part of the weights, its rows take their places in the tables.

A merged model is as fast as any other, and whatever runs it, transformers' own `generate` included, runs the same weights. The
files are read here rather than by peft, whose loader imports the modules that a configuration names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...grammar import DiagnosticError
from ...planner.cards import WEIGHTS, Adapter, Addition, Rows
from .errors import AdapterMisfits, AdapterWeightsDamaged
from .loaded import LoadedModel
from .manifest import sha256_of
from .tags import add_tags, tag_ids

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel


def put_on(loaded: LoadedModel, adapter: Adapter, *, tags: bool) -> LoadedModel:
    """The model with the adapter on it, its weights changed in place.

    With `tags`, or where the adapter was trained to write them, the model is given PASTA's six words first, unless it has them.

    An addition is multiplied, scaled and added to its matrix in float32, and the sum is rounded once, to the type of the
    weights: so they are as near to what was trained as that type has numbers, and the same on every device. In float32, in
    which adapters are trained, nothing is lost. In bfloat16 much of an addition is smaller than the steps between two weights,
    and survives because there are many.

    Raises `DiagnosticError`: SP0731 for layers and tokens that the model does not have, SP0732 for weights that were damaged.
    """
    tensors = _tensors(adapter)
    writes_tags = tags or (adapter.trained is not None and adapter.trained.tags)
    if writes_tags:
        loaded = add_tags(loaded)
    wrong = [*_wrong_tokens(loaded, adapter), *_wrong_layers(loaded.model, adapter)]
    if wrong:
        raise DiagnosticError([AdapterMisfits(None, adapter.shown, loaded.source, tuple(wrong))])
    for addition in adapter.additions:
        _add(loaded.model.get_submodule(addition.layer), addition, tensors)
    for rows in adapter.rows:
        _replace(loaded.model.get_submodule(rows.table), rows, tensors)
    return loaded


def _tensors(adapter: Adapter) -> Mapping[str, Tensor]:
    """All numbers of the adapter in float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = adapter.folder / WEIGHTS
    try:
        if adapter.trained is not None and sha256_of(file) != adapter.trained.sha256:
            raise DiagnosticError(
                [AdapterWeightsDamaged(None, adapter.shown, "they have changed since they were trained")]
            )
        found = {name: each.float() for name, each in load_file(file).items()}
    except (OSError, SafetensorError) as error:
        raise DiagnosticError([AdapterWeightsDamaged(None, adapter.shown, str(error))]) from error
    for name, each in found.items():
        if not each.isfinite().all():
            reason = f"`{name}` has numbers in it that are infinite, or none at all"
            raise DiagnosticError([AdapterWeightsDamaged(None, adapter.shown, reason)])
    return found


def _wrong_tokens(loaded: LoadedModel, adapter: Adapter) -> Iterator[str]:
    """Words that have other ids here than where the adapter was trained."""
    trained = adapter.trained
    if trained is None:
        return
    if trained.tags:
        ids = tag_ids(loaded.tokenizer, source=loaded.source)
        for (tag, here), there in zip(ids.items(), trained.tags, strict=True):
            if here != there:
                yield f"`{tag.token}` is token {here} here, and was {there}"
    if loaded.vocab_size != trained.vocab_size:
        yield f"there are {loaded.vocab_size} rows of logits here, and there were {trained.vocab_size}"


def _wrong_layers(model: PreTrainedModel, adapter: Adapter) -> Iterator[str]:
    """Parts for which the model has no place of that shape."""
    from torch import nn

    # What inherits from `Linear` may compute something else.
    layers = {name: each.weight.shape for name, each in model.named_modules() if type(each) is nn.Linear}
    for each in adapter.additions:
        if each.layer not in layers:
            yield f"`{each.layer}` is no linear layer of the model"
        elif layers[each.layer] != (each.outputs, each.inputs):
            yield f"`{each.layer}` has a matrix of {[*layers[each.layer]]}, not {[each.outputs, each.inputs]}"
    tables = layers | {
        name: each.weight.shape for name, each in model.named_modules() if isinstance(each, nn.Embedding)
    }
    for rows in adapter.rows:
        if rows.table not in tables:
            yield f"`{rows.table}` is no table of the model"
        elif tables[rows.table][1] != rows.width or max(rows.tokens) >= tables[rows.table][0]:
            place = f"token {max(rows.tokens)}, {rows.width} wide"
            yield f"`{rows.table}` is a table of {[*tables[rows.table]]}, without a place for {place}"


def _add(layer: nn.Module, addition: Addition, tensors: Mapping[str, Tensor]) -> None:
    from torch import nn

    first, second = (tensors[name] for name in addition.tensors)
    weight = layer.weight
    total = weight.float() + addition.scale * (second @ first)
    layer.weight = nn.Parameter(total.to(weight.dtype), requires_grad=False)


def _replace(table: nn.Module, rows: Rows, tensors: Mapping[str, Tensor]) -> None:
    """Rows of an embedding; those of a head that is tied to it are the same."""
    import torch

    with torch.no_grad():
        table.weight[[*rows.tokens]] = tensors[rows.tensor].to(table.weight.dtype)
