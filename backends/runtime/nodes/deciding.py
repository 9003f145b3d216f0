"""Nodes that settle what is said: accept, stop, commit, and emit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from array_api_compat import array_namespace

from ....planner.graph import Sampling
from ...decoding import ExactMatch, Key, Rejection, Rule, Typical, accept_chain, accept_tree, law
from ...decoding import Path as Accepted
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
        choices = array_namespace(logits).argmax(logits, axis=-1).tolist()
        accepted = _follow(tree, choices)
    else:
        key = Key(machine.row.key, tree.start + 1)
        chosen = _rule(rule, epsilon, delta)
        p = law(logits, sampler.law)
        if tree.line is not None:
            accepted = accept_chain(p, tree.line.tokens, tree.line.laws, chosen, sampler.draws, key)
        else:
            accepted = accept_tree(p, proposals_of(tree), chosen, sampler.draws, key)
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
