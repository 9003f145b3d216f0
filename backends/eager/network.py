"""A transformers model as the runtime's network: one pass over rows of a cache with explicit positions and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ...grammar import DiagnosticError
from ..models import ChatEncoder, Detokenizer, LoadedModel, StopStrings, Template
from ..runtime import AttentionUnknown, Cache, Encoder, Reading, StopText, TextStream, Wanted
from .kv_cache import KvCache
from .masks import mask
from .weights import lay_out_weights

_FULL, _SLIDING = "full_attention", "sliding_attention"


class TorchNetwork:
    """One loaded model, its code unchanged."""

    def __init__(self, loaded: LoadedModel, positions: int) -> None:
        """`positions` is the longest context. Raises `DiagnosticError` (SP0806) for layers that no mask serves."""
        self._loaded, self._positions = loaded, positions
        self._windows = _windows(loaded)
        lay_out_weights(loaded)
        self._detokenizer = Detokenizer(loaded.tokenizer)
        self._free: dict[int, list[KvCache]] = {}

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return self._loaded.eos_ids

    def open(self, slots: int) -> KvCache:
        """An empty cache, one that was closed if there is any."""
        free = self._free.get(slots)
        return free.pop() if free else KvCache(self._loaded.config.num_hidden_layers, slots)

    def close(self, cache: Cache) -> None:
        """Keep a cache's room for the next row."""
        assert isinstance(cache, KvCache), "a cache goes back to where it came from"
        cache.empty()
        self._free.setdefault(cache.slots.size, []).append(cache)

    def read(self, cache: Cache, reading: Reading, wanted: Wanted) -> Tensor:
        """One pass over the tokens of a reading: scores `[rows wanted, V]`."""
        assert isinstance(cache, KvCache), "a network reads into its own caches"
        seen = cache.aim(reading.first, reading.end)
        device = self._loaded.device
        # What a tree has beyond the last position can never be accepted, and no table has to have a row for it.
        positions = [min(position, self._positions - 1) for position in reading.positions]
        scores: Tensor = self._loaded.model(
            input_ids=torch.tensor([reading.tokens], device=device),
            position_ids=torch.tensor([positions], device=device),
            attention_mask=self._masks(reading, seen),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=_rows(wanted, device),
        ).logits
        return scores[0]

    def encoder(self, template: str, system: str | None) -> Encoder:
        """Encodes prompts in this model's tokens."""
        source = self._loaded.source
        return ChatEncoder(self._loaded.tokenizer, source=source, template=cast(Template, template), system=system)

    def text(self, *, continues: bool) -> TextStream:
        """The text of a new row."""
        return self._detokenizer.stream(continues=continues)

    def stops(self, strings: Sequence[str]) -> StopText:
        """Stop strings for a new row."""
        return StopStrings(strings)

    def _masks(self, reading: Reading, seen: int) -> Tensor | dict[str, Tensor]:
        """One mask, or one per kind of layer where a model has several."""
        loaded = self._loaded
        masks = {
            kind: mask(reading, seen, window, loaded.dtype, loaded.device) for kind, window in self._windows.items()
        }
        return masks if len(masks) > 1 else next(iter(masks.values()))


def _rows(wanted: Wanted, device: torch.device) -> Any:
    """What transformers calls `logits_to_keep`: a count from the end where 0 means all, or indices."""
    match wanted:
        case Wanted.ALL:
            return 0
        case Wanted.LAST:
            return 1
        case Wanted.NONE:
            return torch.empty(0, dtype=torch.int64, device=device)


def _windows(loaded: LoadedModel) -> dict[str, int | None]:
    """The kinds of layers, each with its sliding window."""
    window: int | None = getattr(loaded.config, "sliding_window", None)
    kinds = getattr(loaded.config, "layer_types", None) or [_FULL if window is None else _SLIDING]
    for kind in kinds:
        if kind not in (_FULL, _SLIDING):
            raise DiagnosticError([AttentionUnknown(None, loaded.source, kind)])
    return {kind: window if kind == _SLIDING else None for kind in dict.fromkeys(kinds)}
