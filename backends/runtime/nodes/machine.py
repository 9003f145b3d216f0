"""What an emitted program runs on: the models by name, the laws of sampling, the caches that are open, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ....planner.graph import Model, Sampling, Table
from ...decoding import Counter, Key, Purpose
from ...decoding import Sampling as Law
from ..bridge import Bridge, bridge
from ..clock import Clock
from ..errors import full
from ..network import Cache, Encoder, Network, Scores, Wanted
from ..readable import Readable
from ..row import Row
from ..slots import NoRoom, Reading
from ..values import Path
from ..words import Words

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

    def __init__(self, networks: Mapping[str, Network], target: str, vocabs: Mapping[str, str] | None = None) -> None:
        """Models by their names in the graph; `target` is the one whose text is shown.

        `vocabs` names for each vocabulary a model that has it; graphs with one vocabulary need none.
        """
        self.clock = Clock()
        self._networks = dict(networks)
        self._target = target
        self._samplers: dict[Sampling, Sampler] = {}
        self._encoders: dict[tuple[str, str, str | None], Encoder] = {}
        self._vocabs = dict(vocabs or {})
        self._bridges: dict[Table, Bridge] = {}
        self._readable: dict[str, Readable] = {}
        self._open: dict[int, list[tuple[Network, Cache]]] = {}
        self._level = 0
        self._shifts: dict[int, int] = {}

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

    def words_of(self, vocab: str) -> Words:
        """A vocabulary by its name in the graph."""
        return self._networks[self._vocabs[vocab]].words

    def readable(self, model: Model) -> Readable:
        """What a model can read of a text."""
        if model.name not in self._readable:
            self._readable[model.name] = Readable(self.network(model).words)
        return self._readable[model.name]

    def bridge(self, table: Table) -> Bridge:
        """A declared table, made once."""
        if table not in self._bridges:
            drafter, target = (self._networks[self._vocabs[str(each)]] for each in (table.source, table.target))
            ends = dict([*zip(drafter.eos_ids, target.eos_ids, strict=False)][:1])
            self._bridges[table] = bridge(table, drafter.words, target.words, ends)
        return self._bridges[table]

    def learn_words(self, tables: Iterable[Table]) -> None:
        """Make what translates between vocabularies now, which takes a while, and not in the first step.

        Raises `DiagnosticError`: SP0745 for a vocabulary that nobody can spell, SP0808 for two that share nothing.
        """
        if len(self._vocabs) > 1:
            for name in self._vocabs.values():
                assert self._networks[name].words.spelled is not None
        for table in tables:
            self.bridge(table)

    def sampler(self, sampling: Sampling) -> Sampler:
        """What a declared law of sampling means."""
        if sampling not in self._samplers:
            law = Law(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
            self._samplers[sampling] = Sampler(law, Counter(sampling.seed))
        return self._samplers[sampling]

    def key(self, row: Row, position: int, purpose: Purpose = Purpose.TARGET, index: int = 0) -> Key:
        """Names a draw of a row, at the level of the decoder that is running."""
        return Key(row.key, position + self._shifts.get(id(row), 0), purpose, index, level=self._level)

    @property
    def is_inside(self) -> bool:
        """Is a decoder that drafts running?"""
        return self._level > 0

    @contextmanager
    def inside(self, level: int, roots: Iterable[Path] = ()) -> Iterator[None]:
        """What runs here is a decoder that drafts: its draws are its own.

        In another vocabulary it counts on from what the draws behind its roots are keyed by: text that is spelled anew
        becomes shorter, and then its own positions come again, whose draws the text depends on.
        """
        outside = self._level, self._shifts
        self._level = level
        self._shifts = self._shifts | {
            id(path.row): path.draws_at - path.end for path in roots if path.draws_at is not None
        }
        try:
            yield
        finally:
            self._level, self._shifts = outside

    def open(self, row: Row, model: Model, slots: int, rows: int) -> Cache:
        """An empty cache for a row."""
        network = self.network(model)
        cache = network.open(row, slots, rows)
        self._open.setdefault(id(row), []).append((network, cache))
        return cache

    def release(self, row: Row) -> None:
        """The row is over: its caches may serve others."""
        for network, cache in self._open.pop(id(row), ()):
            network.close(cache)

    def move(self, cache: Cache, sources: Sequence[int], first: int) -> None:
        """Put what is in these slots of a cache behind one another, from slot `first` on."""
        next(network for network, each in self._open[id(cache.row)] if each is cache).move(cache, sources, first)

    def read(
        self, by: Model, caches: Sequence[Cache], rows: Callable[[Cache, int], Reading], wanted: Wanted
    ) -> Scores | None:
        """One pass over what `rows` puts into each cache, given its place. Raises `DiagnosticError` (SP0803)."""
        try:
            readings = [rows(cache, place) for place, cache in enumerate(caches)]
        except NoRoom as error:
            raise full(by.name, error) from error
        return self.network(by).read(caches, readings, wanted, self.clock)


def node(function: Callable[Concatenate[Machine, P], R]) -> Callable[Concatenate[Machine, P], R]:
    """Time what a kind of node takes, under its keyword and its model."""
    keyword = function.__name__

    @wraps(function)
    def timed(machine: Machine, /, *operands: P.args, **fields: P.kwargs) -> R:
        with machine.clock.node(_label(keyword, fields)):
            return function(machine, *operands, **fields)

    return timed


def _label(keyword: str, fields: Mapping[str, Any]) -> str:
    by = fields.get("by")
    return keyword if by is None else f"{keyword} {by.name}"
