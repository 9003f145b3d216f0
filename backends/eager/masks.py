"""Additive masks of attention: who sees whom in a pass over slots."""

from __future__ import annotations

import torch
from torch import Tensor

from ..runtime import Reading


def mask(reading: Reading, seen: int, window: int | None, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`[1, 1, tokens, seen]`: 0 where a token sees a slot, minus infinity elsewhere.

    With a window, tokens see only what stands less than `window` positions before them.
    """
    slots = torch.arange(seen, device=device)
    if reading.sees is None:
        visible = slots <= torch.arange(reading.first, reading.end, device=device)[:, None]
    else:
        width = reading.end - reading.base
        above = torch.tensor([[bits >> slot & 1 for slot in range(width)] for bits in reading.sees], device=device)
        visible = torch.zeros((len(reading.tokens), seen), dtype=torch.bool, device=device)
        visible[:, : reading.base] = True
        visible[:, reading.base : reading.end] = above.bool()
    if window is not None:
        positions = torch.tensor(reading.positions, device=device)[:, None]
        # A committed row's slot is its position; only rows that await a verdict can stand elsewhere.
        slots[reading.base : reading.end] = torch.tensor(reading.above, device=device)
        visible &= positions - slots < window
    return torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, -torch.inf)[None, None]
