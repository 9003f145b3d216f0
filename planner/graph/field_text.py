"""The text of fields: `tokens=8, sampling=warm`, each read as its node or declaration declares it."""

from __future__ import annotations

import json
from dataclasses import MISSING
from typing import Any

from ...grammar import Span
from .declarations import Declaration, Ranks, Ref
from .errors import NameTwice, UnknownWord, WrongField
from .nodes import Node, Rule
from .printing import Part, parts
from .type_text import TypeReader
from .types import Size


class FieldReader(TypeReader):
    """Builds the fields of nodes and declarations."""

    def fields(self, kind: type[Node] | type[Declaration], given: Any, place: Span) -> dict[str, Any]:
        """The fields that are given, by their names in Python; `place` is whose they are."""
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

    def complete(self, kind: type[Node] | type[Declaration], made: dict[str, Any], place: Span, what: str) -> None:
        """Nothing is missing that has no default."""
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


def _string(quoted: str) -> str | None:
    text = json.loads(quoted)
    assert isinstance(text, str), "the grammar lets only strings through"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    return text


_WANTED = {
    "<class 'int'>": "a whole number",
    "<class 'float'>": "a number",
    "<class 'str'>": "a string",
    "<class 'bool'>": "true or false",
}
