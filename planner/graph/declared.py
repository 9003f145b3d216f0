"""Declarations by name, as nodes look them up, and how a node says that what it found does not go together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from .declarations import Declaration, Dynamic, Engine, Model, Table


class Mismatch(Exception):
    """Operands or fields that a node cannot have: one sentence, and the operand or field that it is about."""

    def __init__(self, message: str, about: str | None = None) -> None:
        super().__init__(message)
        self.about = about


D = TypeVar("D", bound=Declaration)


class Declared:
    """Declarations by name, looked up by kind."""

    def __init__(self, declarations: Iterable[Declaration]) -> None:
        self._by_name = {each.name: each for each in declarations if not isinstance(each, Engine)}
        self._target = next((d for d in self._by_name.values() if isinstance(d, Model)), None)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str, kind: type[D]) -> D:
        """The declaration of that name and kind."""
        found = self._by_name.get(name)
        if not isinstance(found, kind):
            raise Mismatch(f"`{name}` is not declared as {kind.__name__.lower()}", name)
        return found

    def maybe(self, name: str) -> Declaration:
        """The declaration of that name, of whatever kind."""
        if name not in self._by_name:
            raise Mismatch(f"`{name}` is not declared", name)
        return self._by_name[name]

    @property
    def target(self) -> str | None:
        """The name of the model whose law the output follows: the first that is declared."""
        return None if self._target is None else self._target.name

    def vocab_of(self, model: str) -> str | None:
        """The vocabulary of a model as types have it: None for the target's."""
        assert self._target is not None, "a graph without a model has no vocabulary"
        return self._foreign(self.get(model, Model).vocab)

    def image(self, table: str) -> str | None:
        """The vocabulary that a table translates to."""
        return self._foreign(self.get(table, Table).target)

    def contains(self) -> dict[str, str | None]:
        """Tables, each with the vocabulary whose tokens it translates."""
        tables = (d for d in self._by_name.values() if isinstance(d, Table))
        return {table.name: self._foreign(table.source) for table in tables}

    def _foreign(self, vocab: str) -> str | None:
        return None if self._target is not None and vocab == self._target.vocab else vocab


def static_layers(children: tuple[int, ...]) -> list[int]:
    """Nodes per layer of a static tree: `(4, 2, 1)` has 4, 8 and 8."""
    layers: list[int] = []
    for count in children:
        layers.append(count * (layers[-1] if layers else 1))
    return layers


def dynamic_layers(shape: Dynamic) -> list[int]:
    """The largest layers below the root: width 8 and 4 children give 4, 8, 8, ..."""
    return [min(shape.width, shape.children**layer) for layer in range(1, shape.depth + 1)]
