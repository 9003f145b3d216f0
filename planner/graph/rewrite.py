"""Small changes to graphs: other names for values, nodes in other places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .graph import Graph
from .nodes import Node, Region
from .printing import parts
from .types import Type, Value


def map_operands(node: Node, change: Callable[[Value], Value]) -> Node:
    """The node with each of its operands changed, and nothing else."""
    changed: dict[str, Any] = {}
    for part in parts(type(node)):
        value = getattr(node, part.name)
        if part.is_operand and isinstance(value, Value):
            changed[part.name] = change(value)
        elif part.is_operand and isinstance(value, tuple):
            changed[part.name] = tuple(change(item) for item in value)
    return replace(node, **changed)


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """The node with its operands, and its results, called otherwise. Regions see only their parameters, so they stay."""
    return replace(with_operands(node, names), results=tuple(_called(value, names) for value in node.results))


def with_types(node: Node, types: Mapping[str, Type]) -> Node:
    """The node with those types of its operands; the others stay."""
    return map_operands(node, lambda value: _typed(value, types))


def with_operands(node: Node, names: Mapping[str, str]) -> Node:
    """The node with its operands alone called otherwise."""
    return map_operands(node, lambda value: _called(value, names))


def renamed_region_end(region: Region, names: Mapping[str, str]) -> Region:
    """The region with what it emits, yields and waits for called otherwise."""
    return replace(
        region,
        emitted=tuple(_called(value, names) for value in region.emitted),
        yielded=tuple(_called(value, names) for value in region.yielded),
        until=None if region.until is None else _called(region.until, names),
    )


def free_name(base: str, taken: Iterable[str]) -> str:
    """`base`, or `base.2`, `base.3`, ... where that is taken."""
    used = set(taken)
    stem = base.split(".")[0]
    count, name = 1, base
    while name in used:
        count += 1
        name = f"{stem}.{count}"
    return name


def value_names(region: Region) -> set[str]:
    """The names of a region's parameters and results."""
    return {value.name for value in region.parameters} | {value.name for node in region.nodes for value in node.results}


def in_every_step(graph: Graph, change: Callable[[Region], Region]) -> Graph:
    """The graph with its step, and every region inside it, changed; inner regions first."""
    return replace(graph, step=_inside_out(graph.step, change))


def _inside_out(region: Region, change: Callable[[Region], Region]) -> Region:
    nodes = []
    for node in region.nodes:
        inner: tuple[Region, ...] = getattr(node, "regions", ())
        if inner:
            inside: dict[str, Any] = {"regions": tuple(_inside_out(each, change) for each in inner)}
            node = replace(node, **inside)
        nodes.append(node)
    return change(replace(region, nodes=tuple(nodes)))


def _typed(value: Value, types: Mapping[str, Type]) -> Value:
    return Value(value.name, types[value.name]) if value.name in types else value


def _called(value: Value, names: Mapping[str, str]) -> Value:
    return Value(names[value.name], value.type) if value.name in names else value
