"""What an emitted program runs on: the models by name, the row that is its turn, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

from ....planner.graph import Model, Sampling
from ...decoding import Counter
from ...decoding import Sampling as Law
from ..network import Cache, Encoder, Network
from ..row import Row

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Sampler:
    """A declared law of sampling: its shape, and where its draws come from."""

    law: Law
    draws: Counter

    @property
    def is_greedy(self) -> bool:
        """Is the likeliest token taken, without a draw?"""
        return self.law.temperature == 0


class Machine:
    """The first argument of every node."""

    def __init__(self, networks: Mapping[str, Network], target: str) -> None:
        """Models by their names in the graph; `target` is the one whose text is shown."""
        self._networks = dict(networks)
        self._target = target
        self._samplers: dict[Sampling, Sampler] = {}
        self._encoders: dict[tuple[str, str, str | None], Encoder] = {}
        self._open: dict[int, list[tuple[Network, Cache]]] = {}
        self._row: Row | None = None

    @property
    def row(self) -> Row:
        """The row that is being started or stepped."""
        assert self._row is not None, "nodes run only while a row is started or stepped"
        return self._row

    def turn(self, row: Row) -> None:
        """From now on nodes are about this row."""
        self._row = row

    @property
    def target(self) -> Network:
        """The model whose law the output follows."""
        return self._networks[self._target]

    def is_target(self, model: Model) -> bool:
        """Is this the model whose law the output follows?"""
        return model.name == self._target

    def network(self, model: Model) -> Network:
        """A declared model, loaded."""
        return self._networks[model.name]

    def encoder(self, model: Model, template: str, system: str | None) -> Encoder:
        """Made once: looking through a chat template takes a while."""
        key = (model.name, template, system)
        if key not in self._encoders:
            self._encoders[key] = self.network(model).encoder(template, system)
        return self._encoders[key]

    def sampler(self, sampling: Sampling) -> Sampler:
        """What a declared law of sampling means."""
        if sampling not in self._samplers:
            law = Law(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
            self._samplers[sampling] = Sampler(law, Counter(sampling.seed))
        return self._samplers[sampling]

    def open(self, model: Model, slots: int) -> Cache:
        """An empty cache for the row."""
        network = self.network(model)
        cache = network.open(slots)
        self._open.setdefault(id(self.row), []).append((network, cache))
        return cache

    def release(self, row: Row) -> None:
        """The row is over: its caches may serve others."""
        for network, cache in self._open.pop(id(row), ()):
            network.close(cache)


def node(function: Callable[Concatenate[Machine, P], R]) -> Callable[Concatenate[Machine, P], R]:
    """Time what a kind of node takes, under its keyword and its model."""
    keyword = function.__name__

    @wraps(function)
    def timed(machine: Machine, /, *operands: P.args, **fields: P.kwargs) -> R:
        began = perf_counter()
        try:
            return function(machine, *operands, **fields)
        finally:
            label = _label(keyword, fields)
            seconds = machine.row.seconds
            seconds[label] = seconds.get(label, 0.0) + perf_counter() - began

    return timed


def _label(keyword: str, fields: Mapping[str, Any]) -> str:
    by = fields.get("by")
    return keyword if by is None else f"{keyword} {by.name}"
