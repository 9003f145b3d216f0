"""What may come next where threads fork: the automaton of PASTA-LANG, on the scores of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from array_api_compat import array_namespace

from ....planner.graph import Model, Tags
from ...decoding import Array, LateToken, restrict_logits, send
from ..network import Scores
from ..pasta import Automaton
from ..seats import Seat
from ..values import Path, Tree
from .machine import Machine

LOOK_BACK = 64
"""More tokens than any promise has."""

State: TypeAlias = Any
"""All that what may come next in a thread depends on: a number, or an array without axes where tokens lie on a device."""


class Constraint(Protocol):
    """What may come next in the threads of a model."""

    def behind(self, path: Path, seat: Seat) -> State:
        """The state of a thread behind a path; what comes before the path has been read."""

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """The states behind further tokens, one behind each state."""

    def restrict(self, scores: Array, states: Sequence[State]) -> Array:
        """Scores `[n, V]`, minus infinity for what may not come behind each of n states; those given may be overwritten."""

    def tree(self, root: State, tree: Tree) -> Sequence[State]:
        """The states behind a tree's root, which is given, and behind each of its nodes; for `restrict_trees` alone."""

    def restrict_trees(self, scores: Scores, states: Sequence[Sequence[State]]) -> Scores:
        """The same of the scores of whole trees; `states` are what `tree` gives for each."""


class Unconstrained:
    """The `Constraint` of models whose threads cannot fork: there is none, and no state."""

    def behind(self, path: Path, seat: Seat) -> State:
        """None."""
        return None

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """None behind each."""
        return [None] * len(states)

    def restrict(self, scores: Array, states: Sequence[State]) -> Array:
        """As they are."""
        return scores

    def tree(self, root: State, tree: Tree) -> Sequence[State]:
        """Nothing: there are no states to ask for."""
        return ()

    def restrict_trees(self, scores: Scores, states: Sequence[Sequence[State]]) -> Scores:
        """As they are."""
        return scores


class HostConstraint:
    """The `Constraint` where the host knows all tokens: states are numbers, and a handful of scores are overwritten."""

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton

    def behind(self, path: Path, seat: Seat) -> State:
        """Found by the last tag that the thread sees."""
        read = map(int, seat.tokens(max(0, path.start - LOOK_BACK), path.start))
        return self._automaton.behind([*read, *path.tokens], is_fork=path.thread.number > 0)

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """Looked up one by one."""
        return [self._automaton.next(state, int(token)) for state, token in zip(states, tokens, strict=True)]

    def restrict(self, scores: Array, states: Sequence[State]) -> Array:
        """In place, state by state: few of a law's scores are touched."""
        xp = array_namespace(scores)
        for state in set(states):
            rows = [place for place, each in enumerate(states) if each == state]
            barred = xp.asarray(self._automaton.barred(state))
            scores[xp.asarray(rows)[:, None], barred] = -float("inf")
        return scores

    def tree(self, root: State, tree: Tree) -> Sequence[State]:
        """Layer by layer."""
        states = {0: root}
        layer = [0]
        while layer:
            layer = [node for node, parent in enumerate(tree.parents, 1) if parent in layer]
            above = [states[tree.parents[node - 1]] for node in layer]
            states |= zip(layer, self.next(above, [tree.tokens[node] for node in layer]), strict=True)
        return [states[node] for node in range(len(states))]

    def restrict_trees(self, scores: Scores, states: Sequence[Sequence[State]]) -> Scores:
        """All at once; what fills rows up may be anything."""
        rows, width, size = scores.padded.shape
        every = [Automaton.ANYTHING] * (rows * width)
        for (row, first, end), each in zip(scores.spans, states, strict=True):
            every[row * width + first : row * width + end] = each
        xp = array_namespace(scores.padded)
        left = self.restrict(xp.reshape(scores.padded, (-1, size)), every)
        return replace(scores, padded=xp.reshape(left, (rows, width, size)))


class DeviceConstraint(HostConstraint):
    """The `Constraint` where a device has tokens that nobody has looked at: states and masks are looked up there."""

    _tables: tuple[Array, Array, Array] | None = None

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """On the device, unless all tokens are known."""
        like = next((each.array for each in tokens if isinstance(each, LateToken)), None)
        if like is None:
            return super().next(states, tokens)
        classes, _, following = self._lookups(like)
        ids = [each.array if isinstance(each, LateToken) else each for each in tokens]
        found = following[_stacked(states, like), classes[_stacked(ids, like)]]
        return [found[place] for place in range(len(states))]

    def restrict(self, scores: Array, states: Sequence[State]) -> Array:
        """In a copy."""
        classes, allowed, _ = self._lookups(scores)
        return restrict_logits(scores, allowed[_stacked(states, scores)][:, classes])

    def _lookups(self, like: Array) -> tuple[Array, Array, Array]:
        if self._tables is None:
            xp, tables = array_namespace(like), self._automaton
            self._tables = (
                send(tables.classes.tolist(), like, xp.int64),
                send(tables.allowed.tolist(), like, xp.bool),
                send(tables.following.tolist(), like, xp.int64),
            )
        return self._tables


def constraint_of(machine: Machine, model: Model, tags: Tags | None) -> Constraint:
    """What may come next in the threads of a model: where there are tags, not everything."""
    if tags is None:
        return Unconstrained()
    automaton = machine.automaton(model, tags)
    return HostConstraint(automaton) if machine.network(model).looks_are_free else DeviceConstraint(automaton)


def _stacked(numbers: Sequence[Any], like: Array) -> Array:
    """Numbers and arrays without axes as an array `[n]` where others lie."""
    xp = array_namespace(like)
    if all(isinstance(each, int) for each in numbers):
        return send([*numbers], like, xp.int64)
    return xp.stack([send([each], like, xp.int64)[0] if isinstance(each, int) else each for each in numbers])
