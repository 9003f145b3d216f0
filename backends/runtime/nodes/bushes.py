"""Draft a bush: every node of a layer is continued by several tokens, one pass a layer for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from ....planner.graph import Dynamic
from ...decoding import Array, law
from ...decoding import Sampling as Law
from ..network import Wanted
from ..seats import Seat
from ..values import Guess, Guesses, Path, Paths
from .speaking import Speaker


@dataclass(slots=True)
class _Bush:
    """One thread's guesses while they are made; nodes count from 1, and 0 is the root."""

    root: Path
    seat: Seat
    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    laws: list[Array] = field(default_factory=list)
    likelihoods: list[float] = field(default_factory=list)
    """The logarithm of the probability of each node's path, where the bush grows by it."""
    layer: list[int] = field(default_factory=lambda: [0])
    """The nodes that are continued next."""
    places: list[int] = field(default_factory=lambda: [0])
    """Where these stand in a layer without gaps: draws are numbered by it, and some nodes have fewer children to draw."""
    read: dict[int, int] = field(default_factory=dict)
    """Which row of its cache's level a node is, once it was read."""
    states: list[Any] = field(default_factory=list)
    """What may be said next depends on them: behind the root, and behind each node."""

    def add(self, parent: int, token: Any, law: Array | None = None, likelihood: float = 0.0) -> int:
        self.tokens.append(token)
        self.parents.append(parent)
        self.likelihoods.append(likelihood)
        if law is not None:
            self.laws.append(law)
        return len(self.tokens)

    def restricted(self, speaker: Speaker, scores: Array) -> Array:
        """The scores of the layer, `[nodes, V]`, as far as they may be said."""
        self.states = self.states or [speaker.constraint.behind(self.root, self.seat)]
        new = range(len(self.states) - 1, len(self.tokens))
        above = [self.states[self.parents[place]] for place in new]
        self.states += speaker.constraint.next(above, [self.tokens[place] for place in new])
        return speaker.constraint.restrict(scores, [self.states[node] for node in self.layer])

    def guess(self) -> Guess:
        return Guess(self.root.thread, tuple(self.tokens), self.laws or None, tuple(self.parents))

    def read_layer(self) -> Any:
        """Put the layer into the cache's level, each node below its parent."""
        first = len(self.read)
        parents = [self.read.get(self.parents[node - 1]) for node in self.layer]
        self.read |= {node: first + place for place, node in enumerate(self.layer)}
        return self.seat.grow([self.tokens[node - 1] for node in self.layer], parents)


def static_bushes(
    speaker: Speaker, roots: Paths, seats: Sequence[Seat], scores: Array, children: Sequence[int]
) -> Guesses:
    """`children[d]` different tokens below every node of layer d; drawn ones without replacement.

    `scores` `[threads, V]` are those behind the roots.
    """
    bushes = [_Bush(root, seat) for root, seat in zip(roots, seats, strict=True)]
    layers = [scores[place : place + 1] for place in range(len(bushes))]
    for depth, width in enumerate(children):
        if depth:
            layers = _read(speaker, bushes)
        for bush, layer in zip(bushes, layers, strict=True):
            _multiply(speaker, bush, layer, depth, width)
    return tuple(bush.guess() for bush in bushes)


def dynamic_bushes(
    speaker: Speaker, roots: Paths, seats: Sequence[Seat], scores: Array, shape: Dynamic, tokens: int
) -> Guesses:
    """On each of `tokens` layers the likeliest `shape.width` of all paths, of `shape.children` below every node.

    PipeDec section 3.2. A node that holds an end token is not continued.
    """
    bushes = [_Bush(root, seat) for root, seat in zip(roots, seats, strict=True)]
    growing, layers = bushes, [scores[place : place + 1] for place in range(len(bushes))]
    for depth in range(tokens):
        if depth:
            growing = [bush for bush in growing if bush.layer]
            layers = _read(speaker, growing)
        for bush, layer in zip(growing, layers, strict=True):
            _grow(speaker, bush, layer, shape)
    return tuple(bush.guess() for bush in bushes)


def _read(speaker: Speaker, bushes: list[_Bush]) -> list[Array]:
    """The scores behind every node of each bush's layer, `[nodes, V]`."""
    if not bushes:
        return []
    seats = tuple(bush.seat for bush in bushes)
    scores = speaker.machine.read(speaker.by, seats, lambda _, place: bushes[place].read_layer(), Wanted.ALL)
    assert scores is not None, "scores were wanted"
    return [scores.of(place) for place in range(len(bushes))]


def _multiply(speaker: Speaker, bush: _Bush, scores: Array, depth: int, width: int) -> None:
    """Put `width` children below every node of the layer, whose scores are `[nodes, V]`."""
    scores = bush.restricted(speaker, scores)
    keys = [speaker.key(bush.root, depth, index=place * width) for place in bush.places] if speaker.draws else []
    following, places = list[int](), list[int]()
    for node, place, siblings in zip(bush.layer, bush.places, speaker.siblings(scores, width, keys), strict=True):
        for rank, each in enumerate(siblings):
            following.append(bush.add(node, each.token, each.law))
            places.append(place * width + rank)
    bush.layer, bush.places = following, places


def _grow(speaker: Speaker, bush: _Bush, scores: Array, shape: Dynamic) -> None:
    """Put the best of one more layer into the bush. Which these are decides who reads next, so each layer is looked at."""
    scores = bush.restricted(speaker, scores)
    candidates: list[tuple[float, int, int]] = []
    probabilities = law(scores, Law())
    for node, row, ranked in zip(bush.layer, probabilities, speaker.ranked(scores, shape.children), strict=True):
        above = bush.likelihoods[node - 1] if node else 0.0
        for token, chance in zip(ranked.tolist(), row[ranked].tolist(), strict=True):
            if chance > 0:
                candidates.append((above + log(chance), node, token))
    best = sorted(candidates, key=lambda each: -each[0])[: shape.width]
    added = [bush.add(node, token, likelihood=likelihood) for likelihood, node, token in best]
    bush.layer = [node for node in added if bush.tokens[node - 1] not in speaker.network.eos_ids]
