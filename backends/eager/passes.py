"""What one pass over several rows gives a model: tokens, positions, slots and who sees whom, in one rectangle.

Rows that read fewer tokens than others are filled up by repeating their last token, in its own slot and at its own
position: it computes and writes the same once more, so that nothing has to be set aside for what fills up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor

from ..decoding import LateToken
from ..runtime import Reading
from .kv_cache import Aim, KvCache
from .masks import mask

BUCKET = 64
"""Attention looks at the used slots, rounded up to this: few of them are empty, and shapes repeat."""


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Tensors of one pass over n rows of `width` tokens."""

    ids: Tensor
    """`[n, width]`."""
    positions: Tensor
    """`[n, width]`."""
    masks: dict[str, Tensor]
    """`[n, 1, width, seen]` by kind of layer."""
    aim: Aim


@dataclass(frozen=True, slots=True)
class Layout:
    """What all passes of a model have in common."""

    windows: dict[str, int | None]
    """The kinds of layers, each with its sliding window."""
    positions: int
    dtype: torch.dtype
    device: torch.device

    def lay_out(self, caches: Sequence[KvCache], readings: Sequence[Reading], width: int, seen: int) -> Pass:
        """The pass over readings into caches of one pool, whose places ascend."""
        slots = self._rectangle([range(reading.first, reading.end) for reading in readings], width)
        # What a tree has beyond the last position can never be accepted, and no table has to have a row for it.
        last = self.positions - 1
        positions = self._rectangle([[min(each, last) for each in reading.positions] for reading in readings], width)
        masks = {
            kind: mask(readings, slots, positions, seen, window, self.dtype) for kind, window in self.windows.items()
        }
        return Pass(self._ids(readings, width), positions, masks, self._aim(caches, readings, slots, width, seen))

    def _aim(self, caches: Sequence[KvCache], readings: Sequence[Reading], slots: Tensor, width: int, seen: int) -> Aim:
        in_front = all(cache.place == place for place, cache in enumerate(caches))
        places = None if in_front else torch.tensor([cache.place for cache in caches], device=self.device)
        same = {(reading.first, len(reading.tokens)) for reading in readings} == {(readings[0].first, width)}
        return Aim(slots, seen, places, readings[0].first if in_front and same else None)

    def _rectangle(self, rows: Sequence[Sequence[int]], width: int) -> Tensor:
        return torch.tensor([[*row, *[row[-1]] * (width - len(row))] for row in rows], device=self.device)

    def _ids(self, readings: Sequence[Reading], width: int) -> Tensor:
        """Tokens that nobody has looked at are put in on the device."""
        filled = [[*r.tokens, *[r.tokens[-1]] * (width - len(r.tokens))] for r in readings]
        flat = [token for row in filled for token in row]
        late = [(at, token) for at, token in enumerate(flat) if _is_late(token)]
        if not late:
            return self._rectangle([list(map(int, row)) for row in filled], width)
        unseen = {at for at, _ in late}
        ids = torch.tensor([0 if at in unseen else int(token) for at, token in enumerate(flat)], device=self.device)
        arrays = torch.stack([token.array for _, token in late]).to(ids.dtype)
        return ids.index_copy_(0, torch.tensor(sorted(unseen), device=self.device), arrays).view(len(readings), width)


def _is_late(token: object) -> TypeGuard[LateToken]:
    return isinstance(token, LateToken) and token.is_unseen


def seen_by(readings: Sequence[Reading], size: int) -> int:
    """How many slots a pass looks at."""
    return min(size, -(-max(reading.end for reading in readings) // BUCKET) * BUCKET)
