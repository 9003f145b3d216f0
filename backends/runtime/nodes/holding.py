"""What may come next where threads fork: the automaton of PASTA-LANG, on the scores of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

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
"""A state of the automaton: a number, or an array without axes."""


class Free:
    """Holds nothing back: where no thread forks, anything may come."""

    def behind(self, path: Path, seat: Seat) -> State:
        """The state of a thread behind a path; what comes before that has been read."""
        return None

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """The states behind further tokens, one for each."""
        return [None] * len(states)

    def hold(self, scores: Array, states: Sequence[State]) -> Array:
        """Scores `[n, V]` without what may not come behind each of n states."""
        return scores

    def tree(self, root: State, tree: Tree) -> Sequence[State]:
        """The states behind a tree's root and behind each of its nodes."""
        return ()

    def restrict(self, scores: Scores, states: Sequence[Sequence[State]]) -> Scores:
        """Scores without what may not come; `states` are those behind each thread's tokens."""
        return scores


class Held(Free):
    """Holds a model back where the host knows its tokens: a handful of scores are taken away from each law."""

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton

    def behind(self, path: Path, seat: Seat) -> State:
        """A number."""
        read = map(int, seat.tokens(max(0, path.start - LOOK_BACK), path.start))
        return self._automaton.behind([*read, *path.tokens], is_fork=path.thread.number > 0)

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """Numbers."""
        return [self._automaton.next(state, int(token)) for state, token in zip(states, tokens, strict=True)]

    def hold(self, scores: Array, states: Sequence[State]) -> Array:
        """In place."""
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

    def restrict(self, scores: Scores, states: Sequence[Sequence[State]]) -> Scores:
        """Those of all threads at once."""
        rows, width, size = scores.padded.shape
        every = [Automaton.ANYTHING] * (rows * width)
        for (row, first, end), each in zip(scores.spans, states, strict=True):
            every[row * width + first : row * width + end] = each
        xp = array_namespace(scores.padded)
        held = self.hold(xp.reshape(scores.padded, (-1, size)), every)
        return replace(scores, padded=xp.reshape(held, (rows, width, size)))


class LateHeld(Held):
    """Holds a model back where tokens lie on a device, and nobody has looked at them: states and masks are looked up there."""

    _tables: tuple[Array, Array, Array] | None = None

    def next(self, states: Sequence[State], tokens: Sequence[Any]) -> list[State]:
        """Arrays without axes, unless all tokens are known."""
        like = next((each.array for each in tokens if isinstance(each, LateToken)), None)
        if like is None:
            return super().next(states, tokens)
        classes, _, following = self._lookups(like)
        ids = [each.array if isinstance(each, LateToken) else each for each in tokens]
        found = following[_stacked(states, like), classes[_stacked(ids, like)]]
        return [found[place] for place in range(len(states))]

    def hold(self, scores: Array, states: Sequence[State]) -> Array:
        """A copy."""
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


def holding(machine: Machine, model: Model, tags: Tags | None) -> Free:
    """What holds a model back, where there are tags."""
    if tags is None:
        return Free()
    automaton = machine.automaton(model, tags)
    return Held(automaton) if machine.network(model).looks_are_free else LateHeld(automaton)


def _stacked(numbers: Sequence[Any], like: Array) -> Array:
    """Numbers and arrays without axes as an array `[n]` where others lie."""
    xp = array_namespace(like)
    if all(isinstance(each, int) for each in numbers):
        return send([*numbers], like, xp.int64)
    return xp.stack([send([each], like, xp.int64)[0] if isinstance(each, int) else each for each in numbers])
