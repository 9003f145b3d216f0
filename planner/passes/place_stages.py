"""Give every model its ranks, and send values to the ranks where they are needed.

Before:
    model target = "llama-3.1-70b-instruct" ..., stages=4
    model drafter = "llama-3.2-1b-instruct" ...
    ...
    said, done = stop(path) max_new_tokens=256 : path[0..1], done
After:
    model target = "llama-3.1-70b-instruct" ..., stages=4, ranks=1..4
    model drafter = "llama-3.2-1b-instruct" ..., ranks=0
    ...
    said, done = stop(path) max_new_tokens=256 : path[0..1], done
    told, over = send(said, done) from=4, to=0..3 : path[0..1], done

Drafters stand on rank 0 and the target's stages behind it; without a drafter the stages begin at rank 0. Scores leave the
last stage, so what is accepted there has to be told to all others. A graph without stages is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..graph import (
    Declaration,
    Flow,
    Graph,
    Kv,
    Model,
    Node,
    Ranks,
    Region,
    Send,
    Value,
    all_ranks,
    free_name,
    needed_ranks,
    operands,
    parameter_ranks,
    renamed_region_end,
    result_ranks,
    retype,
    value_names,
    with_operands,
)

_TOLD = {"said": "told", "done": "over", "grown": "wide", "tree": "spread"}
"""What a sent value is called on the other side."""


def place_stages(graph: Graph) -> Graph:
    """The graph on ranks."""
    if not any(model.stages and model.ranks is None for model in graph.all(Model)):
        return graph
    declarations = tuple(_placed(graph.declarations))
    ranks = {each.name: each.ranks for each in declarations if isinstance(each, Model) and each.ranks is not None}
    step = _sending(graph.step, ranks)
    return retype(replace(graph, declarations=declarations, step=step))


def _placed(declarations: tuple[Declaration, ...]) -> Iterator[Declaration]:
    models = [each for each in declarations if isinstance(each, Model)]
    first = 1 if any(not model.stages for model in models) else 0
    for each in declarations:
        if isinstance(each, Model):
            yield replace(each, ranks=Ranks(first, first + each.stages - 1) if each.stages else Ranks(0, 0))
        else:
            yield each


def _sending(region: Region, ranks: Mapping[str, Ranks]) -> Region:
    everywhere = all_ranks(ranks)
    places = {value.name: parameter_ranks(value, ranks, everywhere) for value in region.parameters}
    names: dict[str, str] = {}
    taken = value_names(region)
    nodes: list[Node] = []
    for index, node in enumerate(region.nodes):
        node = with_operands(node, names)
        nodes.append(node)
        places |= result_ranks(node, ranks, places, everywhere)
        rest = [with_operands(later, names) for later in region.nodes[index + 1 :]]
        wanted = {
            value: needs - places[value.name]
            for value in node.results
            if (needs := _needs(value, rest, region, names, ranks, everywhere)) - places[value.name]
        }
        if wanted:
            send = replace(_send(wanted, places, taken), span=node.span)
            nodes.append(send)
            for value, sent in zip(send.values, send.results, strict=True):
                names[value.name] = sent.name
                places[sent.name] = places[value.name] | frozenset(send.to)
    return replace(renamed_region_end(region, names), nodes=tuple(nodes))


def _needs(value: Value, later: list[Node], region: Region, names: Mapping[str, str], ranks: Mapping[str, Ranks],
           everywhere: frozenset[int]) -> frozenset[int]:  # fmt: skip
    """The ranks on which a value is needed by those who use it."""
    needs: frozenset[int] = frozenset()
    for node in later:
        if any(operand.name == value.name for operand in operands(node)) and not isinstance(value.type, Kv):
            needs |= needed_ranks(node, value, ranks, everywhere)
    ends = [names.get(each.name, each.name) for each in (*region.yielded, *((region.until,) if region.until else ()))]
    if value.name in ends and not isinstance(value.type, Kv | Flow):
        needs |= everywhere
    return needs


def _send(wanted: Mapping[Value, frozenset[int]], places: Mapping[str, frozenset[int]], taken: set[str]) -> Send:
    """One send for all results of a node: from the rank that has them to the span of those that lack them."""
    source = max(min(places[value.name], default=0) for value in wanted)
    missing = frozenset().union(*wanted.values())
    results = []
    for value in wanted:
        name = free_name(_TOLD.get(value.name.split(".")[0], value.name), taken)
        taken.add(name)
        results.append(Value(name, value.type))
    return Send(results=tuple(results), values=tuple(wanted), source=source, to=Ranks(min(missing), max(missing)))
