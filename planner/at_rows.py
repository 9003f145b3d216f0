"""A step as it is while so many rows are active: sizes for that many, and the case that they choose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .graph import Choose, Graph, Region, Size, Threads, Tree, Type, Value, inner_regions, with_types


def row_counts(graph: Graph) -> tuple[int, ...]:
    """The numbers of active rows, or threads, that the graph has cases for; the largest comes last."""
    counts = {1, most_rows(graph)}
    for node in graph.step.nodes:
        for value in node.results:
            rows = getattr(value.type, "rows", None)
            if isinstance(rows, Size):
                counts |= {case.high for case in rows.cases if case.high is not None}
    return tuple(sorted(count for count in counts if count > 0))


def most_rows(graph: Graph) -> int:
    """The rows, or threads, that a step has places for."""
    sizes = [getattr(value.type, "rows", None) for value in graph.step.parameters]
    return max((size.limit for size in sizes if isinstance(size, Size)), default=1)


def has_threads(graph: Graph) -> bool:
    """Are the rows threads of one request?"""
    return any(isinstance(value.type, Threads) for value in graph.step.parameters)


def at_rows(region: Region, rows: int) -> Region:
    """The region with sizes for so many rows; a choice between cases keeps the region that they take."""
    types: dict[str, Type] = {value.name: _sized(value.type, rows) for value in region.parameters}
    nodes = []
    for node in region.nodes:
        if isinstance(node, Choose) and node.cases is not None:
            node, chosen = _taken(node, rows)
            types |= chosen
        elif inner := inner_regions(node):
            changed: dict[str, Any] = {"regions": tuple(at_rows(each, rows) for each in inner)}
            node = replace(node, **changed)
        types |= {value.name: types.get(value.name, _sized(value.type, rows)) for value in node.results}
        results = tuple(Value(value.name, types[value.name]) for value in node.results)
        nodes.append(replace(with_types(node, types), results=results))
    return replace(region, nodes=tuple(nodes))


def case_of(node: Choose, rows: int) -> int:
    """Which region of a choice with cases is run for so many rows."""
    assert node.cases is not None, "only a decided choice has cases"
    fitting = (index for index, case in enumerate(node.cases.cases) if case.high is not None and rows <= case.high)
    return next(fitting, len(node.regions) - 1)


def _taken(node: Choose, rows: int) -> tuple[Choose, dict[str, Type]]:
    region = at_rows(node.regions[case_of(node, rows)], rows)
    # What the region yields is narrower than what all of them may: a tree of fewer nodes, say.
    made = {value.name: value.type for each in region.nodes for value in each.results}
    made |= {value.name: value.type for value in region.parameters}
    narrower = {
        result.name: made[inner.name]
        for result, inner in zip(node.results, region.yielded, strict=True)
        if isinstance(made.get(inner.name), Tree)
    }
    return replace(node, regions=(region,), cases=None), narrower


def _sized(kind: Type, rows: int) -> Type:
    changed: dict[str, Any] = {"rows": Size.of(rows)}
    return replace(kind, **changed) if isinstance(getattr(kind, "rows", None), Size) else kind
