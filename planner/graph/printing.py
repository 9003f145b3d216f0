"""Print a graph: one node a line, and nothing that the reader of the text could not have written.

Which parts of a node are operands and which are fields follows from its dataclass, so a new kind of node needs nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import Field, dataclass, fields
from typing import Any, get_args, get_type_hints

from .declarations import (
    Declaration,
    Dynamic,
    Engine,
    Model,
    Product,
    Prompts,
    Recent,
    Ref,
    Sampling,
    Sparse,
    Static,
    Table,
    Tags,
    Vocab,
)
from .nodes import Node, Region
from .types import Value

KEYWORD_OF: dict[type[Declaration], str] = {
    Engine: "engine",
    Vocab: "vocab",
    Model: "model",
    Table: "table",
    Prompts: "prompts",
    Sparse: "shape",
    Static: "shape",
    Product: "shape",
    Dynamic: "shape",
    Recent: "lookup",
    Tags: "tags",
    Sampling: "sampling",
}
SPELLED = {"source": "from"}
"""Fields of nodes whose word in the text is not a name in Python."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a node or declaration: its name, and the alternatives of its type."""

    name: str
    word: str
    kinds: tuple[Any, ...]
    default: Any

    @property
    def is_operand(self) -> bool:
        """Is it a value, or several?"""
        return any(kind is Value or Value in get_args(kind) for kind in self.kinds)

    @property
    def is_many(self) -> bool:
        """Is it a tuple?"""
        return any(getattr(kind, "__origin__", None) is tuple for kind in self.kinds)


def parts(kind: type[Any]) -> tuple[Part, ...]:
    """The parts of a node or declaration in order, without results, regions and span."""
    if kind not in _PARTS:
        hints = get_type_hints(kind)
        skipped = {"results", "regions", "span", "name"}
        _PARTS[kind] = tuple(_part(item, hints[item.name]) for item in fields(kind) if item.name not in skipped)
    return _PARTS[kind]


_PARTS: dict[type[Any], tuple[Part, ...]] = {}


def _part(item: Field[Any], hint: Any) -> Part:
    kinds = tuple(kind for kind in get_args(hint) if kind is not type(None)) if _is_union(hint) else (hint,)
    part = Part(item.name, item.name, kinds, item.default)
    return part if part.is_operand else Part(item.name, SPELLED.get(item.name, item.name), kinds, item.default)


def _is_union(hint: Any) -> bool:
    return type(None) in get_args(hint)


def print_graph(name: str, law: str, declarations: Iterable[Declaration], regions: Iterable[Region]) -> str:
    """The text of a graph, ending with a newline; `read_graph` is its exact inverse."""
    lines = [f"graph {name} : {law}", *(f"  {print_declaration(each)}" for each in declarations)]
    for region in regions:
        lines += ["", *_region(region, "  ")]
    return "\n".join(lines) + "\n"


def print_declaration(declaration: Declaration) -> str:
    """One line: `KIND NAME [= HEAD] [fields]`."""
    head = _head(declaration)
    line = f"{KEYWORD_OF[type(declaration)]} {declaration.name}" + (f" = {head}" if head else "")
    shown = _fields(declaration, _HEADS.get(type(declaration), ()))
    return f"{line} {shown}" if shown else line


_HEADS: dict[type[Declaration], tuple[str, ...]] = {
    Model: ("source",),
    Prompts: ("source",),
    Table: ("method", "source", "target"),
    Sparse: ("rides",),
    Static: ("children",),
}


def _head(declaration: Declaration) -> str | None:
    match declaration:
        case Model(source=source) | Prompts(source=source):
            return quote(source)
        case Table():
            return f"{declaration.method}({declaration.source}, {declaration.target})"
        case Sparse():
            return f"sparse({declaration.rides})"
        case Static():
            return f"static({', '.join(map(str, declaration.children))})"
        case Product():
            return "product"
        case Dynamic():
            return "dynamic"
        case _:
            return None


def _region(region: Region, indent: str) -> Iterator[str]:
    parameters = ", ".join(f"{value}: {value.type}" for value in region.parameters)
    yield f"{indent}{region.name}({parameters})"
    for node in region.nodes:
        yield from _node(node, indent + "  ")
    if region.emitted:
        yield f"{indent}  emit {_names(region.emitted)}"
    until = "" if region.until is None else f" until {region.until}"
    yield f"{indent}  yield {_names(region.yielded)}{until}"


def _node(node: Node, indent: str) -> Iterator[str]:
    yield indent + print_node(node)
    for region in getattr(node, "regions", ()):
        yield from _region(region, indent + "  ")


def print_node(node: Node) -> str:
    """The line of a node, without the regions that it holds."""
    operands: list[Value] = []
    for part in parts(type(node)):
        if part.is_operand:
            value = getattr(node, part.name)
            operands += value if isinstance(value, tuple) else [value] if value is not None else []
    shown = print_fields(node)
    types = ", ".join(str(value.type) for value in node.results)
    call = f"{_names(node.results)} = {node.keyword}({_names(operands)})"
    return f"{call} {shown} : {types}" if shown else f"{call} : {types}"


def _names(values: Iterable[Value]) -> str:
    return ", ".join(value.name for value in values)


def print_fields(node: Node) -> str:
    """What was decided of a node, as its line has it: `by=target, tokens=5`."""
    return _fields(node, ())


def _fields(item: Node | Declaration, skipped: tuple[str, ...]) -> str:
    shown = []
    for part in parts(type(item)):
        value = getattr(item, part.name)
        if part.name not in skipped and not part.is_operand and value is not None and value != part.default:
            shown.append(f"{part.word}={_field(value, Ref in part.kinds)}")
    return ", ".join(shown)


def _field(value: Any, is_word: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if is_word else quote(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_field(item, False) for item in value)}]"
    return repr(value) if isinstance(value, float) else str(value)


def quote(text: str) -> str:
    """A string of the graph's text: JSON's escapes, one line, anything that does not print escaped."""
    shown = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escape(char) for char in shown)


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1]
