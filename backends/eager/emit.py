"""Write a graph as a Python program: a template per kind of node, one for the module around them, and no knowledge of methods.

What the templates see of a graph are its nodes; every name and every string of it goes through `python_text`.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from ...planner.graph import (
    NONE,
    Declaration,
    Draft,
    Engine,
    Graph,
    Guess,
    Kv,
    Model,
    Node,
    Path,
    Ref,
    Region,
    Repeat,
    Spell,
    Table,
    Tags,
    Threads,
    Tokens,
    Type,
    Value,
    Vocab,
    inner_regions,
    parts,
)
from .python_text import Names, laid_out, literal, tuple_of

PROGRAM = "decode.py"
LIBRARY = "specplan.backends.runtime.nodes"
_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_TYPES = {
    "Chat": "Rows",
    "Done": "Rows",
    "Guess": "Guesses",
    "Kv": "Caches",
    "Nothing": "None",
    "Path": "Paths",
    "Threads": "Threads",
    "Tokens": "Paths",
    "Tree": "Trees",
    "Trust": "Trust",
}
_RESERVED = ("machine", "tuple")


def emit(graph: Graph) -> dict[str, str]:
    """The artifacts of a graph by file name: `decode.py`, the program that the eager engine runs.

    The same graph gives the same bytes. The graph must be one that this engine can run.
    """
    return {PROGRAM: _Emission(graph).module()}


class _Emission:
    """One graph on its way to text."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._declared = [each for each in graph.declarations if _is_used(each, graph)]
        self._imported = sorted({*self._classes(), *self._functions()}, key=lambda name: (name[0].islower(), name))
        self._constants = Names(taken=(*self._imported, *_RESERVED, "start", "step"))
        for each in self._declared:
            self._constants.of(each.name)
        # A region inside is a function of its own, before the one that runs it.
        self._inner = {
            id(region): self._constants.of(f"{node.results[0]}.{region.name}") for node, region in _inside(graph)
        }

    def module(self) -> str:
        """The whole program."""
        constants = [self._constant(each) for each in self._declared]
        inner = [self._function(region, self._inner[id(region)]) for _, region in _inside(self._graph)]
        outer = [self._function(region, region.name) for region in (self._graph.start, self._graph.step)]
        law = str(self._graph.law)
        assert law.isprintable() and self._graph.name.isprintable(), "names and laws are words"
        text: str = _template("module").render(
            name=self._graph.name,
            law=law,
            library=LIBRARY,
            imported=self._imported,
            constants=constants,
            functions=[*inner, *outer],
        )
        return text

    def _classes(self) -> Iterator[str]:
        yield "Machine"
        yield from (type(each).__name__ for each in self._declared)
        for region in self._graph.regions():
            for each in (
                *region.parameters,
                *region.yielded,
                *region.emitted,
                *((region.until,) if region.until else ()),
            ):
                if _type(each.type) != "None":
                    yield _type(each.type)

    def _functions(self) -> Iterator[str]:
        yield from (node.keyword for node in self._graph.nodes())
        if any(region.emitted for region in (self._graph.start, self._graph.step)):
            yield "emit"

    def _constant(self, declaration: Declaration) -> str:
        given = [f"{part.name}={literal(_plain(getattr(declaration, part.name)))}" for part in _given(declaration)]
        name = self._constants.of(declaration.name)
        words = ", ".join([f"name={literal(declaration.name)}", *given])
        return laid_out(f"{name} = {type(declaration).__name__}({words})")

    def _function(self, region: Region, name: str) -> dict[str, Any]:
        names = Names(taken=(*self._imported, *_RESERVED, *self._constants.all()))
        parameters = [f"{names.of(each.name)}: {_type(each.type)}" for each in region.parameters]
        lines = [self._node(node, names, _ordinal(node, region)) for node in region.nodes]
        is_inner = name in self._inner.values()
        if not is_inner:
            lines += [laid_out(f"emit(machine, {self._name(each, names)})", 4) for each in region.emitted]
        yielded = [*self._yielded(region, names)]
        # What an outer step tells besides its state is who has ended, and an inner one what it said.
        told = region.emitted if is_inner else (() if region.until is None else (region.until,))
        return {
            "name": name,
            "purpose": _PURPOSES["inner" if is_inner else region.name],
            "parameters": ", ".join(["machine: Machine", *parameters]),
            "types": [kind for _, kind in yielded],
            "lines": lines,
            "yielded": [value for value, _ in yielded],
            "told": next((self._name(each, names) for each in told), None),
            "told_type": next((_type(each.type) for each in told), None),
        }

    def _yielded(self, region: Region, names: Names) -> Iterator[tuple[str, str]]:
        """What a region hands on, and its type: `none` may be an empty tuple, as of threads."""
        given = self._graph.step.parameters if region is self._graph.start else region.yielded
        for value, parameter in zip(region.yielded, given, strict=True):
            if value == NONE and isinstance(parameter.type, Threads):
                yield "()", _type(parameter.type)
            else:
                yield self._name(value, names), _type(value.type)

    def _node(self, node: Node, names: Names, ordinal: int) -> str:
        # Values are named in the order of the text, so that the first of two alike keeps its name.
        given = {
            part.name: self._operand(getattr(node, part.name), names) for part in parts(type(node)) if part.is_operand
        }
        results = ", ".join(names.of(value.name) for value in node.results)
        statement = _template(node.keyword).render(
            node=node,
            results=results,
            slots=self._slots,
            rows=self._rows,
            ordinal=ordinal,
            level=self._level(node),
            regions=[self._inner[id(region)] for region in inner_regions(node)],
            counts=lambda size: tuple(case.high for case in size.cases),
            ref=lambda name: self._constants.of(str(name)),
            spoken=self._spoken,
            vocab=lambda model: str(self._graph.named(model, Model).vocab),
            positions=self._graph.target.positions,
            tags=next((each.name for each in self._graph.all(Tags)), None),
            is_owed=lambda value: isinstance(value.type, Tokens),
            **given,
        )
        comment = ", ".join(str(value.type) for value in node.results)
        assert comment.isprintable(), "types are made of names and numbers"
        return laid_out(" ".join(statement.split("\n")), 4, comment)

    def _operand(self, value: Value | tuple[Value, ...] | None, names: Names) -> Any:
        match value:
            case tuple():
                return [self._name(each, names) for each in value]
            case Value():
                return self._name(value, names)
        return None

    @staticmethod
    def _name(value: Value, names: Names) -> str:
        return "None" if value == NONE else names.of(value.name)

    def _spoken(self, value: Value) -> str:
        """The vocabulary that tokens are in; that of a table's words is the one they come from."""
        kind = value.type
        assert isinstance(kind, Tokens | Path | Guess), "what is spoken is made of tokens"
        declared = self._graph.declared.get(kind.vocab or self._graph.target.vocab)
        assert declared is not None, "tokens are in a declared vocabulary"
        return str(declared.source if isinstance(declared, Table) else declared.name)

    def _slots(self, model: str) -> int:
        """The most rows that any cache of a model holds, those that await a verdict included."""
        kinds = (value.type for region in self._graph.regions() for value in _values(region))
        return max(kind.slots for kind in kinds if isinstance(kind, Kv) and kind.model == model)

    def _rows(self, model: str) -> int:
        """How many rows of a model's cache decode together."""
        kinds = (value.type for region in self._graph.regions() for value in _values(region))
        return max(kind.rows for kind in kinds if isinstance(kind, Kv) and kind.model == model)

    def _level(self, node: Node) -> int:
        """Which of the decoders that draft one is, from 1: their draws are kept apart."""
        repeats = [each for each in self._graph.nodes() if isinstance(each, Repeat)]
        return next((level for level, each in enumerate(repeats, 1) if each is node), 0)


