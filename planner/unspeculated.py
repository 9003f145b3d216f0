"""The same decoding without speculation: what every other way to decode a target is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from .capabilities import Capabilities
from .compile import CompiledPlan, compile_source
from .graph import (
    Accept,
    Chain,
    Commit,
    Encode,
    Engine,
    Graph,
    Kv,
    Law,
    Node,
    Path,
    Prefill,
    Ref,
    Region,
    Rule,
    Size,
    Stop,
    Value,
    Verify,
    retype,
)

N = TypeVar("N", bound=Node)


def unspeculated(plan: CompiledPlan, backends: Mapping[str, Capabilities] | None = None) -> CompiledPlan:
    """A plan's target alone, one token a step: the same weights, prompts, sampling, limits, rows and engine.

    `backends` says what engines can run. Forks and stages go too: this is `autoregressive(target)`.
    """
    # The text of a graph is an input of the compiler, so this one takes the way of any graph that was written by hand.
    text = str(unspeculated_graph(plan.graph)).encode()
    return compile_source(text, plan.name, plan.base, engine=plan.engine, backends=backends)


def unspeculated_graph(graph: Graph) -> Graph:
    """The graph that `autoregressive(target)` is lowered to, with what this one says of target, sampling and limits."""
    accept = _node(graph.step, Accept)
    target = replace(graph.target, stages=None, layers=(), ranks=None)
    kept = {target.vocab, accept.sampling}
    declarations = tuple(
        target if each.name == target.name else each
        for each in graph.declarations
        if isinstance(each, Engine) or each.name in kept | {target.name}
    )
    start, cache = _start(graph), _cache(graph)
    return retype(Graph(graph.name, Law(("definition",)), declarations, start, _step(graph, accept, cache)))


def _start(graph: Graph) -> Region:
    read = tuple(
        node for node in graph.start.nodes if isinstance(node, Encode | Prefill) and node.by == graph.target.name
    )
    return replace(graph.start, nodes=read, yielded=read[-1].results)


def _step(graph: Graph, accept: Accept, kv: Kv) -> Region:
    """Read the root, draw from its law, go on with what was drawn."""
    fresh = Value("fresh", Path(Size.of(1), rows=Size.of(kv.rows)))
    cache, tree, scores, held = Value("cache", kv), Value("tree"), Value("scores"), Value("held")
    path, said, done, kept = Value("path"), Value("said"), Value("done"), Value("kept")
    nodes = (
        Chain(results=(tree,), fresh=fresh),
        Verify(results=(scores, held), tree=tree, cache=cache, by=Ref(kv.model)),
        Accept(results=(path,), tree=tree, logits=scores, rule=Rule.EXACT_MATCH, sampling=accept.sampling),
        replace(_node(graph.step, Stop), results=(said, done), path=path, threads=None),
        Commit(results=(kept,), cache=held, path=said),
    )
    return Region(
        name="step", parameters=(fresh, cache), nodes=nodes, yielded=(said, kept), emitted=(said,), until=done
    )


def _cache(graph: Graph) -> Kv:
    """The target's cache as a step finds it: its room, and how many rows are decoded together."""
    kinds = (parameter.type for parameter in graph.step.parameters)
    return next(kind for kind in kinds if isinstance(kind, Kv) and kind.model == graph.target.name)


def _node(region: Region, kind: type[N]) -> N:
    return next(node for node in region.nodes if isinstance(node, kind))
