"""A graph as JSON and back: the same declarations, regions and nodes as in its text, with every type spelled as there.

Reading turns JSON into the text that it stands for and reads that, so there is one reader of types and one set of rules.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass
from typing import Any

from ...grammar import Diagnostic
from .declarations import KEYWORDS, Declaration, Dynamic, Product, Ranks, Ref, Sparse, Static
from .errors import GraphJson
from .graph import FORMAT_VERSION, Graph, Law, inner_regions
from .nodes import NODES, Node, Region, Rule
from .parsing import read_graph
from .printing import KEYWORD_OF, Part, parts, print_graph
from .syntax import MOST_CHARACTERS
from .types import Size, Type, Value

Json = dict[str, Any]

_FORMS: dict[str, type[Declaration]] = {"sparse": Sparse, "static": Static, "product": Product, "dynamic": Dynamic}


def graph_to_json(graph: Graph) -> Json:
    """What a graph is, for programs: `graph_from_json` is the exact inverse.

    Fields that have their default are left out. Sizes, ranks and types are text, as in the graph's own text.
    """
    return {
        "format_version": FORMAT_VERSION,
        "graph": graph.name,
        "law": {"exact": [*graph.law.exact], "approximate": [*graph.law.approximate], "text": str(graph.law)},
        "declarations": [_declaration(each) for each in graph.declarations],
        "regions": [_region(graph.start), _region(graph.step)],
    }


def _declaration(declaration: Declaration) -> Json:
    keyword = KEYWORD_OF[type(declaration)]
    form = {"form": type(declaration).__name__.lower()} if keyword == "shape" else {}
    return {"kind": keyword, "name": declaration.name, **form, "fields": _fields(declaration)}


def _region(region: Region) -> Json:
    until = {} if region.until is None else {"until": region.until.name}
    return {
        "name": region.name,
        "parameters": [_value(value) for value in region.parameters],
        "nodes": [_node(node) for node in region.nodes],
        "emit": [value.name for value in region.emitted],
        "yield": [value.name for value in region.yielded],
        **until,
    }


def _node(node: Node) -> Json:
    operands = {
        part.word: [each.name for each in value] if part.is_many else value.name
        for part in parts(type(node))
        if part.is_operand and (value := getattr(node, part.name)) is not None
    }
    inner = inner_regions(node)
    return {
        "node": node.keyword,
        "results": [_value(value) for value in node.results],
        "operands": operands,
        "fields": _fields(node),
        **({"regions": [_region(region) for region in inner]} if inner else {}),
    }


def _value(value: Value) -> Json:
    return {"name": value.name, "type": str(value.type)}


def _fields(item: Node | Declaration) -> Json:
    shown: Json = {}
    for part in parts(type(item)):
        value = getattr(item, part.name)
        if not part.is_operand and value is not None and value != part.default:
            shown[_key(part, type(item))] = _plain(value)
    return shown


def _key(part: Part, kind: type[Node] | type[Declaration]) -> str:
    """A node's fields are called as in its line; what a declaration has in its head has no word there."""
    return part.word if issubclass(kind, Node) else part.name


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str | Size | Ranks | Rule) else value


def graph_from_json(text: str, name: str = "graph.json") -> tuple[Graph | None, tuple[Diagnostic, ...]]:
    """The graph that JSON describes, or what is wrong with it. `name` is how the file is called in diagnostics.

    Mistakes inside the graph are shown in its text, which is how people read graphs.
    """
    try:
        if len(text) > 4 * MOST_CHARACTERS:
            raise _NotAGraph("it has more than 4 MiB")
        data = _loaded(text)
        spelled = _text(data)
    except _NotAGraph as wrong:
        return None, (GraphJson(None, str(wrong)),)
    except RecursionError:
        return None, (GraphJson(None, "it is nested deeper than any graph"),)
    graph, found = read_graph(spelled, f"{name} (its text)")
    # Whatever slipped into the text, what is read must say all that the JSON says, and nothing else.
    if graph is not None and graph_to_json(graph) != data:
        return None, (GraphJson(None, _difference(data, graph_to_json(graph))),)
    return graph, found


class _NotAGraph(Exception):
    """Says in a few words what is wrong."""


@dataclass(frozen=True, slots=True)
class _Spelled(Type):
    """A type, size or word that is still text."""

    text: str

    def __str__(self) -> str:
        return self.text


def _loaded(text: str) -> Json:
    try:
        data = json.loads(text)
    except ValueError:
        raise _NotAGraph("it cannot be read as JSON") from None
    if not isinstance(data, dict) or data.get("format_version") != FORMAT_VERSION:
        raise _NotAGraph(f"it does not say `format_version` {FORMAT_VERSION}")
    return data


