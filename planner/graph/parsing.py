"""Read the text of a graph: the exact inverse of printing, with a place for every node and all mistakes in one run.

Types are read as they are stated; whether they are what the nodes make of their operands is said by `rules.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from lark import Lark, Token, UnexpectedInput
from lark import Tree as Parsed
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.indenter import DedentError, Indenter

from ...grammar import Diagnostic, SourceFile, Span
from .declarations import KEYWORDS, Declaration, Dynamic, Product, Ranks, Ref, Sparse, Static
from .errors import GraphSyntax, GraphTooLarge, NameTwice, UnknownValue, UnknownWord, WrongField, WrongRegion
from .graph import Graph, Law
from .nodes import NODES, Node, Region, Rule
from .printing import Part, parts
from .types import (
    NONE,
    Certainty,
    Chat,
    Done,
    Flow,
    Guess,
    Hidden,
    Kv,
    Logits,
    Nothing,
    Path,
    Range,
    Size,
    Threads,
    Tokens,
    Tree,
    Trust,
    Type,
    Value,
)

MOST_CHARACTERS = 1 << 20
MOST_NESTED = 16


class _Lines(Indenter):
    """Indentation as tokens."""

    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012 - Lark reads these as attributes
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


@cache
def _parser() -> Lark:
    grammar = FilePath(__file__).with_name("graph.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", postlex=_Lines(), propagate_positions=True, maybe_placeholders=True)


def read_graph(text: str, name: str = "graph.txt") -> tuple[Graph | None, tuple[Diagnostic, ...]]:
    """The graph that a text spells, or what is wrong with it. `name` is how the text is called in diagnostics."""
    source = SourceFile(name, text)
    if len(text) > MOST_CHARACTERS:
        return None, (GraphTooLarge(None, "1 MiB"),)
    if _deepest(text) > 2 * MOST_NESTED:
        return None, (GraphTooLarge(None, f"{MOST_NESTED} nested regions"),)
    try:
        parsed = _parser().parse(text.rstrip() + "\n")
    except DedentError:
        return None, (
            GraphSyntax(_bad_indent(source), "this indentation", ("a line that starts where one above does",)),
        )
    except UnexpectedInput as error:
        return None, (_syntax(error, source),)
    reader = _Reader(source)
    graph = reader.graph(parsed)
    return (None if reader.found else graph), tuple(reader.found)


def _deepest(text: str) -> int:
    widths = [len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line.strip()]
    return max(len(set(widths)), 0)


def _bad_indent(source: SourceFile) -> Span:
    """The first line whose indentation no open line above has."""
    open_widths = [0]
    at = 0
    for line in source.text.split("\n"):
        width = len(line) - len(line.lstrip(" "))
        if line.strip() and not line.lstrip().startswith("#"):
            deeper = width > open_widths[-1]
            open_widths = [each for each in open_widths if each <= width]
            if deeper:
                open_widths.append(width)
            elif open_widths[-1:] != [width]:
                return source.span(at, at + max(1, width))
        at += len(line) + 1
    return source.span(0, 0)


_WORDS = {
    "_NL": "the end of the line",
    "_INDENT": "an indented line",
    "_DEDENT": "the end of the block",
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "STRING": "a string",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOTS": "`..`",
    "PLUS": "`+`",
    "VBAR": "`|`",
    "X": "`x`",
    "BY": "`by`",
    "SEMICOLON": "`;`",
    "EMIT": "`emit`",
    "YIELD": "`yield`",
    "UNTIL": "`until`",
    "GRAPH": "`graph`",
    "$END": "the end",
}


def _syntax(error: UnexpectedInput, source: SourceFile) -> Diagnostic:
    start = min(error.pos_in_stream or 0, len(source.text))
    expected: Iterable[str] = ()
    end = start + 1
    match error:
        case UnexpectedToken():
            expected = error.accepts or error.expected
            if error.token.type in ("_INDENT", "_DEDENT", "_NL", "$END"):
                found = _WORDS[error.token.type]
                start = min(start, len(source.text.rstrip("\n")))
                end = start + 1
            else:
                found, end = f"`{error.token}`", start + len(error.token)
        case UnexpectedCharacters():
            expected, found = error.allowed or (), repr(source.text[start : start + 1])
        case _:
            found = "the end"
    end = min(end, len(source.text))
    words = sorted({_WORDS.get(name, f"`{name.lower()}`") for name in expected})
    return GraphSyntax(source.span(min(start, end), end), found, tuple(words[:6]))


class _Bad(Exception):
    """A part of the text that was answered with a diagnostic."""


class _Reader:
    """Builds declarations, types and nodes of a parsed text, and collects what is wrong."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def span(self, item: Parsed[Token] | Token) -> Span:
        if isinstance(item, Token):
            return self.source.span(item.start_pos or 0, item.end_pos or 0)
        if item.meta.empty:
            return self.source.span(0, 0)
        # The end of a line, and the indentation of the next, belong to what the line holds; nobody wants to see them.
        start, end = item.meta.start_pos, min(item.meta.end_pos, len(self.source.text))
        return self.source.span(start, start + len(self.source.text[start:end].rstrip()))

    def bad(self, diagnostic: Diagnostic) -> _Bad:
        self.found.append(diagnostic)
        return _Bad()

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
            except _Bad:
                continue
        return tuple(made)

    def declaration(self, parsed: Any) -> Declaration:
        word, name, head, given = parsed.children
        assert isinstance(word, Token), "a declaration starts with its word"
        if str(word) not in KEYWORDS:
            raise self.bad(UnknownWord(self.span(word), "declaration", str(word), tuple(KEYWORDS)))
        kind, values = self._head(str(word), head, self.span(parsed))
        values |= self._fields(kind, given, self.span(name))
        self._complete(kind, values, self.span(parsed), f"the {word} `{name}`")
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
        parameters = tuple(self._parameter(item, scope) for item in rest if _is(item, "parameter"))
        nodes = []
        for item in rest:
            if _is(item, "node"):
                nodes += self._node(item, scope)
        emits = [item for item in rest if _is(item, "emit")]
        yields = [item for item in rest if _is(item, "yield_")]
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
        except _Bad:
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
        except _Bad:
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
            raise _Bad
        parts_ = self._operands(kind, taken, self.span(word))
        parts_ |= self._fields(kind, given, self.span(word))
        if "regions" in kind.__dataclass_fields__:
            parts_["regions"] = tuple(self.region(item) for item in inner)
        elif inner:
            raise self.bad(WrongRegion(self.span(word), f"a `{word}` holds no regions"))
        self._complete(kind, parts_, self.span(word), f"`{word}`")
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

    def _fields(self, kind: type[Node] | type[Declaration], given: Any, place: Span) -> dict[str, Any]:
        known = {part.word: part for part in parts(kind) if not part.is_operand}
        made: dict[str, Any] = {}
        for item in [] if given is None else given.children:
            word, value = item.children
            if str(word) not in known:
                raise self.bad(UnknownWord(self.span(word), "field", str(word), tuple(known)))
            if known[str(word)].name in made:
                raise self.bad(NameTwice(self.span(word), str(word), None))
            made[known[str(word)].name] = self._field(known[str(word)], value)
        return made

    def _complete(self, kind: type[Node] | type[Declaration], made: dict[str, Any], place: Span, what: str) -> None:
        missing = [part.word for part in parts(kind) if part.default is MISSING and part.name not in made]
        if missing:
            raise self.bad(WrongField(place, f"{what} needs {', '.join(f'`{name}`' for name in missing)}"))

    def _field(self, part: Part, value: Any) -> Any:
        for kind in part.kinds:
            made = self._as(kind, value)
            if made is not None:
                return made
        wanted = " or ".join(
            _WANTED.get(str(kind), getattr(kind, "__name__", str(kind)).lower()) for kind in part.kinds
        )
        raise self.bad(WrongField(self.span(value), f"`{part.word}` is {wanted}, not `{self.span(value).text}`"))

    def _as(self, kind: Any, value: Any) -> Any:
        """The value as that kind of field, or None."""
        data, first = value.data, value.children[0] if value.children else None
        if data == "dim":
            return self._number(kind, value)
        match data, kind:
            case "word", _ if kind is bool:
                return {"true": True, "false": False}.get(str(first))
            case "word", _ if kind is Rule:
                return Rule(str(first)) if str(first) in {rule.value for rule in Rule} else None
            case "word", _ if kind is Ref:
                return Ref(str(first))
            case "quoted", _ if kind is str:
                return _string(str(first))
            case "float_", _ if kind is float:
                return float(str(first))
            case "list", _ if getattr(kind, "__origin__", None) is tuple:
                items = [self._as(kind.__args__[0], item) for item in value.children if item is not None]
                return None if None in items else tuple(items)
            case _:
                return None

    def _number(self, kind: Any, value: Any) -> Any:
        rows, terms = self.dim(value)
        if rows is not None or len(terms) != 1:
            return None
        (size,) = terms
        exact = len(size.cases) == 1 and size.low == size.high
        if kind is Size:
            return size
        if kind is Ranks and len(size.cases) == 1 and size.high is not None and size.low <= size.high:
            return Ranks(size.low, size.high)
        if kind in (int, float) and exact:
            return kind(size.low)
        return None

    def dim(self, parsed: Any) -> tuple[Size | None, tuple[Size, ...]]:
        """A dimension: rows, if there is an `x`, and the terms of the sum."""
        *rows, last = parsed.children
        if len(rows) > 1 or (rows and len(rows[0].children) > 1):
            raise self.bad(
                WrongField(self.span(parsed), f"`{self.span(parsed).text}` is not a size: at most one `x`, rows first")
            )
        return self._size(rows[0].children[0]) if rows else None, tuple(self._size(item) for item in last.children)

    def _size(self, choice: Any) -> Size:
        return Size(tuple(self._range(item) for item in choice.children))

    def _range(self, item: Any) -> Range:
        low, dots, high = item.children
        bounds = Range(int(low), int(low) if dots is None else None if high is None else int(high))
        if bounds.high is not None and bounds.high < bounds.low:
            raise self.bad(WrongField(self.span(item), f"`{bounds}` ends before it starts"))
        return bounds

    def type(self, parsed: Any) -> Type:
        """A type as stated."""
        name, *arguments = parsed.children
        dims = [self.dim(item) for item in arguments if _is(item, "dim")]
        words = [str(item.children[0]) for item in arguments if _is(item, "word")]
        named = {str(item.children[0]): self.dim(item.children[1])[1] for item in arguments if _is(item, "named")}
        made = self._type(str(name), dims, words, named)
        if made is None and str(name) not in _TYPES:
            raise self.bad(UnknownWord(self.span(name), "type", str(name), tuple(_TYPES)))
        if made is None:
            raise self.bad(WrongField(self.span(parsed), f"a type `{name}` is written {_TYPES[str(name)]}"))
        return made

    def _type(self, name: str, dims: list[Any], words: list[str], named: dict[str, tuple[Size, ...]]) -> Type | None:
        simple = {"chat": Chat(), "done": Done(), "trust": Trust()}
        if name in simple:
            return None if dims or words or named else simple[name]
        if len(dims) != 1:
            return None
        rows, terms = dims[0]
        row = rows or Size.of(1)
        one = terms[0] if len(terms) == 1 else None
        certainty, words = _certainty(words, name)
        vocab = words[0] if len(words) == 1 else None
        if len(words) > 1 or any(len(term) != 1 for term in named.values()):
            return None
        depth = named.pop("depth", (None,))[0] if name in ("tree", "guess") else None
        top = named.pop("top", (None,))[0] if name == "guess" else None
        if named or (top is not None and top.high != top.low):
            return None
        match name:
            case "tokens" if one:
                return Tokens(one, vocab, row)
            case "path" if one:
                return Path(one, vocab, row)
            case "logits" if one and not words:
                return Logits(one, row)
            case "guess" if one:
                return Guess(one, certainty, vocab, None if top is None else top.low, depth, row)
            case "tree" if one == Size.of(1):
                return Tree(Size.of(0), Size.of(0), certainty, vocab, row)
            case "tree" if len(terms) == 2 and terms[0] == Size.of(1):
                return Tree(terms[1], depth or terms[1], certainty, vocab, row)
            case "hidden" if one and vocab:
                return Hidden(vocab, one, row)
            case "kv" if vocab and _exact(terms[0]) and (rows is None or _exact(rows)):
                return Kv(vocab, terms[0].low, terms[1:], row.low)
            case "flow" if one and vocab and rows is not None and _exact(rows):
                return Flow(rows.low, one, vocab)
            case "threads" if (
                len(terms) == 2 and _exact(terms[1]) and not words and terms[0] == Size.of(1) and _exact(row)
            ):
                return Threads(terms[1].low, row.low)
            case _:
                return None


