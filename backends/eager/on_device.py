"""Numbers of the host on a device, without waiting for what the device still works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def on_device(numbers: Tensor | Sequence[Any], device: torch.device) -> Tensor:
    """Whole numbers, nested as an array is, or a tensor of the host: as a tensor on a device."""
    here = torch.as_tensor(numbers)
    # A copy from memory that is not pinned waits for the whole stream.
    return here.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else here.to(device)
