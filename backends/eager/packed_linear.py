"""A linear layer whose matrix oneDNN has packed once, where torch's own would have it packed again at every call."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_ROWS = 16
"""The packing that oneDNN chooses for so many rows serves all others as well: that for one is slower with float32."""


class PackedLinear(nn.Module):  # type: ignore[misc] # torch is not followed by the type checker
    """Computes what a `torch.nn.Linear` does, up to the order of summation; `weight` keeps shape, dtype and device."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(_packed(linear.weight.data), requires_grad=False)
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """`[..., inputs]` to `[..., outputs]`."""
        # The product that torch's own compiler calls for frozen weights; there is no public name for it.
        found: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self.weight, self.bias, "none", [], "")
        return found

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PackedLinear:
        """Conversions such as `model.to(dtype)`, which know plain matrices only."""
        super()._apply(lambda each: _packed(fn(each.to_dense())) if each.is_mkldnn else fn(each), recurse)
        return self


def can_pack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether this machine's torch has such products."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def _packed(matrix: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix, _ROWS)
    return packed
