"""What an emitted program runs on: the models by name, the laws of sampling, the caches that are open, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ....planner.graph import Model, Sampling, Table, Tags
from ...decoding import Counter, Key, Purpose
from ...decoding import Sampling as Law
from ..bridge import Bridge, bridge
from ..clock import Clock
from ..errors import full
from ..network import Cache, Encoder, Network, Scores, Span, Wanted
from ..pasta import Automaton, Strictness, TagVocabulary, TokenMachine
from ..readable import Readable
from ..readings import Reading, side_by_side
from ..row import Row
from ..seats import Seat
from ..slots import NoRoom
from ..thread import Thread
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
        self._languages: dict[frozenset[int], TokenMachine] = {}
        self._automata: dict[str, Automaton] = {}
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

    def learn_tags(self, models: Iterable[Model], tags: Tags) -> None:
        """Make what holds models to their tags now, which looks at every word. Raises `DiagnosticError` (SP0746)."""
        for model in models:
            self.automaton(model, tags)

    def language(self, ends: Iterable[int] = ()) -> TokenMachine:
        """Reads what the target's tokens mean where threads fork; `ends` are those that end an answer."""
        key = frozenset(ends)
        if key not in self._languages:
            words = TagVocabulary(self.target.tags, self.target.words.spelled, key)
            self._languages[key] = TokenMachine(words)
        return self._languages[key]

    def automaton(self, model: Model, tags: Tags) -> Automaton:
        """What may come next in the threads of a model."""
        if model.name not in self._automata:
            network = self.network(model)
            words = TagVocabulary(network.tags, network.words.spelled, frozenset(network.eos_ids))
            self._automata[model.name] = Automaton(words, Strictness(str(tags.grammar)))
        return self._automata[model.name]

    def sampler(self, sampling: Sampling) -> Sampler:
        """What a declared law of sampling means."""
        if sampling not in self._samplers:
            law = Law(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
            self._samplers[sampling] = Sampler(law, Counter(sampling.seed))
        return self._samplers[sampling]

    def key(self, thread: Thread, position: int, purpose: Purpose = Purpose.TARGET, index: int = 0) -> Key:
        """Names a draw of a thread, at the level of the decoder that is running."""
        row = thread.row
        shifted = position + self._shifts.get(id(row), 0)
        return Key(row.key, shifted, purpose, index, thread=thread.number, level=self._level)

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
        self, by: Model, seats: Sequence[Seat], rows: Callable[[Seat, int], Reading], wanted: Wanted
    ) -> Scores | None:
        """One pass over what `rows` puts at each seat, given its place: scores in the order of the seats.

        Raises `DiagnosticError` (SP0803).
        """
        # A fork may see what its main thread reads beside it.
        order = sorted(range(len(seats)), key=lambda place: seats[place].thread.number)
        try:
            readings = {place: rows(seats[place], place) for place in order}
        except NoRoom as error:
            raise full(by.name, error) from error
        rowwise = _by_cache(seats, order)
        together = [
            side_by_side([readings[place] for place in places], lasts_last=wanted is Wanted.LAST) for places in rowwise
        ]
        caches = [seats[places[0]].cache for places in rowwise]
        scores = self.network(by).read(caches, together, wanted, self.clock)
        if scores is None or len(rowwise) == len(seats):
            return scores
        lengths = [1 if wanted is Wanted.LAST else len(readings[place].tokens) for place in range(len(seats))]
        return Scores(scores.padded, _parted(scores.spans, rowwise, lengths))


def _by_cache(seats: Sequence[Seat], order: Sequence[int]) -> list[list[int]]:
    """The places of seats that share a cache, in an order; the caches are in that of the seats."""
    found: dict[int, list[int]] = {id(seat.cache): [] for seat in seats}
    for place in order:
        found[id(seats[place].cache)].append(place)
    return [*found.values()]


def _parted(spans: Sequence[Span], rowwise: Sequence[Sequence[int]], lengths: Sequence[int]) -> tuple[Span, ...]:
    """A span for each seat, of those of whole rows in which so many tokens of each stand side by side."""
    parted = {}
    for span, places in zip(spans, rowwise, strict=True):
        first = span.first
        for place in places:
            parted[place] = Span(span.row, first, first + lengths[place])
            first += lengths[place]
    return tuple(parted[place] for place in range(len(lengths)))


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
