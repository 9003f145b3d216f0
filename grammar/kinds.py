"""What the keys of our files can take: each kind reads its values, words its rule, and states it as JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from . import errors
from .ast import Located
from .record import Kind, Reader, Record, default_section, json_section, read_entries, read_section, wrong_type
from .source import Span
from .yaml_source import YamlList, YamlNode, YamlScalar

V = TypeVar("V")

LARGEST_INTEGER = 2**63 - 1
IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SIZE = re.compile(r"([0-9]{1,18})(\.[0-9]{1,9})? ?(B|[KMGT]i?B)?")
_UNITS = {"B": 1} | {
    f"{prefix}{infix}B": base ** (power + 1)
    for power, prefix in enumerate("KMGT")
    for infix, base in (("i", 1024), ("", 1000))
}
_COUNTS = {1: "one"}
_TRUTH = {"yes": "true", "on": "true", "no": "false", "off": "false"}


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A text that is not empty; `what` says of what."""

    what: str = "a text"

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return self.what

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[str] | None:
        """Any scalar but nothing, `null` and the empty text."""
        if not isinstance(node, YamlScalar) or not node.value or _is_null(node):
            hint = f'put it in quotes: "{node.value}"' if isinstance(node, YamlScalar) and _is_null(node) else None
            reader.report(wrong_type(node, path, self.words, hint))
            return None
        return Located(node.value, node.span)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class Integer(Kind):
    """A whole number, written as one: no `1_000`, no `010`, no `0x10`."""

    minimum: int = -LARGEST_INTEGER
    maximum: int = LARGEST_INTEGER

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return _bounded("an integer", self.minimum, self.maximum, LARGEST_INTEGER)

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[int] | None:
        """Within its bounds; beyond 64 bits it is out of them in any case."""
        written = _plain(node)
        if written is None or not _INTEGER.fullmatch(written):
            reader.report(wrong_type(node, path, self.words, _number_hint(node)))
            return None
        value = int(written)
        if not self.minimum <= value <= self.maximum:
            reader.report(errors.OutOfRange(node.span, path, written, self.words))
            return None
        return Located(value, node.span)

    def schema(self) -> dict[str, Any]:
        """An integer with the bounds that are any."""
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer"} | {name: each for name, each in bounds.items() if abs(each) != LARGEST_INTEGER}


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A finite number; `above` is a bound that it does not reach itself."""

    minimum: float = -math.inf
    maximum: float = math.inf
    above: float | None = None

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        if self.above is None:
            return _bounded("a number", self.minimum, self.maximum, math.inf)
        return f"a number above {self.above:g}" + ("" if math.isinf(self.maximum) else f", up to {self.maximum:g}")

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[float] | None:
        """Within its bounds; `.inf` and `.nan` are no numbers here."""
        written = _plain(node)
        if written is None or not _NUMBER.fullmatch(written):
            reader.report(wrong_type(node, path, self.words, _number_hint(node)))
            return None
        value = float(written)
        low = self.minimum <= value if self.above is None else self.above < value
        if not (low and value <= self.maximum and math.isfinite(value)):
            reader.report(errors.OutOfRange(node.span, path, written[:40], self.words))
            return None
        return Located(value, node.span)

    def schema(self) -> dict[str, Any]:
        """A number with the bounds that are any."""
        bounds = {"minimum": self.minimum, "maximum": self.maximum, "exclusiveMinimum": self.above}
        finite = {name: each for name, each in bounds.items() if each is not None and math.isfinite(each)}
        return {"type": "number"} | finite


@dataclass(frozen=True, slots=True)
class Boolean(Kind):
    """`true` or `false`, and none of YAML's other twenty spellings."""

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return "`true` or `false`"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[bool] | None:
        """One of the two words."""
        written = _plain(node)
        if written not in ("true", "false"):
            meant = None if written is None else _TRUTH.get(written.lower(), written.lower())
            hint = f"write `{meant}`" if meant in ("true", "false") else None
            reader.report(wrong_type(node, path, self.words, hint))
            return None
        return Located(written == "true", node.span)

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One word of a few."""

    choices: tuple[str, ...]

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        *most, last = (f"`{each}`" for each in self.choices)
        return f"{', '.join(most)} or {last}" if most else last

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[str] | None:
        """The word as it is spelled."""
        if not isinstance(node, YamlScalar) or node.is_empty:
            reader.report(wrong_type(node, path, self.words))
            return None
        if node.value not in self.choices:
            reader.report(errors.NotAChoice(node.span, path, node.value[:64], self.choices))
            return None
        return Located(node.value, node.span)

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": [*self.choices]}


@dataclass(frozen=True, slots=True)
class Size(Kind):
    """Bytes: a number, or one with a unit, `8GiB`."""

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return "a size such as `512MiB` or `8GiB`"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[int] | None:
        """In bytes, rounded down."""
        match = _SIZE.fullmatch(node.value) if isinstance(node, YamlScalar) else None
        if match is None or (match[2] and match[3] in (None, "B")):
            reader.report(wrong_type(node, path, self.words))
            return None
        unit = _UNITS[match[3] or "B"]
        size = int(match[1]) * unit + int(float(match[2] or 0) * unit)
        if not 1 <= size <= LARGEST_INTEGER:
            reader.report(errors.OutOfRange(node.span, path, match[0], "at least one byte and within 64 bits"))
            return None
        return Located(size, node.span)

    def schema(self) -> dict[str, Any]:
        """An integer or a string with a unit."""
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{_SIZE.pattern}$"}]}


@dataclass(frozen=True, slots=True)
class ListOf(Kind):
    """A list, its items with a place each."""

    item: Kind
    minimum: int = 0

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return f"a list, each item {self.item.words}"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Located[tuple[Any, ...]] | None:
        """Every item is read, so that all wrong ones are reported."""
        if not isinstance(node, YamlList):
            reader.report(wrong_type(node, path, self.words))
            return None
        items = tuple(self.item.read(each, f"{path}[{index}]", reader) for index, each in enumerate(node.items))
        if len(items) < self.minimum:
            reader.report(
                errors.OutOfRange(node.span, path, f"a list of {len(items)}", f"at least {self.minimum} long")
            )
            return None
        return None if None in items else Located(items, node.span)

    def schema(self) -> dict[str, Any]:
        """An array."""
        least = {"minItems": self.minimum} if self.minimum else {}
        return {"type": "array", "items": self.item.schema()} | least

    def default(self, value: Any, span: Span) -> Any:
        """The items of a default share one place."""
        items = None if value is None else tuple(self.item.default(each, span) for each in value)
        return Located(items, span, given=False)


@dataclass(frozen=True, slots=True)
class OneOf(Kind):
    """The first of several kinds that fits: an integer, say, or a list of them."""

    kinds: tuple[Kind, ...]

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return ", or ".join(each.words for each in self.kinds)

    def read(self, node: YamlNode, path: str, reader: Reader) -> Any:
        """By trial, each with a reader of its own."""
        for kind in self.kinds:
            trial = Reader()
            value = kind.read(node, path, trial)
            if not trial.mistakes:
                return value
        reader.report(wrong_type(node, path, self.words))
        return None

    def schema(self) -> dict[str, Any]:
        """Any of them."""
        return {"anyOf": [each.schema() for each in self.kinds]}


@dataclass(frozen=True, slots=True)
class Nested(Kind):
    """A section within a section. Default None: absent; any other default: present, all keys at their defaults."""

    section: type[Record]

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return "a mapping of keys to values"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Record | None:
        """The section itself, which knows its own place."""
        return read_section(node, self.section, path, reader)

    def schema(self) -> dict[str, Any]:
        """An object."""
        return json_section(self.section)

    def default(self, value: Any, span: Span) -> Record | None:
        """None, or a section that was not written."""
        return None if value is None else default_section(self.section, span)


class Entries(dict[str, V]):
    """What a mapping of names holds, without the values that were wrong; `places` has where each name stands, also theirs."""

    def __init__(self, values: Mapping[str, V], places: Mapping[str, Span]) -> None:
        super().__init__(values)
        self.places = places


@dataclass(frozen=True, slots=True)
class MapOf(Kind):
    """Names and what they name; `key` is the pattern of a name, `key_words` the pattern in words."""

    item: Kind
    key: str = r"[\s\S]+"
    key_words: str = "a name"
    minimum: int = 0

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return "a mapping of names"

    def read(self, node: YamlNode, path: str, reader: Reader) -> Entries[Any] | None:
        """In the order of the file, without those that are wrong: one mistake does not hide what else is to be said."""
        entries = read_entries(node, path, self.words, reader)
        if entries is None:
            return None
        if len(entries) < self.minimum:
            reader.report(wrong_type(node, path, f"{self.words}, at least {_COUNTS.get(self.minimum, self.minimum)}"))
            return None
        values: dict[str, Any] = {}
        for name, (span, value) in entries.items():
            if re.fullmatch(self.key, name) is None:
                reader.report(errors.WrongKey(span, name, self.key_words))
            read = self.item.read(value, f"{path}.{name}", reader)
            if read is not None:
                values[name] = read
        return Entries(values, {name: span for name, (span, _) in entries.items()})

    def schema(self) -> dict[str, Any]:
        """An object with free keys."""
        least = {"minProperties": self.minimum} if self.minimum else {}
        names = {"propertyNames": {"pattern": f"^(?:{self.key})$"}}
        return {"type": "object", "additionalProperties": self.item.schema()} | names | least

    def default(self, value: Any, span: Span) -> Any:
        """A mapping knows no place of its own; its values do."""
        values = {name: self.item.default(each, span) for name, each in dict(value or {}).items()}
        return Entries(values, dict.fromkeys(values, span))


def _plain(node: YamlNode) -> str | None:
    return node.value if isinstance(node, YamlScalar) and node.style == "plain" else None


def _is_null(node: YamlScalar) -> bool:
    return node.style == "plain" and node.value in ("~", "null", "Null", "NULL")


def _number_hint(node: YamlNode) -> str | None:
    if not isinstance(node, YamlScalar):
        return None
    if node.style != "plain":
        return "numbers are written without quotes" if _NUMBER.fullmatch(node.value) else None
    if "_" in node.value and _NUMBER.fullmatch(bare := node.value.replace("_", "")):
        return f"write `{bare}`"
    if re.fullmatch(r"0+[0-9]+", node.value):
        return f"a leading zero means octal to some readers of YAML: write `{node.value.lstrip('0') or '0'}`"
    return None


def _bounded(what: str, minimum: float, maximum: float, most: float) -> str:
    low, high = (f"{each:g}" if isinstance(each, float) else str(each) for each in (minimum, maximum))
    if minimum == maximum:
        return low
    if minimum == -most:
        return what if maximum == most else f"{what} of at most {high}"
    return f"{what} of at least {low}" if maximum == most else f"{what} from {low} to {high}"
