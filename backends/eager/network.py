"""A transformers model as the runtime's network: one pass over rows of a cache with explicit positions and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import cast

import torch
from torch import Tensor

from ...grammar import DiagnosticError, Tag
from ..models import ChatEncoder, Detokenizer, LoadedModel, StopStrings, Template, TokenizerWords, tag_ids
from ..runtime import AttentionUnknown, Cache, Clock, Encoder, Reading, Row, Scores, StopText, TextStream, Wanted, Words
from .kv_cache import KvCache, KvPool
from .on_device import on_device
from .passes import Layout
from .runners import Runner, runner_for
from .timing import timed
from .weights import lay_out_weights

_FULL, _SLIDING = "full_attention", "sliding_attention"


class TorchNetwork:
    """One loaded model, its code unchanged."""

    def __init__(self, loaded: LoadedModel, positions: int, runner: Runner | None = None) -> None:
        """`positions` is the longest context; `runner` is by default what suits the model's device.

        Raises `DiagnosticError` (SP0806) for layers that no mask serves.
        """
        self._loaded = loaded
        self._runner = runner or runner_for(loaded.model, loaded.device, loaded.config)
        self._layout = Layout(_windows(loaded), positions, loaded.dtype, loaded.device)
        lay_out_weights(loaded)
        self._detokenizer = Detokenizer(loaded.tokenizer)
        self._pools: list[KvPool] = []

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return self._loaded.eos_ids

    @property
    def looks_are_free(self) -> bool:
        """A GPU computes while the host goes on, and looking at its numbers waits for it."""
        return bool(self._loaded.device.type == "cpu")

    @cached_property
    def words(self) -> Words:
        """The tokenizer's vocabulary, with what pads it in the logits."""
        return TokenizerWords(self._loaded.tokenizer, self._loaded.vocab_size, source=self._loaded.source)

    @cached_property
    def tags(self) -> Mapping[Tag, int]:
        """PASTA's six words in the tokenizer."""
        return tag_ids(self._loaded.tokenizer, source=self._loaded.source)

    def open(self, row: Row, slots: int, rows: int) -> KvCache:
        """An empty cache beside those of other rows; a new pool is set aside if none has a place."""
        for pool in self._pools:
            if pool.size == slots and not pool.is_full:
                return pool.open(row)
        self._pools.append(KvPool(self._loaded.config.num_hidden_layers, rows, slots))
        return self._pools[-1].open(row)

    def close(self, cache: Cache) -> None:
        """Free a row's place for the next."""
        assert isinstance(cache, KvCache), "a cache goes back to where it came from"
        pool = cache.pool
        pool.close(cache)
        if not pool.taken and any(other is not pool and other.size == pool.size for other in self._pools):
            # It was set aside because others were full for a while.
            self._pools.remove(pool)
            self._runner.forget(pool)

    def move(self, cache: Cache, sources: Sequence[int], first: int) -> None:
        """Put what is in these slots behind one another, from slot `first` on."""
        assert isinstance(cache, KvCache), "a network moves what is in its own caches"
        cache.pool.move(cache, sources, first)

    def read(self, caches: Sequence[Cache], readings: Sequence[Reading], wanted: Wanted, clock: Clock) -> Scores | None:
        """One pass over the tokens of some rows' readings."""
        mine = [cache for cache in caches if isinstance(cache, KvCache)]
        assert len(mine) == len(readings), "a network reads into its own caches"
        width = max(len(reading.tokens) for reading in readings)
        keep = {Wanted.NONE: 0, Wanted.LAST: max(reading.lines for reading in readings), Wanted.ALL: None}[wanted]
        order = sorted(range(len(mine)), key=lambda row: (id(mine[row].pool), mine[row].place))
        # Rows that decode together share a pool, unless others were under way when they started.
        parts = [
            self._pass([mine[row] for row in rows], [readings[row] for row in rows], width, keep, clock)
            for rows in _by_pool(order, mine)
        ]
        if wanted is Wanted.NONE:
            return None
        logits = parts[0] if len(parts) == 1 else torch.cat(parts)
        if order != sorted(order):
            logits = logits[on_device(order, logits.device).argsort()]
        return Scores.of_rows(
            logits, [reading.lines if wanted is Wanted.LAST else len(reading.tokens) for reading in readings]
        )

    def _pass(
        self, caches: list[KvCache], readings: list[Reading], width: int, keep: int | None, clock: Clock
    ) -> Tensor:
        pool, end = caches[0].pool, max(reading.end for reading in readings)
        given = self._layout.lay_out(caches, readings, self._runner.shape(len(caches), width, end, pool))
        with timed(clock, self._loaded.device):
            return self._runner.run(given, pool, keep)[: len(caches)]

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


def _by_pool(order: list[int], caches: list[KvCache]) -> list[list[int]]:
    return [[*rows] for _, rows in groupby(order, key=lambda row: id(caches[row].pool))]


def _windows(loaded: LoadedModel) -> dict[str, int | None]:
    """The kinds of layers, each with its sliding window."""
    window: int | None = getattr(loaded.config, "sliding_window", None)
    kinds = getattr(loaded.config, "layer_types", None) or [_FULL if window is None else _SLIDING]
    for kind in kinds:
        if kind not in (_FULL, _SLIDING):
            raise DiagnosticError([AttentionUnknown(None, loaded.source, kind)])
    return {kind: window if kind == _SLIDING else None for kind in dict.fromkeys(kinds)}
