"""One declaration per kind of file: from it come the reading, the JSON Schema and the documentation.

A section of a file is a frozen dataclass under `Record`, and each of its fields is declared once, with what it takes
and what it is for:

    @dataclass(frozen=True, slots=True)
    class Limits(Record):
        \"\"\"How much may be generated.\"\"\"

        batch: Located[int] = key(Integer(minimum=1), default=1, doc="rows decoded together")

Values come out as `Located`; a nested `Record`, or a mapping of them, comes out as itself. What a key can take is in
`kinds.py`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeVar

from . import errors
from .ast import Located
from .diagnostic import Diagnostic, has_errors
from .source import SourceFile, Span
from .yaml_source import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml
from .yaml_trouble import missing_space

_MAX_MISTAKES = 50
_REQUIRED: Final = object()


@dataclass(frozen=True, slots=True)
class Record:
    """A section of a file, read: where its body stands, and whether it was written or is all defaults."""

    span: Span = field(compare=False, repr=False)
    given: bool = field(repr=False)


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of one key of a section."""

    name: str
    kind: Kind
    doc: str
    default: Any

    @property
    def required(self) -> bool:
        """Whether leaving the key out is a mistake."""
        return self.default is _REQUIRED


class Reader:
    """Collects the mistakes of one reading, so that one run shows them all."""

    def __init__(self) -> None:
        self.mistakes: list[Diagnostic] = []

    def report(self, *diagnostics: Diagnostic) -> None:
        """Adds mistakes; beyond fifty nobody reads on."""
        self.mistakes.extend(diagnostics[: _MAX_MISTAKES - len(self.mistakes)])


class Kind(ABC):
    """What a key takes."""

    @property
    @abstractmethod
    def words(self) -> str:
        """How a sentence calls it: `an integer of at least 1`."""

    @abstractmethod
    def read(self, node: YamlNode, path: str, reader: Reader) -> Any:
        """The value with its place, or None after reporting why there is none."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The same rule as JSON Schema."""

    def default(self, value: Any, span: Span) -> Any:
        """What a field holds when its key was not given."""
        return Located(value, span, given=False)


def key(kind: Kind, *, doc: str, default: Any = _REQUIRED) -> Any:
    """Declares a field of a `Record`; without a default its key must be given."""
    return field(metadata={"key": (kind, doc, default)})


def keys(section: type[Record]) -> tuple[Key, ...]:
    """The keys of a section, in the order of their declaration."""
    found = []
    for each in fields(section):
        if "key" in each.metadata:
            kind, doc, default = each.metadata["key"]
            found.append(Key(each.name, kind, doc, default))
    return tuple(found)


def read_file(
    data: bytes, name: str, section: type[R], *, partial: bool = False
) -> tuple[R | None, SourceFile, tuple[Diagnostic, ...]]:
    """A record from the bytes of a YAML file; `name` is how people know the file.

    With `partial`, mistakes may come with a record: what could be read, and defaults elsewhere. Those who go on with it
    can say in the same run what else is wrong.
    """
    node, source, trouble = read_yaml(data, name)
    if node is None:
        return None, source, trouble
    reader = Reader()
    record = read_section(node, section, "", reader)
    found = (*trouble, *reader.mistakes)
    return (None if has_errors(found) and not partial else record), source, found


def read_record(node: YamlNode, section: type[R], path: str = "") -> tuple[R | None, tuple[Diagnostic, ...]]:
    """A record from a YAML node, or None and everything that is wrong with it; `path` is what messages call it."""
    reader = Reader()
    record = read_section(node, section, path, reader)
    return (None if has_errors(reader.mistakes) else record), tuple(reader.mistakes)


