"""The lines of a region while it is written: nodes in order, every value with its own name."""

from __future__ import annotations

from typing import Any

from ...grammar import Span
from ..graph import Node, Type, Value


class Lines:
    """Collects nodes; types are worked out later, but for those that are decisions."""

    def __init__(self, span: Span, taken: tuple[str, ...] = ()) -> None:
        self.span = span
        self.nodes: list[Node] = []
        self._names = set(taken)

    def name(self, base: str) -> str:
        """`base`, or `base.2`, `base.3`, ... where that is taken."""
        name, count = base, 1
        while name in self._names:
            count += 1
            name = f"{base}.{count}"
        self._names.add(name)
        return name

    def add(
        self, kind: type[Node], *names: str, types: tuple[Type, ...] = (), span: Span | None = None, **parts: Any
    ) -> Any:
        """A node with those results: one value, or a tuple of several."""
        results = tuple(
            Value(self.name(name), types[index]) if index < len(types) else Value(self.name(name))
            for index, name in enumerate(names)
        )
        self.nodes.append(kind(results=results, span=span or self.span, **parts))
        return results[0] if len(results) == 1 else results
