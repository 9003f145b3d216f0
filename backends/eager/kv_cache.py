"""Keys and values of one row in slots that are set aside once, behind the interface that transformers models use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from ..runtime import Slots

BUCKET = 64
"""Attention looks at the used slots, rounded up to this: few of them are empty, and shapes repeat."""


class KvCache(Cache):  # type: ignore[misc] # torch and transformers are not followed by the type checker
    """Every layer holds keys and values `[1, heads, slots, head size]`; the next rows go to `first` and behind.

    Layers with a sliding window have as many slots as the others: their window is in the mask.
    """

    def __init__(self, layers: int, size: int) -> None:
        """Room for `size` rows in each of so many layers; nothing is set aside before the first pass."""
        super().__init__(layers=[SlotLayer(self) for _ in range(layers)])
        self.slots = Slots(size)
        self.first = self.seen = 0

    def aim(self, first: int, end: int) -> int:
        """The next pass writes slots `first` to `end`; returns how many slots it looks at."""
        self.first = first
        self.seen = min(self.slots.size, -(-end // BUCKET) * BUCKET)
        return self.seen

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write one layer's rows; all that it looks at."""
        found: tuple[Tensor, Tensor] = self.layers[layer_idx].update(keys, values)
        return found

    def move(self, sources: Sequence[int], first: int) -> None:
        """Put the rows of these slots behind one another, from slot `first` on."""
        for layer in self.layers:
            layer.move(sources, first)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def empty(self) -> None:
        """Forget the rows and keep the room: zeros, since what is masked must still be finite."""
        for layer in self.layers:
            if layer.is_initialized:
                layer.keys.zero_()
                layer.values.zero_()
        self.slots = Slots(self.slots.size)

    def rows(self) -> list[tuple[Tensor, Tensor]]:
        """What every layer holds of the rows in use."""
        used = len(self.slots.tokens)
        return [(layer.keys[:, :, :used], layer.values[:, :, :used]) for layer in self.layers if layer.is_initialized]


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """One layer of a `KvCache`."""

    is_sliding = False

    def __init__(self, cache: KvCache) -> None:
        super().__init__()
        self._cache = cache

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Set the room aside, in the shape of the first rows. Zeros: what is masked must still be finite."""
        size = self._cache.slots.size
        self.keys = key_states.new_zeros((*key_states.shape[:2], size, key_states.shape[-1]))
        self.values = value_states.new_zeros((*value_states.shape[:2], size, value_states.shape[-1]))
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write rows where the cache aims; everything up to where it looks."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        first, seen = self._cache.first, self._cache.seen
        end = first + key_states.shape[2]
        self.keys[:, :, first:end] = key_states
        self.values[:, :, first:end] = value_states
        return self.keys[:, :, :seen], self.values[:, :, :seen]

    def move(self, sources: Sequence[int], first: int) -> None:
        """Gather rows; they are copied out before any is overwritten."""
        rows = torch.tensor(sources, device=self.keys.device)
        for states in (self.keys, self.values):
            states[:, :, first : first + len(sources)] = states.index_select(2, rows)

    def get_seq_length(self) -> int:
        """How many rows were there before the pass."""
        return self._cache.first

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Slots that are looked at, and the first of them."""
        return self._cache.seen, 0

    def get_max_length(self) -> int:
        """All slots."""
        return self._cache.slots.size
