"""Additive masks of attention: who sees whom in a pass over the slots of several rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import torch
from torch import Tensor

from ..runtime import Reading
from .on_device import on_device


def mask(
    readings: Sequence[Reading], slots: Tensor, positions: Tensor, seen: int, window: int | None, dtype: torch.dtype
) -> Tensor:
    """`[rows, 1, width, seen]`: 0 where a token sees a slot, minus infinity elsewhere.

    `slots` and `positions` `[rows, width]` are the tokens'. With a window, tokens see only what stands less than `window`
    positions before them.
    """
    columns = torch.arange(seen, device=slots.device)
    if all(reading.sees is None for reading in readings):
        # A line's token sees every slot up to its own, and a slot's number is its position.
        visible = columns <= slots[:, :, None]
        if window is not None:
            visible &= slots[:, :, None] - columns < window
    else:
        visible = _in_trees(readings, positions, columns, window)
    return torch.zeros(visible.shape, dtype=dtype, device=slots.device).masked_fill_(~visible, -torch.inf)[:, None]


def _in_trees(readings: Sequence[Reading], positions: Tensor, columns: Tensor, window: int | None) -> Tensor:
    """`[rows, width, seen]`: every slot below a reading's base, and above it those that it names."""
    width, device = positions.shape[1], columns.device
    tall = max(len(reading.above) for reading in readings)
    bits = on_device(torch.stack([_above(reading, width, tall) for reading in readings]), device)
    bases = on_device([reading.base for reading in readings], device)
    ends = on_device([reading.end for reading in readings], device)
    relative = columns - bases[:, None]
    inside = (relative >= 0) & (columns < ends[:, None])
    where = relative.clamp(0, tall - 1)
    visible = (relative < 0)[:, None] | inside[:, None] & bits.gather(2, where[:, None].expand(-1, width, -1))
    if window is not None:
        stand = on_device([[*r.above, *[0] * (tall - len(r.above))] for r in readings], device)
        places = torch.where(inside, stand.gather(1, where), columns)
        visible &= positions[:, :, None] - places[:, None] < window
    return visible


def _above(reading: Reading, width: int, tall: int) -> Tensor:
    """`[width, tall]`: which slots from the base on each token sees; a row is filled up with its first."""
    sees = reading.sees
    if sees is None:
        sees = tuple((1 << slot - reading.base + 1) - 1 for slot in reading.slots)
    return _bits((*[sees[0]] * (width - len(sees)), *sees), tall)


def _bits(sees: Sequence[int], tall: int) -> Tensor:
    """`[len(sees), tall]`: the lowest bits of each number, the lowest first."""
    packed = b"".join(bits.to_bytes(-(-tall // 8), "little") for bits in sees)
    table = numpy.frombuffer(packed, numpy.uint8).reshape(len(sees), -1)
    return torch.from_numpy(numpy.unpackbits(table, axis=1, count=tall, bitorder="little")).bool()