def _text(data: Json) -> str:
    law = _get(data, "law", dict)
    stated = Law(tuple(_words(law, "exact")), tuple(_words(law, "approximate")))
    declarations = [_as_declaration(each) for each in _objects(data, "declarations")]
    regions = [_as_region(each) for each in _objects(data, "regions")]
    return print_graph(_get(data, "graph", str), str(stated), declarations, regions)


def _as_declaration(data: Json) -> Declaration:
    keyword = _get(data, "kind", str)
    kind = _FORMS.get(_get(data, "form", str)) if keyword == "shape" else KEYWORDS.get(keyword)
    if kind is None:
        raise _NotAGraph(f"there is no declaration {keyword!r}")
    made: Declaration = kind(name=_get(data, "name", str), **_as_fields(kind, _get(data, "fields", dict)))
    return made


def _as_region(data: Json) -> Region:
    until = Value(_get(data, "until", str)) if "until" in data else None
    return Region(
        name=_get(data, "name", str),
        parameters=tuple(_as_value(each) for each in _objects(data, "parameters")),
        nodes=tuple(_as_node(each) for each in _objects(data, "nodes")),
        yielded=tuple(map(Value, _words(data, "yield"))),
        emitted=tuple(map(Value, _words(data, "emit"))),
        until=until,
    )


def _as_node(data: Json) -> Node:
    kind = NODES.get(_get(data, "node", str))
    if kind is None:
        raise _NotAGraph(f"there is no node {data['node']!r}")
    given = _get(data, "operands", dict)
    made = _as_fields(kind, _get(data, "fields", dict))
    for part in parts(kind):
        if part.is_operand and part.word in given:
            made[part.name] = _as_operand(part, given)
        elif part.is_operand and part.default is MISSING:
            raise _NotAGraph(f"`{kind.keyword}` lacks `{part.word}`")
    if "regions" in data:
        made["regions"] = tuple(_as_region(each) for each in _objects(data, "regions"))
    return kind(results=tuple(_as_value(each) for each in _objects(data, "results")), **made)


def _as_operand(part: Part, given: Json) -> Value | tuple[Value, ...]:
    return tuple(map(Value, _words(given, part.word))) if part.is_many else Value(_get(given, part.word, str))


def _as_value(data: Json) -> Value:
    return Value(_get(data, "name", str), _Spelled(_get(data, "type", str)))


def _as_fields(kind: type[Node] | type[Declaration], given: Json) -> Json:
    made: Json = {}
    for part in parts(kind):
        if part.is_operand:
            continue
        key = _key(part, kind)
        if key in given:
            made[part.name] = _as_field(part, given[key])
        elif part.default is MISSING:
            raise _NotAGraph(f"`{kind.__name__.lower()}` lacks `{key}`")
    return made


def _as_field(part: Part, value: object) -> object:
    """The field with sizes, ranks and rules as text, which print as they stand."""
    if isinstance(value, list):
        if not all(isinstance(each, str | int | float) for each in value):
            raise _NotAGraph(f"`{part.word}` has an item that is neither text nor a number")
        return tuple(value)
    if not isinstance(value, str | int | float):
        raise _NotAGraph(f"`{part.word}` is neither text, a number nor a list")
    is_text = str in part.kinds or Ref in part.kinds
    return value if is_text or not isinstance(value, str) else _Spelled(value)


def _get(data: Json, key: str, kind: type[Any]) -> Any:
    value = data.get(key)
    if not isinstance(value, kind):
        raise _NotAGraph(f"`{key}` is not {_KINDS[kind]}" if key in data else f"`{key}` is missing")
    return value


_KINDS: dict[type[Any], str] = {str: "text", dict: "an object", list: "a list"}


def _objects(data: Json, key: str) -> list[Json]:
    found: list[Json] = _get(data, key, list)
    if not all(isinstance(each, dict) for each in found):
        raise _NotAGraph(f"`{key}` has an item that is not an object")
    return found


def _words(data: Json, key: str) -> list[str]:
    found: list[str] = _get(data, key, list)
    if not all(isinstance(each, str) for each in found):
        raise _NotAGraph(f"`{key}` has an item that is not text")
    return found


def _difference(stated: object, read: object, where: str = "it") -> str:
    """Where the first thing is that JSON says otherwise than the graph that was read from it."""
    if isinstance(stated, dict) and isinstance(read, dict):
        for key in [*read, *stated]:
            if stated.get(key) != read.get(key):
                return _difference(stated.get(key), read.get(key), f"`{key}`" if where == "it" else f"{where}.`{key}`")
    if isinstance(stated, list) and isinstance(read, list) and len(stated) == len(read):
        for index, (left, right) in enumerate(zip(stated, read, strict=True)):
            if left != right:
                return _difference(left, right, f"{where}[{index}]")
    return f"{where} is not as the graph has it"
