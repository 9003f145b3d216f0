"""Keys and values of several rows in slots that are set aside once, behind the interface that transformers models use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from ..runtime import Row, Slots
from .on_device import on_device


@dataclass(eq=False)
class KvCache:
    """One row's part of a pool: what stands in its slots, and at which place of the pool they are."""

    row: Row
    slots: Slots
    pool: KvPool
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """Where a pass over `n` rows of `width` tokens writes, and how far it looks.

    `places` `[n]` are the rows' places, None if these are the first n of the pool. `slots` `[n, width]` are where the
    tokens go; `first` is set where every row's tokens go to the same slots, from this one on.
    """

    slots: Tensor
    seen: int
    places: Tensor | None = None
    first: int | None = None


class KvPool(Cache):  # type: ignore[misc] # torch and transformers are not followed by the type checker
    """Every layer holds keys and values `[rows, heads, slots, head size]`; rows in use come first.

    Layers with a sliding window have as many slots as the others: their window is in the mask.
    """

    def __init__(self, layers: int, rows: int, size: int) -> None:
        """Room for `rows` rows of `size` slots in each of so many layers; nothing is set aside before the first pass."""
        super().__init__(layers=[SlotLayer(self) for _ in range(layers)])
        self.rows, self.size = rows, size
        self.aim: Aim
        self._members: list[KvCache] = []

    @property
    def is_full(self) -> bool:
        """Are all places taken?"""
        return len(self._members) == self.rows

    @property
    def taken(self) -> int:
        """How many places are taken; they are the first ones."""
        return len(self._members)

    @property
    def nbytes(self) -> int:
        """What is set aside."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self.layers if layer.is_initialized)

    def open(self, row: Row) -> KvCache:
        """The next place."""
        assert not self.is_full, "a pool with a free place was looked for"
        cache = KvCache(row, Slots(self.size), self, len(self._members))
        self._members.append(cache)
        return cache

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def close(self, cache: KvCache) -> None:
        """Free a place. The last row moves there, so that a pass over all rows is a pass over the first places."""
        last = self._members.pop()
        for layer in self.layers if last is not cache else ():
            layer.copy(last.place, cache.place, last.slots.used)
        for layer in self.layers:
            layer.empty(last.place)
        if last is not cache:
            last.place = cache.place
            self._members[cache.place] = last

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write one layer's rows; all that it looks at."""
        found: tuple[Tensor, Tensor] = self.layers[layer_idx].update(keys, values)
        return found

    def move(self, cache: KvCache, sources: Sequence[int], first: int) -> None:
        """Put what is in these slots of a row behind one another, from slot `first` on."""
        for layer in self.layers:
            layer.move(cache.place, sources, first)

    def held(self, cache: KvCache) -> list[tuple[Tensor, Tensor]]:
        """What every layer holds of a row, `[heads, slots in use, head size]`."""
        place, used = cache.place, cache.slots.used
        return [
            (layer.keys[place, :, :used], layer.values[place, :, :used])
            for layer in self.layers
            if layer.is_initialized
        ]


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """One layer of a `KvPool`."""

    is_sliding = False

    def __init__(self, pool: KvPool) -> None:
        super().__init__()
        self._pool = pool

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Set the room aside. Zeros: what is masked must still be finite."""
        rows, size = self._pool.rows, self._pool.size
        self.keys = key_states.new_zeros((rows, key_states.shape[1], size, key_states.shape[-1]))
        self.values = value_states.new_zeros((rows, value_states.shape[1], size, value_states.shape[-1]))
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write rows where the pool aims; everything up to where it looks, of the rows that are read."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        aim = self._pool.aim
        return _written(self.keys, key_states, aim), _written(self.values, value_states, aim)

    def copy(self, source: int, target: int, used: int) -> None:
        """A row's slots to another place."""
        for states in (self.keys, self.values) if self.is_initialized else ():
            states[target, :, :used] = states[source, :, :used]

    def empty(self, place: int) -> None:
        """Forget a row: nothing that is not finite may stay behind."""
        for states in (self.keys, self.values) if self.is_initialized else ():
            states[place].zero_()

    def move(self, place: int, sources: Sequence[int], first: int) -> None:
        """Gather slots; they are copied out before any is overwritten."""
        rows = on_device([*sources], self.keys.device)
        for states in (self.keys, self.values):
            states[place, :, first : first + len(sources)] = states[place].index_select(1, rows)

    def get_seq_length(self) -> int:
        """How many slots were taken before the pass, where that is one number."""
        return self._pool.aim.first or 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Slots that are looked at, and the first of them."""
        return self._pool.aim.seen, 0

    def get_max_length(self) -> int:
        """All slots."""
        return self._pool.size


def _written(states: Tensor, new: Tensor, aim: Aim) -> Tensor:
    """Put `new` `[n, heads, width, head size]` into `states`; what the pass looks at."""
    rows, width = new.shape[0], new.shape[2]
    if aim.first is not None:
        states[:rows, :, aim.first : aim.first + width] = new
        return states[:rows, :, : aim.seen]
    places = torch.arange(rows, device=states.device) if aim.places is None else aim.places
    states[places[:, None], :, aim.slots] = new.transpose(1, 2)
    if aim.places is None:
        return states[:rows, :, : aim.seen]
    return states[:, :, : aim.seen].index_select(0, places)
