"""Let prompt tokens ride in the pass that verifies, instead of asking them in a pass of their own.

Before:
    hints = probe(fresh, cache) by=probes : guess[3, top=10]
    tree = spread(fresh, hints) by=trees : tree[1+34, depth=3]
    scores, held = verify(tree, cache) by=target : logits[35], kv[target, 2048+35]
    ...
    kept = commit(held, said) : kv[target, 2048]
    yield said, kept until done
After:
    tree = spread(fresh, hints) by=trees : tree[1+0|10|33|34, depth=0|1|2|3]
    scores, held, answers = verify(tree, cache) by=target, asks=trees : logits[1|11|34|35], ..., hidden[target, 3|33|75|74]
    ...
    kept = commit(held, said) : kv[target, 2048]
    next = read(answers, said) by=probes : guess[0|1|2|3, top=10]
    yield said, kept, next until done

The hints go round the loop, and there are as many levels of them as prompts stood behind the node where the path ended.
A tree that is merged with another's guesses, or one of several that are chosen from, keeps its own pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..graph import (
    NONE,
    Commit,
    Graph,
    Guess,
    Node,
    Probe,
    Prompts,
    Read,
    Region,
    Repeat,
    Size,
    Spread,
    Value,
    Verify,
    free_name,
    retype,
    value_names,
)


def fuse_prompts(graph: Graph) -> Graph:
    """The graph with every probe folded into the verification that it feeds."""
    if not any(isinstance(node, Probe) for node in graph.nodes()):
        return graph
    step, seeds = _region(graph.step, graph)
    start = replace(graph.start, yielded=(*graph.start.yielded, *[NONE] * seeds))
    return retype(replace(graph, start=start, step=step))


def _region(region: Region, graph: Graph) -> tuple[Region, int]:
    """The region with its probes fused, and how many more parameters it has."""
    nodes = tuple(_inside(node, graph) for node in region.nodes)
    region = replace(region, nodes=nodes)
    found = _fusible(nodes)
    if found is None:
        return region, 0
    probe, spread, verify, commit = found
    prompts = graph.named(probe.by, Prompts)
    taken = value_names(region)
    hints = Value(probe.results[0].name, _hints(probe, prompts))
    answers = Value(free_name("answers", taken))
    after = Value(free_name("next", taken))
    read = Read(results=(after,), answers=answers, path=commit.path, trust=probe.trust, by=probe.by, span=probe.span)
    changed: list[Node] = []
    for node in nodes:
        if node is verify:
            changed.append(replace(verify, results=(*verify.results, answers), asks=spread.by))
        elif node is not probe:
            changed.append(node)
        if node is commit:
            changed.append(read)
    return (
        replace(region, parameters=(*region.parameters, hints), nodes=tuple(changed), yielded=(*region.yielded, after)),
        1,
    )


def _inside(node: Node, graph: Graph) -> Node:
    """A repeat's own step is fused too; what its loop needs to begin with is nothing."""
    if not isinstance(node, Repeat):
        return node
    inner, seeds = _region(node.regions[0], graph)
    return replace(node, regions=(inner,), initial=(*node.initial, *[NONE] * seeds))


def _hints(probe: Probe, prompts: Prompts) -> Guess:
    rows = getattr(probe.source.type, "rows", Size.of(1))
    return Guess(Size.of(0, prompts.depth), top=prompts.top, rows=rows)


def _fusible(nodes: Sequence[Node]) -> tuple[Probe, Spread, Verify, Commit] | None:
    """A probe whose only tree is verified by the ridden model and then committed."""
    for probe in (node for node in nodes if isinstance(node, Probe)):
        hints = probe.results[0].name
        spread = next((n for n in nodes if isinstance(n, Spread) and n.guess.name == hints), None)
        tree = None if spread is None else spread.results[0].name
        verify = next((n for n in nodes if isinstance(n, Verify) and n.tree.name == tree), None)
        held = None if verify is None else verify.results[1].name
        commit = next((n for n in nodes if isinstance(n, Commit) and n.cache.name == held), None)
        if spread is not None and verify is not None and commit is not None:
            return probe, spread, verify, commit
    return None
