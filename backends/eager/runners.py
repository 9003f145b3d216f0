"""How a laid out pass is run: by calling the model, or by replaying what was recorded for passes of its shape.

On a GPU a small pass takes the host longer to launch, kernel by kernel, than the device needs for it. A recording (a CUDA
graph) launches as one, but only with the tensors that it was made with; so passes come in few shapes, and each shape has
tensors of its own, into which a pass is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from .kv_cache import KvPool
from .passes import Pass, Shape

SEEN = 64
"""Attention looks at the used slots, rounded up to this: few of them are empty, and shapes repeat."""
RECORDED_WIDTH = 64
"""Longer passes keep a device busy without recordings."""
RECORDED_SEEN = 256
"""Recorded passes look at this many slots, or twice, four times, ... as many."""

Record: TypeAlias = Callable[[Callable[[], Tensor]], tuple[Tensor, Callable[[], None]]]
"""Runs a function that always works on the same tensors: its result, and what puts a new result there."""


class Runner(Protocol):
    """Runs the passes of one model."""

    def shape(self, rows: int, width: int, end: int, pool: KvPool) -> Shape:
        """The shape of a pass over so many rows of `width` tokens at most, whose last slot is before `end`."""

    def run(self, given: Pass, pool: KvPool, keep: int | None) -> Tensor:
        """The logits of the last `keep` tokens, or of all, `[rows, tokens, V]`; keys and values go into the pool."""

    def forget(self, pool: KvPool) -> None:
        """Keep nothing of a pool, which is not used again."""


class Direct:
    """Calls the model; shapes are those of what is read."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def shape(self, rows: int, width: int, end: int, pool: KvPool) -> Shape:
        """Nothing is filled up but what attention looks at."""
        return Shape(rows, width, min(pool.size, -(-end // SEEN) * SEEN))

    def run(self, given: Pass, pool: KvPool, keep: int | None) -> Tensor:
        """One call."""
        ids, positions, _ = given.numbers
        masks = given.masks
        pool.aim = given.aim
        logits: Tensor = self._model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=masks if len(masks) > 1 else next(iter(masks.values())),
            past_key_values=pool,
            use_cache=True,
            logits_to_keep=_kept(keep, ids.device),
        ).logits
        return logits

    def forget(self, pool: KvPool) -> None:
        """Nothing was kept."""


class Recorded:
    """Replays passes of few tokens, whose shapes are powers of two; each shape is recorded when it first comes."""

    def __init__(self, direct: Direct, record: Record) -> None:
        """`record` is `record_cuda_graph` for models on a GPU; `rerun` does the same without a recording."""
        self._direct, self._record = direct, record
        self._recordings: dict[tuple[KvPool, Shape, bool, int | None], _Recording] = {}

    def shape(self, rows: int, width: int, end: int, pool: KvPool) -> Shape:
        """Powers of two, as far as the pool has room for them."""
        if width > RECORDED_WIDTH:
            return self._direct.shape(rows, width, end, pool)
        seen = max(RECORDED_SEEN, _power_of_two(end))
        return Shape(min(pool.rows, _power_of_two(rows)), _power_of_two(width), min(pool.size, seen))

    def run(self, given: Pass, pool: KvPool, keep: int | None) -> Tensor:
        """The recording of the pass's shape, with the pass's numbers."""
        if given.shape.width > RECORDED_WIDTH:
            return self._direct.run(given, pool, keep)
        key = (pool, given.shape, given.aim.places is None, keep)
        recording = self._recordings.get(key)
        if recording is None:
            own = _own(given)
            logits, replay = self._record(lambda: self._direct.run(own, pool, keep))
            self._recordings[key] = recording = _Recording(own, logits, replay)
        return recording.play(given)

    def forget(self, pool: KvPool) -> None:
        """Drop the recordings that write into the pool."""
        self._recordings = {key: each for key, each in self._recordings.items() if key[0] is not pool}


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    """The tensors that passes of a shape are copied into, and where their logits come to lie."""

    own: Pass
    logits: Tensor
    replay: Callable[[], None]

    def play(self, given: Pass) -> Tensor:
        self.own.numbers.copy_(given.numbers)
        for kind, mask in self.own.masks.items():
            mask.copy_(given.masks[kind])
        if self.own.aim.places is not None:
            self.own.aim.places.copy_(given.aim.places)
        self.replay()
        # Laws may be looked at when the next pass of this shape is over.
        return self.logits.clone()


def _own(given: Pass) -> Pass:
    """Tensors like those of a pass; none of its numbers become part of a recording."""
    numbers = given.numbers.clone()
    places = None if given.aim.places is None else given.aim.places.clone()
    aim = replace(given.aim, slots=numbers[2], places=places, first=None)
    return Pass(numbers, {kind: mask.clone() for kind, mask in given.masks.items()}, aim)


def record_cuda_graph() -> Record:
    """Recordings that share the memory of what they compute on the way."""
    memory = torch.cuda.graph_pool_handle()

    def record(run: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        # Libraries set themselves up in their first calls, which must not be recorded.
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            run()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=memory):
            logits = run()
        return logits, graph.replay

    return record


def rerun(run: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
    """No recording, but the same tensors: what a recording computes, where there is no GPU."""
    logits = run()
    return logits, lambda: logits.copy_(run())


def runner_for(model: nn.Module, device: torch.device, config: Any) -> Runner:
    """How passes of a model are run on its device."""
    direct = Direct(model)
    # Such positions depend on the longest one that was seen: the model looks at its numbers.
    looks = _rope_kinds(config) & {"dynamic", "longrope"}
    return direct if device.type != "cuda" or looks else Recorded(direct, record_cuda_graph())


def _rope_kinds(config: Any) -> set[str]:
    """How positions are turned, in any of the layers."""
    rope = getattr(config, "rope_parameters", None) or {}
    parts = [rope, *(each for each in rope.values() if isinstance(each, dict))]
    return {str(part["rope_type"]) for part in parts if "rope_type" in part}


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _kept(keep: int | None, device: torch.device) -> Any:
    """What transformers calls `logits_to_keep`: a count from the end where 0 means all, or indices."""
    match keep:
        case None:
            return 0
        case 0:
            return torch.empty(0, dtype=torch.int64, device=device)
        case _:
            return keep