def read_section(node: YamlNode, section: type[R], path: str, reader: Reader) -> R | None:
    """One section: unknown keys, missing keys, and each value as its key demands."""
    entries = read_entries(node, path, "a mapping of keys to values", reader)
    if entries is None:
        return None
    known = {each.name: each for each in keys(section)}
    for name, (span, _) in entries.items():
        if name not in known:
            elsewhere = None if path else _elsewhere(section, name)
            reader.report(errors.UnknownKey(span, name, _title(path), tuple(known), elsewhere))
    values: dict[str, Any] = {}
    complete = True
    for each in known.values():
        if each.name in entries:
            value = each.kind.read(entries[each.name][1], f"{path}.{each.name}".lstrip("."), reader)
            if value is None and not each.required:
                value = each.kind.default(each.default, beginning(entries[each.name][1].span))
            values[each.name] = value
            complete = complete and (value is not None or not each.required)
        elif each.required:
            reader.report(errors.MissingKey(beginning(node.span), each.name, _title(path), each.doc))
            complete = False
        else:
            values[each.name] = each.kind.default(each.default, beginning(node.span))
    return section(span=node.span, given=True, **values) if complete else None


def read_entries(node: YamlNode, path: str, words: str, reader: Reader) -> dict[str, tuple[Span, YamlNode]] | None:
    """The keys of a mapping, each with its place and value; None after reporting that it is no mapping."""
    if isinstance(node, YamlMap):
        return {entry.key.value: (entry.key.span, entry.value) for entry in node.entries}
    glued = missing_space(node.value, node.span) if isinstance(node, YamlScalar) and node.style == "plain" else None
    reader.report(glued or wrong_type(node, path, words))
    return None


def default_section(section: type[R], span: Span) -> R:
    """A section that was not written: every key at its default."""
    values = {each.name: each.kind.default(each.default, span) for each in keys(section)}
    return section(span=span, given=False, **values)


def json_schema(section: type[Record], title: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a file, for editors: descriptions, defaults, choices, bounds."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | json_section(section)


def json_section(section: type[Record]) -> dict[str, Any]:
    """The schema of one section."""
    properties: dict[str, Any] = {}
    for each in keys(section):
        properties[each.name] = each.kind.schema() | {"description": each.doc}
        if not each.required and isinstance(each.default, str | int | float | tuple):
            default = each.default
            properties[each.name]["default"] = [*default] if isinstance(default, tuple) else default
    required = [each.name for each in keys(section) if each.required]
    return {
        "type": "object",
        "description": " ".join((section.__doc__ or "").split()),
        "properties": properties,
        "additionalProperties": False,
    } | ({"required": required} if required else {})


def document(section: type[Record], path: str = "") -> str:
    """The keys of a file as lines of Markdown, nested sections behind their keys."""
    lines: list[str] = []
    for each in keys(section):
        name = f"{path}{each.name}"
        inner = getattr(each.kind, "section", None)
        if inner is not None:
            lines.append(document(inner, f"{name}."))
            continue
        default = "" if each.required or each.default in (None, ()) else f", default {json.dumps(each.default)}"
        fate = ", required" if each.required else default
        lines.append(f"- `{name}` ({each.kind.words}{fate}): {each.doc}\n")
        nested = getattr(getattr(each.kind, "item", None), "section", None)
        if nested is not None:
            lines.append(document(nested, f"{name}.NAME."))
    return "".join(lines)


def wrong_type(node: YamlNode, path: str, expected: str, hint: str | None = None) -> Diagnostic:
    """The diagnostic for a value of another kind than expected."""
    match node:
        case YamlScalar(style="plain", value=""):
            found, hint = "nothing", hint or "give it a value, or leave the key out"
        case YamlScalar(style="plain", value=value):
            found = f"`{value if len(value) <= 40 else f'{value[:39]}…'}`"
        case YamlScalar(value=value):
            found = "a text" if value else "an empty text"
        case YamlList():
            found = "a list"
        case YamlMap(entries=entries):
            found = "a mapping" if entries else "an empty one"
    return errors.WrongType(_first_line(node.span), path or "the file", expected, found, hint)


def beginning(span: Span) -> Span:
    """The place before the first character: where something is missing, or a default counts as standing."""
    return replace(span, end=span.start)


def _first_line(span: Span) -> Span:
    end = span.source.line_start(span.line) + len(span.source.line_text(span.line))
    return replace(span, end=max(span.start, min(span.end, end)))


def _title(path: str) -> str:
    return f"`{path}`" if path else "the file"


def _elsewhere(section: type[Record], name: str) -> str | None:
    """The nested section that does have this key."""
    for each in keys(section):
        inner = getattr(each.kind, "section", None)
        if inner is not None and any(other.name == name for other in keys(inner)):
            return each.name
    return None