_PURPOSES = {"start": "Read prompts.", "step": "Go one step; the rows that have ended.", "inner": "Run inside a node."}


def _inside(graph: Graph) -> list[tuple[Node, Region]]:
    """The regions inside nodes, innermost first."""
    found: list[tuple[Node, Region]] = []

    def visit(region: Region) -> None:
        for node in region.nodes:
            for inner in inner_regions(node):
                visit(inner)
                found.append((node, inner))

    visit(graph.start)
    visit(graph.step)
    return found


def _values(region: Region) -> Iterator[Value]:
    yield from region.parameters
    for node in region.nodes:
        yield from node.results


def _ordinal(node: Node, region: Region) -> int:
    """How many nodes before this one draw guesses: two of them never share a draw."""
    return sum(isinstance(each, Draft | Spell) for each in region.nodes[: region.nodes.index(node)])


def _is_used(declaration: Declaration, graph: Graph) -> bool:
    """Does any node refer to it? What is declared for checking alone does not run."""
    if isinstance(declaration, Vocab | Engine):
        return False
    refs = (getattr(node, part.name) for node in graph.nodes() for part in parts(type(node)) if Ref in part.kinds)
    return declaration.name in refs


def _given(declaration: Declaration) -> Iterator[Any]:
    """The fields that say more than their default."""
    for part in fields(declaration):
        if part.name not in ("name", "span") and getattr(declaration, part.name) != part.default:
            yield part


def _plain(value: Any) -> Any:
    """Words are text in Python."""
    return str(value) if isinstance(value, str) else value


def _type(kind: Type) -> str:
    return _TYPES[type(kind).__name__]


@cache
def _template(name: str) -> Any:
    # Imported here: compiling is the base install's, and checking a plan must not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["tuple"] = tuple_of
    environment.filters["literal"] = lambda value: literal(_plain(value))
    return environment.get_template(f"{name}.j2")
