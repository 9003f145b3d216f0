"""A graph: declarations, a region that starts one prompt, and a region that steps until done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from .declarations import Declaration, Engine, Model, Table
from .nodes import Node, Region
from .printing import print_graph

FORMAT_VERSION = 1

D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Law:
    """Which law the output follows, and why.

    `approximate` reasons (typical, fork) say what bends the target's own autoregressive law. `exact` reasons say by what
    rule the output equals its reference exactly: that law itself, or with forks the forked decoding without speculation.
    """

    exact: tuple[str, ...]
    approximate: tuple[str, ...] = ()

    def __str__(self) -> str:
        exact = f"by {', '.join(self.exact)}"
        if not self.approximate:
            return f"exact {exact}"
        bent = f"approximate by {', '.join(self.approximate)}"
        return f"{bent}; exact to forked {exact}" if self.exact else bent

    @property
    def reference(self) -> str:
        """In words, what the output is exact to; empty if to nothing."""
        if not self.exact:
            return ""
        return "the forked decoding without speculation" if self.approximate else "the target's autoregressive law"


@dataclass(frozen=True)
class Graph:
    """A program that decodes: what `compile` makes, passes improve and backends emit."""

    name: str
    law: Law
    declarations: tuple[Declaration, ...]
    start: Region
    step: Region
    source: object = field(default=None, compare=False, repr=False)

    @cached_property
    def declared(self) -> dict[str, Declaration]:
        """Declarations by name; an engine's is a word of its own, which nothing refers to."""
        return {each.name: each for each in self.declarations if not isinstance(each, Engine)}

    @property
    def target(self) -> Model:
        """The model whose law the output follows: the first that is declared."""
        return self.all(Model)[0]

    def all(self, kind: type[D]) -> tuple[D, ...]:
        """Every declaration of one kind, in order."""
        return tuple(declaration for declaration in self.declarations if isinstance(declaration, kind))

    def named(self, name: str, kind: type[D]) -> D:
        """The declaration of that name, which is of that kind."""
        found = self.declared[name]
        assert isinstance(found, kind), f"{name} is not declared as {kind.__name__}"
        return found

    def spelled(self, vocab: str | None) -> str:
        """The vocabulary that a type's `vocab` stands for: a table's tokens are those of its source."""
        if vocab is None:
            return self.target.vocab
        found = self.declared[vocab]
        return found.source if isinstance(found, Table) else vocab

    def regions(self) -> Iterator[Region]:
        """Every region, outer before inner, in the order of the text."""
        for region in (self.start, self.step):
            yield from _inner(region)

    def nodes(self) -> Iterator[Node]:
        """Every node of every region, in the order of the text."""
        for region in self.regions():
            yield from region.nodes

    def __str__(self) -> str:
        return print_graph(self.name, str(self.law), self.declarations, (self.start, self.step))


def inner_regions(node: Node) -> tuple[Region, ...]:
    """The regions that a node holds."""
    regions: tuple[Region, ...] = getattr(node, "regions", ())
    return regions


def _inner(region: Region) -> Iterator[Region]:
    yield region
    for node in region.nodes:
        for inner in inner_regions(node):
            yield from _inner(inner)
