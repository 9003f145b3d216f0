"""What one pass over several rows gives a model: tokens, positions, slots and who sees whom, in one rectangle.

Rows that read fewer tokens than others are filled up by repeating their first token, in its own slot and at its own
position: it computes and writes the same once more, so that nothing has to be set aside for what fills up, and the last
tokens of all rows stand in the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor

from ..decoding import LateToken
from ..runtime import Reading
from .kv_cache import Aim, KvCache
from .masks import mask
from .on_device import on_device

_IDLE = Reading((0,), (0,), (0,), 0, None, (0,))
"""Any token in the first slot of a place that nobody has."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a pass is; not smaller than what it reads."""

    rows: int
    width: int
    """Tokens of each row."""
    seen: int
    """Slots that attention looks at."""


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Tensors of one pass over n rows of `width` tokens."""

    numbers: Tensor
    """`[3, n, width]`: tokens, their positions, their slots."""
    masks: dict[str, Tensor]
    """`[n, 1, width, seen]` by kind of layer."""
    aim: Aim

    @property
    def shape(self) -> Shape:
        """How large it is."""
        _, rows, width = self.numbers.shape
        return Shape(rows, width, self.aim.seen)


@dataclass(frozen=True, slots=True)
class Layout:
    """What all passes of a model have in common."""

    windows: dict[str, int | None]
    """The kinds of layers, each with its sliding window."""
    positions: int
    dtype: torch.dtype
    device: torch.device

    def lay_out(self, caches: Sequence[KvCache], readings: Sequence[Reading], shape: Shape) -> Pass:
        """The pass over readings into caches of one pool, whose places ascend."""
        places = None if _are_in_front(caches, shape) else [cache.place for cache in caches]
        # Rows that fill up repeat the last one, or use places that are free.
        spare = shape.rows - len(readings)
        filled = [*readings, *[readings[-1] if places else _IDLE] * spare]
        numbers = self._numbers(filled, shape.width)
        _, positions, slots = numbers
        masks = {
            kind: mask(filled, slots, positions, shape.seen, window, self.dtype)
            for kind, window in self.windows.items()
        }
        where = None if places is None else on_device([*places, *places[-1:] * spare], self.device)
        return Pass(numbers, masks, Aim(slots, shape.seen, where, _first(filled, shape.width) if not places else None))

    def _numbers(self, readings: Sequence[Reading], width: int) -> Tensor:
        """Tokens that nobody has looked at are put in on the device."""
        # What a tree has beyond the last position can never be accepted, and no table has to have a row for it.
        last = self.positions - 1
        tokens = [_filled(each.tokens, width) for each in readings]
        positions = [_filled([min(place, last) for place in each.positions], width) for each in readings]
        slots = [_filled(each.slots, width) for each in readings]
        late = [*_late(tokens)]
        known = [[0 if _is_late(token) else int(token) for token in row] for row in tokens]
        numbers = on_device([known, positions, slots], self.device)
        if late:
            arrays = torch.stack([token.array for _, token in late]).to(numbers.dtype)
            numbers.view(-1).index_copy_(0, on_device([at for at, _ in late], self.device), arrays)
        return numbers


def _are_in_front(caches: Sequence[KvCache], shape: Shape) -> bool:
    """Is it a pass over the first places, those that fill it up being free?"""
    fits = shape.rows == len(caches) or caches[0].pool.taken == len(caches)
    return fits and all(cache.place == place for place, cache in enumerate(caches))


def _first(readings: Sequence[Reading], width: int) -> int | None:
    """The slot from which on every row writes, if it is the same."""
    first = readings[0].slots[0]
    same = all(reading.slots == range(first, first + width) for reading in readings)
    return first if same else None


def _filled(row: Sequence[Any], width: int) -> list[Any]:
    return [*[row[0]] * (width - len(row)), *row]


def _late(rows: Sequence[Sequence[object]]) -> Iterator[tuple[int, LateToken]]:
    """Unseen tokens, and where they stand."""
    for at, token in enumerate(token for row in rows for token in row):
        if _is_late(token):
            yield at, token


def _is_late(token: object) -> TypeGuard[LateToken]:
    return isinstance(token, LateToken) and token.is_unseen
