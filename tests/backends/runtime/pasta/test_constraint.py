"""What holds a model to its tags says the same wherever its tokens lie, and nothing that the automaton does not."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from specplan.backends.decoding import LateToken
from specplan.backends.runtime import Prompt, Row, Scores
from specplan.backends.runtime.nodes.constraint import Constraint, DeviceConstraint, HostConstraint, Unconstrained
from specplan.backends.runtime.pasta import Automaton
from specplan.backends.runtime.thread import Thread
from specplan.backends.runtime.values import Path, Tree

PATHS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 2), (0, 2, 3))
"""The nodes on the way to each node of the tree."""


@pytest.fixture(scope="module")
def automaton(toy: Any) -> Automaton:
    return Automaton(toy.vocabulary)


def planted(toy: Any) -> Tree:
    said, nodes = toy.spell("PROMISE a"), toy.spell("TOKENS b 1 END")
    return Tree(Path(Thread(Row(Prompt(1, ""))), tuple(said), 0), (said[-1], *nodes), (0, 0, 1, 3))


def allowed(automaton: Automaton, state: int) -> list[bool]:
    may: list[bool] = automaton.allowed[state][automaton.classes].tolist()
    return may


@pytest.mark.parametrize("kind", [HostConstraint, DeviceConstraint])
def test_the_states_of_a_draft_tree(toy: Any, automaton: Automaton, kind: type[HostConstraint]) -> None:
    tree = planted(toy)
    root = automaton.walk(automaton.MAIN, tree.fresh.tokens)
    states = kind(automaton).tree(root, tree)
    assert states == [automaton.walk(root, [tree.tokens[1 + node] for node in path]) for path in PATHS]
    assert states[-1] == automaton.MAIN


@pytest.mark.parametrize("kind", [HostConstraint, DeviceConstraint])
def test_a_tree_is_restricted_node_by_node(toy: Any, automaton: Automaton, kind: type[HostConstraint]) -> None:
    tree, size = planted(toy), len(automaton.classes)
    states = kind(automaton).tree(automaton.walk(automaton.MAIN, tree.fresh.tokens), tree)
    scores = Scores.of_rows(numpy.zeros((2, len(states), size)), [1, len(states)])
    left = kind(automaton).restrict_trees(scores, [[automaton.FORK], states])
    assert (left.of(0) == 0).tolist() == [allowed(automaton, automaton.FORK)]
    assert (left.of(1) == 0).tolist() == [allowed(automaton, state) for state in states]
    assert numpy.isneginf(left.padded[left.padded != 0]).all()


def test_tokens_that_nobody_has_looked_at(toy: Any, automaton: Automaton) -> None:
    constraint, states = DeviceConstraint(automaton), [automaton.MAIN, automaton.FORK, automaton.MAIN]
    tokens = toy.spell("PROMISE a SYNC")
    late = [LateToken(numpy.asarray(tokens[0])), *tokens[1:]]
    behind = constraint.next(states, late)
    assert [int(state) for state in behind] == HostConstraint(automaton).next(states, tokens)
    scores = constraint.restrict(numpy.zeros((3, len(automaton.classes))), behind)
    assert (scores == 0).tolist() == [allowed(automaton, int(state)) for state in behind]


def test_without_tags_all_may_come(toy: Any) -> None:
    constraint: Constraint = Unconstrained()
    scores = Scores.of_rows(numpy.zeros((1, 5, 7)), [5])
    assert constraint.restrict_trees(scores, [constraint.tree(None, planted(toy))]) is scores
    assert constraint.next([None, None], [1, 2]) == [None, None]
