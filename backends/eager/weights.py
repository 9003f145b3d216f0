"""How weights lie in memory while we decode, which no model can see and passes over few tokens feel."""

from __future__ import annotations

import torch

from ..models import LoadedModel


def lay_out_weights(loaded: LoadedModel) -> None:
    """Turn float32 matrices on a CPU over in memory, which no code can see.

    A pass over one to three tokens multiplies by a vector; with the inputs' axis outermost that streams through the
    weights, and takes 15 to 30 % less time for smollm2-135m-instruct. Longer passes, and bfloat16, gain nothing.
    """
    if loaded.device.type != "cpu" or loaded.dtype != torch.float32:
        return
    for module in loaded.model.modules():
        if isinstance(module, torch.nn.Linear) and module.weight.is_contiguous():
            module.weight.data = module.weight.data.t().contiguous().t()