def _is(item: Any, data: str) -> bool:
    return isinstance(item, Parsed) and item.data == data


def _has(kind: type[Node], name: str) -> bool:
    return name in kind.__dataclass_fields__


def _exact(size: Size) -> bool:
    return len(size.cases) == 1 and size.low == size.high


def _certainty(words: list[str], name: str) -> tuple[Certainty, list[str]]:
    if name in ("guess", "tree") and words and words[-1] in ("drawn", "unknown"):
        return Certainty(words[-1]), words[:-1]
    return Certainty.CERTAIN, words


def _string(quoted: str) -> str | None:
    text = json.loads(quoted)
    assert isinstance(text, str), "the grammar lets only strings through"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    return text


_OPTIONAL: dict[str, type[Type] | tuple[type[Type], ...]] = {
    "cache": Kv,
    "threads": Threads,
    "trust": (Trust, Nothing),
    "guess": Guess,
}
_WANTED = {
    "<class 'int'>": "a whole number",
    "<class 'float'>": "a number",
    "<class 'str'>": "a string",
    "<class 'bool'>": "true or false",
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
_TYPES = {
    "chat": "`chat`",
    "done": "`done`",
    "trust": "`trust`",
    "tokens": "`tokens[1..9]`",
    "path": "`path[1..6]`",
    "guess": "`guess[5, drawn]`",
    "tree": "`tree[1+60, depth=3]`",
    "logits": "`logits[61]`",
    "hidden": "`hidden[target, 75]`",
    "kv": "`kv[target, 2048+9]`",
    "flow": "`flow[3 x 0..8, target]`",
    "threads": "`threads[1+8]`",
}
