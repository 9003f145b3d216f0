"""Leave away what nothing depends on: drafters that were not chosen, and all that they carry from step to step.

Before:
    step(fresh: path[1..6], cache: kv[target, 2048], memory: kv[drafter, 2048])
      guess, learned = draft(fresh, memory) by=drafter, tokens=0, masks=0 : guess[0], kv[drafter, 2048]
      guess.2 = lookup(fresh, cache) by=recent, tokens=5 : guess[0..5]
      ...
      yield said, kept, learned until done
After:
    step(fresh: path[1..6], cache: kv[target, 2048])
      guess.2 = lookup(fresh, cache) by=recent, tokens=5 : guess[0..5]
      ...
      yield said, kept until done

What is emitted depends on what it is made of, and on what keeps that up to date for the next step. A model goes with its
last node, and so does every declaration. A drafter that may be chosen at run time has to read along, and stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ..graph import Declaration, Engine, Graph, Kv, Node, Ref, Region, Repeat, Value, operands, parts


def drop_unused(graph: Graph) -> Graph:
    """The graph without what nothing depends on."""
    step, kept = _shrunk(graph.step)
    yielded = tuple(value for value, keep in zip(graph.start.yielded, kept, strict=True) if keep)
    start = replace(graph.start, yielded=yielded)
    needed = _needed(start, {}, loops=False)
    start = replace(start, nodes=tuple(node for node in start.nodes if _is_needed(node, needed)))
    made = replace(graph, start=start, step=step)
    named = _named(made)
    return replace(
        made, declarations=tuple(each for each in graph.declarations if each.name in named or isinstance(each, Engine))
    )


@dataclass(frozen=True, slots=True)
class _Loop:
    """A repeat without what its region does not need; `operands` are the values that it still takes."""

    node: Repeat
    operands: tuple[Value, ...]


def _shrunk(region: Region) -> tuple[Region, tuple[bool, ...]]:
    """The region without what it does not need, and which of its parameters it needs."""
    loops = {id(node): _loop(node) for node in region.nodes if isinstance(node, Repeat)}
    needed = _needed(region, loops, loops=True)
    kept = tuple(value.name in needed for value in region.parameters)
    nodes: list[Node] = []
    for node in region.nodes:
        if _is_needed(node, needed):
            loop = loops.get(id(node))
            nodes.append(node if loop is None else loop.node)
    return (
        replace(
            region,
            parameters=tuple(value for value, keep in zip(region.parameters, kept, strict=True) if keep),
            nodes=tuple(nodes),
            yielded=tuple(value for value, keep in zip(region.yielded, kept, strict=True) if keep),
        ),
        kept,
    )


def _loop(node: Repeat) -> _Loop:
    step, kept = _shrunk(node.regions[0])
    initial = tuple(value for value, keep in zip(node.initial, kept, strict=True) if keep)
    guess, *caches = node.results
    keeps = [keep for value, keep in zip(node.initial, kept, strict=True) if isinstance(value.type, Kv)]
    results = (guess, *(value for value, keep in zip(caches, keeps, strict=True) if keep))
    made = replace(node, results=results, initial=initial, regions=(step,))
    return _Loop(made, tuple(operands(made)))


def _needed(region: Region, repeats: Mapping[int, _Loop], *, loops: bool) -> set[str]:
    """The names of the values that what the region shows and hands on depends on.

    A region that loops needs of what it yields only that for which its next run has a use.
    """
    needed = {value.name for value in (*region.emitted, *((region.until,) if region.until else ()))}
    if not loops:
        needed |= {value.name for value in region.yielded}
    while True:
        before = len(needed)
        for node in reversed(region.nodes):
            if _is_needed(node, needed):
                loop = repeats.get(id(node))
                needed |= {value.name for value in (operands(node) if loop is None else loop.operands)}
        if loops:
            handed = zip(region.parameters, region.yielded, strict=True)
            needed |= {value.name for parameter, value in handed if parameter.name in needed}
        if len(needed) == before:
            return needed


def _is_needed(node: Node, needed: Collection[str]) -> bool:
    return any(value.name in needed for value in node.results)


def _named(graph: Graph) -> set[str]:
    """The declarations that nodes name, directly or through others."""
    named = {ref for node in graph.nodes() for ref in _refs(node)}
    named.add(graph.target.name)
    while True:
        more = {ref for each in graph.declarations if each.name in named for ref in _refs(each)}
        if more <= named:
            return named
        named |= more


def _refs(item: Node | Declaration) -> set[str]:
    values = (getattr(item, part.name) for part in parts(type(item)) if Ref in part.kinds)
    return {value for value in values if isinstance(value, str)}
