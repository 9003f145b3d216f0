"""On which ranks of a pipeline a node runs: where its operands are needed, and where its results stand.

Caches and guesses stand where their model does; scores leave its last stage; everything else is made wherever all of its
operands are, which for what a step hands on is everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from .declarations import Ranks
from .nodes import (
    Advance,
    Commit,
    Draft,
    Grow,
    Lookup,
    Merge,
    Node,
    Prefill,
    Probe,
    Prune,
    Respell,
    Send,
    Spell,
    Verify,
    operands,
)
from .types import Flow, Hidden, Kv, Logits, Nothing, Path, Value

Places = Mapping[str, frozenset[int]]


def model_of(node: Node) -> str | None:
    """The model whose ranks a node runs on, if it is one's."""
    match node:
        case Prefill(by=by) | Draft(by=by) | Verify(by=by) | Advance(by=by) | Spell(by=by):
            return by
        case Grow(cache=cache) | Commit(cache=cache) | Probe(cache=cache) | Lookup(cache=cache) | Respell(cache=cache):
            return cache.type.model if isinstance(cache.type, Kv) else None
        case _:
            return None


def all_ranks(ranks: Mapping[str, Ranks]) -> frozenset[int]:
    """Every rank of a pipeline, from the first that holds a model to the last."""
    return frozenset(range(min(each.first for each in ranks.values()), max(each.last for each in ranks.values()) + 1))


def parameter_ranks(value: Value, ranks: Mapping[str, Ranks], everywhere: frozenset[int]) -> frozenset[int]:
    """The ranks on which a region's parameter stands: a cache with its model, all else everywhere."""
    kind = value.type
    return frozenset(ranks[kind.model]) if isinstance(kind, Kv) and kind.model in ranks else everywhere


def needed_ranks(node: Node, value: Value, ranks: Mapping[str, Ranks], everywhere: frozenset[int]) -> frozenset[int]:
    """The ranks on which a node needs an operand; none in particular, if it runs wherever its operands are."""
    if isinstance(node, Send):
        return frozenset({node.source})
    if isinstance(node, Prune | Merge):
        return everywhere if not isinstance(value.type, Flow) else frozenset()
    model = model_of(node)
    return frozenset(ranks[model]) if model is not None and model in ranks else frozenset()


def result_ranks(node: Node, ranks: Mapping[str, Ranks], places: Places, everywhere: frozenset[int]) -> Places:
    """The ranks on which each result of a node stands."""
    model = model_of(node)
    if isinstance(node, Send):
        sent = zip(node.values, node.results, strict=True)
        return {result.name: places[value.name] | frozenset(node.to) for value, result in sent}
    if model is None or model not in ranks:
        common = everywhere
        for value in operands(node):
            if not isinstance(value.type, Nothing):
                common &= places[value.name]
        return {value.name: common for value in node.results}
    mine = frozenset(ranks[model])
    last = frozenset({ranks[model].last})
    made: dict[str, frozenset[int]] = {}
    for value in node.results:
        scored = isinstance(value.type, Logits | Hidden)
        made[value.name] = last if scored else everywhere if isinstance(value.type, Path) else mine
    return made
