"""Read the text of a graph: the exact inverse of printing, with a place for every node and all mistakes in one run.

Types are read as they are stated; whether they are what the nodes make of their operands is said by `rules.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from typing import Any

from lark import Token
from lark import Tree as Parsed

from ...grammar import Diagnostic, SourceFile, Span
from .declarations import KEYWORDS, Declaration, Dynamic, Product, Ref, Sparse, Static
from .errors import NameTwice, UnknownValue, UnknownWord, WrongField, WrongRegion
from .field_text import FieldReader
from .graph import Graph, Law
from .nodes import NODES, Node, Region
from .printing import parts
from .syntax import parse_text
from .type_text import Refused, is_part
from .types import (
    NONE,
    Guess,
    Kv,
    Nothing,
    Threads,
    Trust,
    Type,
    Value,
)


def read_graph(text: str, name: str = "graph.txt") -> tuple[Graph | None, tuple[Diagnostic, ...]]:
    """The graph that a text spells, or what is wrong with it. `name` is how the text is called in diagnostics."""
    source = SourceFile(name, text)
    parsed = parse_text(source)
    if isinstance(parsed, Diagnostic):
        return None, (parsed,)
    reader = _Reader(source)
    graph = reader.graph(parsed)
    return (None if reader.found else graph), tuple(reader.found)


class _Reader(FieldReader):
    """Builds declarations, regions and nodes of a parsed text."""

    def graph(self, parsed: Parsed[Token]) -> Graph | None:
        name, law, *rest = parsed.children
        assert isinstance(name, Token) and isinstance(law, Parsed), "the grammar puts the name and the law first"
        declarations = self._declarations(
            [item for item in rest if isinstance(item, Parsed) and item.data == "declaration"]
        )
        regions = [self.region(item) for item in rest if isinstance(item, Parsed) and item.data == "region"]
        by_name = {region.name: region for region in regions}
        if list(by_name) != ["start", "step"] or len(regions) != 2:
            there = ", ".join(f"`{region.name}`" for region in regions) or "none"
            self.found.append(
                WrongRegion(self.span(name), f"a graph has the regions `start` and `step`, and this one {there}")
            )
            return None
        if by_name["step"].until is None:
            self.found.append(WrongRegion(by_name["step"].span, "`step` does not say until when it repeats"))
        return Graph(str(name), self.law(law), declarations, by_name["start"], by_name["step"], self.span(law))

    def law(self, parsed: Parsed[Token]) -> Law:
        kind, *names = parsed.children
        # Without the second half the grammar leaves one None behind; with it, its names follow the first half's.
        words = [str(word) for word in names if word is not None]
        semicolon = self.span(parsed).text.find(";")
        if str(kind) == "exact":
            return Law(tuple(words))
        if str(kind) != "approximate":
            self.found.append(UnknownWord(self.span(kind), "law", str(kind), ("exact", "approximate")))
        if semicolon < 0:
            return Law((), tuple(words))
        start = self.span(parsed).start + semicolon
        before = [str(word) for word in names if isinstance(word, Token) and (word.start_pos or 0) < start]
        return Law(tuple(words[len(before) :]), tuple(before))

    def _declarations(self, parsed: list[Parsed[Token]]) -> tuple[Declaration, ...]:
        seen: dict[str, Span] = {}
        made = []
        for item in parsed:
            word, name, *_ = item.children
            assert isinstance(name, Token), "a declaration has a name"
            # There is one engine, and nothing refers to it by its name.
            key = "the engine" if str(word) == "engine" else str(name)
            if key in seen:
                self.found.append(NameTwice(self.span(name), str(name), seen[key]))
            seen.setdefault(key, self.span(name))
            try:
                made.append(self.declaration(item))
            except Refused:
                continue
        return tuple(made)

    def declaration(self, parsed: Any) -> Declaration:
        word, name, head, given = parsed.children
        assert isinstance(word, Token), "a declaration starts with its word"
        if str(word) not in KEYWORDS:
            raise self.bad(UnknownWord(self.span(word), "declaration", str(word), tuple(KEYWORDS)))
        kind, values = self._head(str(word), head, self.span(parsed))
        values |= self.fields(kind, given, self.span(name))
        self.complete(kind, values, self.span(parsed), f"the {word} `{name}`")
        return kind(name=str(name), span=self.span(parsed), **values)

    def _head(self, word: str, head: Any, place: Span) -> tuple[type[Declaration], dict[str, Any]]:
        kind = KEYWORDS[word]
        shape: tuple[str, list[str]] | None = None
        if isinstance(head, Parsed) and head.data == "call":
            first, *rest = (str(item) for item in head.children if item is not None)
            shape = first, rest
        quoted = json.loads(str(head.children[0])) if isinstance(head, Parsed) and head.data == "quoted" else None
        match word, shape:
            case (("model" | "prompts"), _) if quoted is not None:
                return kind, {"source": quoted}
            case "table", (("tli" | "slrs") as method, [source, target]):
                return kind, {"method": Ref(method), "source": Ref(source), "target": Ref(target)}
            case "shape", ("sparse", [rides]):
                return Sparse, {"rides": Ref(rides)}
            case "shape", ("static", children) if children and all(child.isdigit() for child in children):
                return Static, {"children": tuple(map(int, children))}
            case "shape", ("product", []):
                return Product, {}
            case "shape", ("dynamic", []):
                return Dynamic, {}
            case (("engine" | "vocab" | "lookup" | "tags" | "sampling"), None) if head is None:
                return kind, {}
            case _:
                raise self.bad(WrongField(place, f"a {word} is declared as {_HEAD_FORMS[word]}"))

    def region(self, parsed: Any) -> Region:
        name, *rest = parsed.children
        scope: dict[str, tuple[Value, Span]] = {}
        parameters = tuple(self._parameter(item, scope) for item in rest if is_part(item, "parameter"))
        nodes = []
        for item in rest:
            if is_part(item, "node"):
                nodes += self._node(item, scope)
        emits = [item for item in rest if is_part(item, "emit")]
        yields = [item for item in rest if is_part(item, "yield_")]
        if len(yields) != 1 or rest[-1] is not yields[0] or len(emits) > 1:
            self.found.append(
                WrongRegion(self.span(name), f"the region `{name}` ends with one yield, and has at most one emit")
            )
            return Region(name=str(name), parameters=parameters, nodes=tuple(nodes), yielded=(), span=self.span(parsed))
        emitted = tuple(self._values(emits[0].children, scope)) if emits else ()
        *handed, until = yields[0].children
        end = self._values([until], scope) if until is not None else iter(())
        return Region(
            name=str(name),
            parameters=parameters,
            nodes=tuple(nodes),
            emitted=emitted,
            yielded=tuple(self._values([item for item in handed if item is not None], scope)),
            until=next(end, None),
            span=self.span(yields[0]),
        )

    def _parameter(self, parsed: Any, scope: dict[str, tuple[Value, Span]]) -> Value:
        name, stated = parsed.children
        try:
            value = Value(str(name), self.type(stated))
        except Refused:
            value = Value(str(name), Nothing())
        self._give(value, self.span(name), scope)
        return value

    def _give(self, value: Value, place: Span, scope: dict[str, tuple[Value, Span]]) -> None:
        if value.name in scope or value.name == "none":
            first = scope[value.name][1] if value.name in scope else None
            self.found.append(NameTwice(place, value.name, first))
        scope[value.name] = (value, place)

    def _values(self, names: Iterable[Any], scope: dict[str, tuple[Value, Span]]) -> Iterator[Value]:
        for name in names:
            if str(name) == "none":
                yield NONE
            elif str(name) in scope:
                yield scope[str(name)][0]
            else:
                self.found.append(UnknownValue(self.span(name), str(name), tuple(scope)))

    def _node(self, parsed: Any, scope: dict[str, tuple[Value, Span]]) -> list[Node]:
        results, word, operands, given, types, *inner = parsed.children
        values: list[Value] = []
        try:
            stated = [self.type(item) for item in types.children]
            if len(stated) != len(results.children):
                raise self.bad(
                    WrongField(self.span(types), f"{len(results.children)} results have {len(stated)} types")
                )
            values = [Value(str(name), kind) for name, kind in zip(results.children, stated, strict=True)]
            return [self._built(word, operands, given, values, [r for r in inner if r is not None], parsed, scope)]
        except Refused:
            return []
        finally:
            known = {value.name: value for value in values}
            for name in results.children:
                self._give(known.get(str(name), Value(str(name), Nothing())), self.span(name), scope)

    def _built(
        self,
        word: Token,
        operands: Any,
        given: Any,
        values: list[Value],
        inner: list[Any],
        parsed: Any,
        scope: dict[str, tuple[Value, Span]],
    ) -> Node:
        if str(word) not in NODES:
            raise self.bad(UnknownWord(self.span(word), "node", str(word), tuple(NODES)))
        kind = NODES[str(word)]
        names = [] if operands is None else operands.children
        found = len(self.found)
        taken = list(self._values(names, scope))
        if len(self.found) > found:
            raise Refused
        parts_ = self._operands(kind, taken, self.span(word))
        parts_ |= self.fields(kind, given, self.span(word))
        if "regions" in kind.__dataclass_fields__:
            parts_["regions"] = tuple(self.region(item) for item in inner)
        elif inner:
            raise self.bad(WrongRegion(self.span(word), f"a `{word}` holds no regions"))
        self.complete(kind, parts_, self.span(word), f"`{word}`")
        # A node's place is its line, without the regions below it.
        line = self.source.span(parsed.meta.start_pos, self.span(parsed.children[4]).end)
        return kind(results=tuple(values), span=line, **parts_)

    def _operands(self, kind: type[Node], taken: list[Value], place: Span) -> dict[str, Any]:
        """Operands in order; the optional ones are told apart by type: threads, trust, a cache."""
        made: dict[str, Any] = {}
        rest = list(taken)
        for part in (part for part in parts(kind) if part.is_operand):
            if part.is_many:
                trust = [value for value in rest if isinstance(value.type, Trust)] if _has(kind, "trust") else []
                made[part.name] = tuple(value for value in rest if value not in trust)
                rest = trust
            elif part.default is MISSING:
                if not rest:
                    raise self.bad(WrongField(place, f"`{kind.keyword}` needs `{part.name}`"))
                made[part.name] = rest.pop(0)
            elif rest and isinstance(rest[0].type, _OPTIONAL[part.name]):
                made[part.name] = rest.pop(0)
        if rest:
            raise self.bad(WrongField(place, f"`{kind.keyword}` has no use for `{rest[0]}`, which is {rest[0].type}"))
        return made


def _has(kind: type[Node], name: str) -> bool:
    return name in kind.__dataclass_fields__


_OPTIONAL: dict[str, type[Type] | tuple[type[Type], ...]] = {
    "cache": Kv,
    "threads": Threads,
    "trust": (Trust, Nothing),
    "guess": Guess,
}
_HEAD_FORMS = {
    "model": '`model NAME = "SOURCE" ...`',
    "prompts": '`prompts NAME = "SOURCE" ...`',
    "engine": "`engine NAME ...`",
    "table": "`table NAME = tli(FROM, TO)` or `slrs(FROM, TO)`",
    "vocab": "`vocab NAME ...`",
    "lookup": "`lookup NAME ...`",
    "shape": "`shape NAME = sparse(PROMPTS)`, `static(4, 2, 1)`, `product` or `dynamic`",
    "tags": "`tags NAME ...`",
    "sampling": "`sampling NAME ...`",
}
