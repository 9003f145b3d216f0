"""Where a node runs: the graph's declarations, the world that they name, the draws, and the laws of its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy

from ...planner.graph import Graph, Model, Table
from ...planner.graph import Sampling as Tempered
from ...planner.vocabulary import TokenMap, intersection, pushforward
from ..decoding import Array, Draws, Key, Purpose, Sampling, law_of_probabilities
from .language import Language
from .tables import Context, Law, TableModel, TableVocabulary, World
from .values import Line


@dataclass(frozen=True)
class Setting:
    """A graph in its world, at one level: 0 is the graph's own step, a decoder that drafts counts from 1."""

    graph: Graph
    world: World
    draws: Callable[[int], Draws]
    """The draws of a seed."""
    rows: int
    """Of a step."""
    requests: int
    """Of a step: as many as rows, or fewer, if each has threads."""
    language: Language | None = None
    """What tags mean, where there are threads."""
    level: int = 0
    shifts: Mapping[int, int] = field(default_factory=dict)
    """How far a request's draws are keyed behind its positions: a decoder inside counts on in the target's words."""

    @property
    def threads(self) -> int:
        """How many rows a request has."""
        return self.rows // self.requests

    def inside(self, level: int, shifts: Mapping[int, int]) -> Setting:
        """The setting of a decoder inside."""
        return replace(self, level=level, shifts={**self.shifts, **shifts})

    def model(self, name: str) -> TableModel:
        """The table of a model."""
        return self.world.models[name]

    def words(self, model: str) -> TableVocabulary:
        """The vocabulary of a model."""
        return self.world.vocabularies[self.graph.named(model, Model).vocab]

    def words_of(self, vocab: str | None) -> TableVocabulary:
        """The vocabulary that a type names."""
        return self.world.vocabularies[self.graph.spelled(vocab)]

    def table(self, name: str) -> TokenMap:
        """The images of a table."""
        table = self.graph.named(name, Table)
        return image_map(table.method, self.world.vocabularies[table.source], self.world.vocabularies[table.target])

    def table_nulls_are_rejected(self, name: str) -> bool:
        """Does a draw without an image propose nothing (or is it never drawn)?"""
        return self.graph.named(name, Table).nulls == "reject"

    def draw(self, sampling: str) -> Draws:
        """The draws of a sampling's seed."""
        return self.draws(self.graph.named(sampling, Tempered).seed)

    def shaped(self, probabilities: Law, sampling: str, allowed: tuple[bool, ...] | None = None) -> Law:
        """What is sampled from a model's law: masks first, then temperature and the rest."""
        return shaped(probabilities, law_sampling(self.graph.named(sampling, Tempered)), allowed)

    def key(self, line: Line, ahead: int, purpose: Purpose = Purpose.DRAFT, index: int = 0) -> Key:
        """The draw of the token `ahead` tokens behind a line."""
        position = line.next_position + self.shifts.get(line.row, 0) + ahead
        return Key(line.row, position, purpose, index, line.thread, self.level)


def image_map(method: str, source: TableVocabulary, target: TableVocabulary) -> TokenMap:
    """The map of a table: by equal bytes with the end tokens as a pair made by hand, or by the first target token."""
    if method == "tli":
        ends = {} if source.end is None or target.end is None else {source.end: target.end}
        return intersection(source.tokens, target.tokens, ends)
    return pushforward(source.tokens, target.encode)


def law_sampling(declared: Tempered) -> Sampling:
    """A declared law of sampling as the mathematics has it."""
    return Sampling(declared.temperature, declared.top_k, declared.top_p, declared.min_p)


@lru_cache(maxsize=100_000)
def shaped(probabilities: Law, sampling: Sampling, allowed: tuple[bool, ...] | None) -> Law:
    """`law_of_probabilities` on tuples, remembered."""
    mask = None if allowed is None else numpy.array(allowed)
    if allowed is not None and not any(p > 0 and ok for p, ok in zip(probabilities, allowed, strict=True)):
        return (0.0,) * len(probabilities)
    return tuple(law_of_probabilities(array(probabilities), sampling, mask).tolist())


@lru_cache(maxsize=100_000)
def array(law: Law) -> Array:
    """A law as an array that nobody may change."""
    made = numpy.array(law, dtype=numpy.float64)
    made.setflags(write=False)
    return made


def likeliest(law: Law, allowed: Sequence[bool] | None = None) -> int:
    """The likeliest token, of equals the lowest."""
    return max(range(len(law)), key=lambda token: (allowed is None or allowed[token], law[token], -token))


def ranked(law: Law, count: int) -> tuple[int, ...]:
    """The likeliest tokens in order, of equals the lowest first."""
    return tuple(sorted(range(len(law)), key=lambda token: (-law[token], token))[:count])


def next_law(setting: Setting, model: str, seen: Context, thread: int = 0) -> Law:
    """A model's law behind a context, in a thread: only what the tags let it say."""
    law = setting.model(model).law(seen)
    return law if setting.language is None else setting.language.restricted(law, seen, thread)
