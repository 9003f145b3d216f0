"""Nodes that settle what is said: accept, stop, commit, and emit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from array_api_compat import array_namespace

from ....planner.graph import Sampling
from ...decoding import Array, ExactMatch, Key, Rejection, Rule, Typical, accept_chain, accept_tree, law
from ...decoding import Path as Accepted
from ...decoding import Sampling as Law
from ..ending import Ending
from ..network import Cache
from ..row import Row
from ..values import Path, Tree
from .drafting import proposals_of
from .machine import Machine, node

NEVER = 1 << 62
"""More tokens than any row has."""


@node
def accept(
    machine: Machine,
    tree: Tree,
    logits: Any,
    *,
    rule: Literal["exact_match", "rejection", "typical"],
    sampling: Sampling,
    epsilon: float | None = None,
    delta: float | None = None,
) -> Path:
    """Walk the tree as the target would, and end with its own token."""
    sampler = machine.sampler(sampling)
    if sampler.is_greedy:
        # Under a law that is all on one token every rule follows that token.
        accepted = _follow(tree, _likeliest(logits))
    else:
        key = Key(machine.row.key, tree.start + 1)
        chosen = _rule(rule, epsilon, delta)
        if tree.line is None or _sorts(sampler.law):
            laws = _LateLaws(logits, sampler.law)
            accepted = accept_tree(laws, proposals_of(tree), chosen, sampler.draws, key)
        else:
            p = law(logits, sampler.law)
            accepted = accept_chain(p, tree.line.tokens, tree.line.laws, chosen, sampler.draws, key)
    return Path(accepted.tokens, tree.start + 1, accepted.nodes, len(tree.parents))


@node
def stop(
    machine: Machine,
    path: Path,
    *,
    max_new_tokens: int,
    strings: tuple[str, ...] = (),
    token_ids: tuple[int, ...] = (),
    ignore_eos: bool = False,
) -> tuple[Path, bool]:
    """End a path at an end token, a stop string or token, the limit or the context's end; and has the row ended?"""
    row = machine.row
    if row.ending is None:
        ends = token_ids if ignore_eos else (*token_ids, *machine.target.eos_ids)
        row.ending = _ending(machine, row, ends, strings, max_new_tokens)
    kept, text = row.ending.cut(path.tokens, path.start)
    return replace(path, tokens=path.tokens[:kept], text=text), row.ending.reason is not None


@node
def commit(machine: Machine, cache: Cache, path: Path) -> Cache:
    """Keep the rows of the path, its last token unread, and drop the level."""
    first, kept = cache.slots.commit(path.tokens, path.start)
    if kept != tuple(range(first, first + len(kept))):
        cache.move(kept, first)
    return cache


def emit(machine: Machine, path: Path) -> None:
    """Show a path to the reader."""
    row = machine.row
    if path.text is not None:
        row.emit(path, path.text)
        return
    # A graph may show what it does not stop.
    row.ending = row.ending or _ending(machine, row, (), (), NEVER)
    row.emit(path, row.ending.cut(path.tokens, path.start)[1])


def _ending(machine: Machine, row: Row, ends: tuple[int, ...], strings: tuple[str, ...], max_new_tokens: int) -> Ending:
    network = machine.target
    assert row.context is not None, "a row has a context once the target has read its prompt"
    return Ending(
        network.text(continues=row.continues),
        network.stops(strings),
        ends=ends,
        max_new_tokens=max_new_tokens,
        context=row.context,
    )


class _LateLaws(Sequence[Array]):
    """The laws of rows of scores, each worked out when it is looked at: most drafts end before their last row."""

    def __init__(self, logits: Array, shape: Law) -> None:
        self._logits, self._shape = logits, shape

    def __len__(self) -> int:
        return int(self._logits.shape[0])

    def __getitem__(self, row: Any) -> Array:
        return law(self._logits[row], self._shape)


def _sorts(shape: Law) -> bool:
    """Does the law take a look at each row by itself, whose time is worth saving?"""
    return shape.top_k is not None or shape.top_p is not None


def _likeliest(logits: Array) -> list[int]:
    """The likeliest token of each row, in the precision in which laws are made: of equals the lowest."""
    xp = array_namespace(logits)
    scores = logits if logits.dtype == xp.float64 else xp.astype(logits, xp.float32)
    choices: list[int] = xp.argmax(scores, axis=-1).tolist()
    return choices


def _rule(rule: str, epsilon: float | None, delta: float | None) -> Rule:
    match rule:
        case "exact_match":
            return ExactMatch()
        case "rejection":
            return Rejection()
        case _:
            assert epsilon is not None and delta is not None, "typical acceptance has a floor"
            return Typical(epsilon, delta)


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
