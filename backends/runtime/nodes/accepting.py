"""The node that walks draft trees as the target would: accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from array_api_compat import array_namespace

from ....planner.graph import Sampling, Table
from ...decoding import (
    Array,
    ExactMatch,
    Key,
    Rejection,
    Rule,
    Typical,
    accept_ahead,
    accept_chain,
    accept_tree,
    fetch,
    law,
    likeliest_token,
    restrict_logits,
)
from ...decoding import Path as Accepted
from ...decoding import Sampling as Law
from ..network import Scores
from ..values import Path, Paths, Tree, Trees
from .late_laws import LateLaws
from .machine import Machine, Sampler, node
from .shaping import proposals_of


@node
def accept(
    machine: Machine,
    trees: Trees,
    scores: Scores,
    *,
    rule: Literal["exact_match", "rejection", "typical"],
    sampling: Sampling,
    within: Table | None = None,
    epsilon: float | None = None,
    delta: float | None = None,
) -> Paths:
    """Walk each thread's tree as the target would, and end with the target's own token.

    Of the target's law only the words of a table count, where there is one `within` which this decoder drafts. All that
    the host learns of a step it learns here, in one look at the device.
    """
    sampler = machine.sampler(sampling)
    judge = _Judge(sampler, _rule(rule, epsilon, delta), _allowed(machine, within, scores))
    if sampler.is_greedy:
        # Under a law that is all on one token every rule follows that token.
        accepted = _follow_all(trees, scores, judge.allowed)
    else:
        keys = [machine.key(tree.thread, tree.fresh.next_position) for tree in trees]
        walk = _walk_all if machine.target.looks_are_free else _walk_ahead
        accepted = walk(trees, scores, judge, keys)
    return tuple(
        _path(tree, scores.of(at), found, judge) for at, (tree, found) in enumerate(zip(trees, accepted, strict=True))
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """By which law and which rule a tree is walked."""

    sampler: Sampler
    rule: Rule
    allowed: Array | None
    """Booleans `[V]`; None for all."""

    def laws(self, scores: Array, rows: Sequence[int] | None = None) -> LateLaws:
        """The target's laws, one by one."""
        return LateLaws(scores, self.sampler.law, rows, self.allowed)

    def law(self, scores: Array) -> Array:
        """All of them at once."""
        return law(scores, self.sampler.law, self.allowed)


def _allowed(machine: Machine, within: Table | None, scores: Scores) -> Array | None:
    return None if within is None else machine.bridge(within).allowed(scores.padded)


def _path(tree: Tree, scores: Array, accepted: Accepted, judge: _Judge) -> Path:
    laws = None if judge.sampler.is_greedy else judge.laws(scores, (0, *accepted.nodes))
    return tree.fresh.follow(accepted.tokens, nodes=accepted.nodes, drafted=len(tree.parents), laws=laws)


def _follow_all(trees: Trees, scores: Scores, allowed: Array | None) -> list[Accepted]:
    """The likeliest token of every node, of equals the lowest, and where that leads."""
    choices = likeliest_token(scores.padded if allowed is None else restrict_logits(scores.padded, allowed))
    (flat,) = fetch([choices], [token for tree in trees for token in tree.tokens])
    width = choices.shape[1]
    threads = (flat[row * width + first : row * width + end] for row, first, end in scores.spans)
    return [_follow(tree, list(map(int, each))) for tree, each in zip(trees, threads, strict=True)]


def _follow(tree: Tree, choices: list[int]) -> Accepted:
    """From the root on, the child that carries the target's choice."""
    children = {(parent, tree.tokens[node]): node for node, parent in enumerate(tree.parents, 1)}
    here, nodes, tokens = 0, list[int](), list[int]()
    while True:
        tokens.append(choices[here])
        child = children.get((here, choices[here]))
        if child is None:
            return Accepted(tuple(nodes), tuple(tokens))
        nodes.append(child)
        here = child


def _walk_all(trees: Trees, scores: Scores, judge: _Judge, keys: list[Key]) -> list[Accepted]:
    """Row by row, looking at each number when it is needed: most drafts end before their last node."""
    return [_walk(tree, scores.of(at), judge, keys[at]) for at, tree in enumerate(trees)]


def _walk(tree: Tree, scores: Array, judge: _Judge, key: Key) -> Accepted:
    draws = judge.sampler.draws
    if tree.line is None or _sorts(judge.sampler.law):
        return accept_tree(judge.laws(scores), proposals_of(tree), judge.rule, draws, key)
    q = None if tree.line.laws is None else array_namespace(scores).stack(list(tree.line.laws))
    return accept_chain(judge.law(scores), tree.line.tokens, q, judge.rule, draws, key)


def _walk_ahead(trees: Trees, scores: Scores, judge: _Judge, keys: list[Key]) -> list[Accepted]:
    """Everything that any outcome needs is worked out on the device, and looked at once for all rows."""
    waiting = [
        accept_ahead(judge.law(scores.of(at)), proposals_of(tree), judge.rule, judge.sampler.draws, keys[at])
        for at, tree in enumerate(trees)
    ]
    arrays = [array for each in waiting for array in each.arrays]
    numbers = iter(fetch(arrays, [token for tree in trees for token in tree.tokens]))
    return [each.walk([next(numbers) for _ in each.arrays]) for each in waiting]


def _sorts(shape: Law) -> bool:
    """Does the law take a look at each row by itself, whose time is worth saving?"""
    return shape.top_k is not None or shape.top_p is not None


def _rule(rule: str, epsilon: float | None, delta: float | None) -> Rule:
    match rule:
        case "exact_match":
            return ExactMatch()
        case "rejection":
            return Rejection()
        case _:
            assert epsilon is not None and delta is not None, "typical acceptance has a floor"
            return Typical(epsilon, delta)
