"""How weights lie in memory while we decode: results change by rounding only, and products take half as long."""

from __future__ import annotations

from torch import nn

from ..models import LoadedModel
from .packed_linear import PackedLinear, can_pack


def lay_out_weights(loaded: LoadedModel) -> None:
    """Pack the matrices of linear layers, on a CPU; a model that several networks share is packed once.

    A matrix that is also the table of embeddings is kept twice, since rows cannot be read from a packed one.
    """
    if not can_pack(loaded.device, loaded.dtype):
        return
    # What inherits from `Linear` may compute something else.
    linears = [
        (parent, name)
        for parent in loaded.model.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]
    for parent, name in linears:
        setattr(parent, name, PackedLinear(getattr(parent, name)))
    if linears:
        _leave_file(loaded.model)


def _leave_file(model: nn.Module) -> None:
    """Copy what is still plain: one weight that lies in a mapped file keeps all of that file in memory."""
    for weight in model.parameters():
        if not weight.is_mkldnn:
            weight.data = weight.data.clone()
