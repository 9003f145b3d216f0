"""Reads YAML into nodes that know their places; types, tags and merging are left out on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from . import errors
from .ast import Excerpt
from .diagnostic import Diagnostic
from .source import SourceFile, Span
from .yaml_scalars import STYLES, ScalarStyle, scalar_excerpt
from .yaml_trouble import explain_trouble, missing_space

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_REPEATED = 10_000
_MAX_MISTAKES = 20
# What YAML's own reader refuses, one character at a time.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PROPERTIES = re.compile(r"(?:&[0-9A-Za-z_-]+|!\S*)(?:\s+(?:#[^\r\n\x85\u2028\u2029]*)?)*")
_TAG = re.compile(r"!\S*")


@dataclass(frozen=True, slots=True)
class YamlScalar:
    """A word or text, not yet of any type; `excerpt` maps it back to the file."""

    value: str
    style: ScalarStyle
    excerpt: Excerpt
    span: Span

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written at all (`key:`), which is not the same as an empty string."""
        return self.style == "plain" and not self.value


@dataclass(frozen=True, slots=True)
class YamlList:
    """A sequence."""

    items: tuple[YamlNode, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class YamlEntry:
    """One key of a mapping and its value."""

    key: YamlScalar
    value: YamlNode


@dataclass(frozen=True, slots=True)
class YamlMap:
    """A mapping; no key stands in it twice."""

    entries: tuple[YamlEntry, ...]
    span: Span


YamlNode = YamlScalar | YamlList | YamlMap


def read_yaml(data: bytes, name: str) -> tuple[YamlNode | None, SourceFile, tuple[Diagnostic, ...]]:
    """The document in a file, the text that all its places refer to, and what is wrong.

    A node may come with diagnostics: then it is what could be read in spite of them.
    """
    if len(data) > MAX_BYTES:
        return None, SourceFile(name, ""), (errors.FileTooLarge(None, name, len(data), MAX_BYTES),)
    source, mistakes = decode_text(data, name)
    if mistakes:
        return None, source, mistakes
    composer = _Composer(source)
    node = composer.document()
    return node, source, tuple(composer.mistakes)


def decode_text(data: bytes, name: str) -> tuple[SourceFile, tuple[Diagnostic, ...]]:
    """The text of a file, UTF-8 with or without a byte order mark, and what in it is no text."""
    # The byte order mark goes first, so that indices and columns are those of an editor.
    data = data.removeprefix(b"\xef\xbb\xbf")
    source = SourceFile(name, data.decode("utf-8", "surrogateescape"))
    mistakes: list[Diagnostic] = []
    for match in _UNPRINTABLE.finditer(source.text):
        span, number = source.span(match.start(), match.end()), ord(match[0])
        if 0xDC80 <= number <= 0xDCFF:
            return source, (errors.NotUtf8(span),)
        mistakes.append(errors.ControlCharacter(span, number))
        if len(mistakes) >= _MAX_MISTAKES:
            break
    return source, tuple(mistakes)


class _Events(Reader, Scanner, Parser):  # pure Python: the C library ends the process on deep nesting
    """YAML's events with their places, without the types that YAML would guess."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


class _Fatal(Exception):
    """A mistake after which the rest of the file cannot be trusted."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


class _Composer:
    """From events to nodes: depth and repetition are bounded here, anchors and duplicate keys judged."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.mistakes: list[Diagnostic] = []
        self.events = _Events(source.text)
        self.anchors: dict[str, tuple[Span, YamlNode | None]] = {}  # None: the value is not finished yet
        self.repeated = 0

    def document(self) -> YamlNode | None:
        """The only document of the file."""
        try:
            return self._document()
        except _Fatal as fatal:
            self.mistakes.append(fatal.diagnostic)
        except MarkedYAMLError as error:
            self.mistakes.append(explain_trouble(self.source, error))
        except (ValueError, OverflowError):  # an escape beyond Unicode, a version number of 5000 digits
            here = min(self.events.index, len(self.source.text))
            self.mistakes.append(errors.BrokenYaml(self._span(here, here), "a number is out of range", None))
        return None

    def _document(self) -> YamlNode | None:
        self._next()  # the stream's start
        event = self._next()
        node = None if isinstance(event, StreamEndEvent) else self._node(self._next(), 0)
        if node is None or (isinstance(node, YamlScalar) and node.is_empty):
            raise _Fatal(errors.EmptyFile(self._span(0, len(self.source.text.rstrip()))))
        end = self._next()
        assert isinstance(end, DocumentEndEvent), "a document has one node"
        second = self._next()
        if isinstance(second, DocumentStartEvent):
            start = _start(second)
            raise _Fatal(errors.SecondDocument(self._span(start, max(start, _end(second)))))
        return node

    def _next(self) -> Event:
        event: Event = self.events.get_event()  # type: ignore[no-untyped-call]
        return event

    def _node(self, event: Event, depth: int) -> YamlNode:
        assert isinstance(event, NodeEvent), "the grammar of events has a node here"
        if isinstance(event, AliasEvent):
            return self._alias(event, depth)
        assert isinstance(event, ScalarEvent | CollectionStartEvent), "aliases aside, these are all nodes"
        start = _start(event)
        if event.anchor is not None:
            self._declare(event.anchor, start)
        content = self._skip_properties(event, start)
        node: YamlNode
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, content)
        else:
            if depth >= MAX_DEPTH:
                raise _Fatal(errors.NestedTooDeep(self._span(content, content + 1), MAX_DEPTH))
            node = (
                self._list(event, content, depth)
                if isinstance(event, SequenceStartEvent)
                else self._map(event, content, depth)
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = (self.anchors[event.anchor][0], node)
        return node

    def _skip_properties(self, event: ScalarEvent | CollectionStartEvent, start: int) -> int:
        """Where the value itself begins: a node's mark is that of its anchor or tag."""
        if event.anchor is None and event.tag is None:
            return start
        limit = _end(event) if isinstance(event, ScalarEvent) else len(self.source.text)
        content = start
        while match := _PROPERTIES.match(self.source.text, content, limit):
            content = match.end()
            if tag := _TAG.match(match[0]):
                end = match.start() + tag.end()
                self._report(errors.TagRefused(self._span(match.start(), end), tag[0]))
        return content

    def _scalar(self, event: ScalarEvent, start: int) -> YamlScalar:
        style = STYLES[event.style]
        end = _end(event)
        value: str = event.value
        if style == "plain" and not value:
            start = end
        if half := _SURROGATE.search(value):
            raise _Fatal(errors.ControlCharacter(self._span(start, end), ord(half[0])))
        excerpt = scalar_excerpt(self.source, start, end, style, value)
        span = excerpt.whole if style in ("literal", "folded") else self._span(start, end)
        return YamlScalar(value, style, excerpt, _without_blank_ends(span))

    def _list(self, event: CollectionStartEvent, start: int, depth: int) -> YamlList:
        items: list[YamlNode] = []
        while not isinstance(following := self._next(), SequenceEndEvent):
            items.append(self._node(following, depth + 1))
        end = _end(following) if event.flow_style or not items else items[-1].span.end
        return YamlList(tuple(items), self._span(start, max(start, end)))

    def _map(self, event: CollectionStartEvent, start: int, depth: int) -> YamlMap:
        entries: dict[str, YamlEntry] = {}
        wrong: list[Diagnostic] = []
        last: YamlNode | None = None
        while not isinstance(following := self._next(), MappingEndEvent):
            written_out = isinstance(following, ScalarEvent)
            key = self._node(following, depth + 1)
            last = self._node(self._next(), depth + 1)
            if not written_out or not isinstance(key, YamlScalar) or key.is_empty:
                wrong.append(errors.KeyNotText(key.span))
            elif key.value == "<<" and key.style == "plain":
                wrong.append(errors.MergeKeyRefused(key.span))
            elif key.value in entries:
                wrong.append(errors.DuplicateKey(key.span, key.value, entries[key.value].key.span))
            else:
                entries[key.value] = YamlEntry(key, last)
        end = _end(following) if event.flow_style or last is None else last.span.end
        node = YamlMap(tuple(entries.values()), self._span(start, max(start, end)))
        self._check_keys(node, flow=bool(event.flow_style))
        for each in wrong:
            self._report(each)
        return node

    def _check_keys(self, node: YamlMap, *, flow: bool) -> None:
        """What is legal YAML, and never what was meant."""
        opened: YamlScalar | None = None
        for entry in node.entries:
            key, value = entry.key, entry.value
            if opened is not None and key.value.count(")") > key.value.count("("):
                raise _Fatal(errors.SplitByComma(opened.span.to(key.span)))
            alone = isinstance(value, YamlScalar) and value.is_empty
            if key.style == "plain" and (mistake := missing_space(key.value, key.span, alone=alone)):
                raise _Fatal(mistake)
            if flow and isinstance(value, YamlScalar) and value.style == "plain" and _opens(value.value):
                opened = value

    def _declare(self, name: str, start: int) -> None:
        span = self._span(start, start + 1 + len(name))
        if name in self.anchors:
            raise _Fatal(errors.AnchorTwice(span, name, self.anchors[name][0]))
        self.anchors[name] = (span, None)

    def _alias(self, event: AliasEvent, depth: int) -> YamlNode:
        span = self._span(_start(event), _end(event))
        name = event.anchor
        assert name is not None, "an alias has a name"
        if name not in self.anchors:
            raise _Fatal(errors.UnknownAlias(span, name, tuple(self.anchors)))
        anchor, node = self.anchors[name]
        if node is None:
            raise _Fatal(errors.AliasOfItself(span, name, anchor))
        size, height = _measure(node)
        if depth + height > MAX_DEPTH:
            raise _Fatal(errors.NestedTooDeep(span, MAX_DEPTH))
        self.repeated += size
        if self.repeated > MAX_REPEATED:
            raise _Fatal(errors.TooMuchRepeated(span, MAX_REPEATED))
        return _used_at(node, span)

    def _report(self, diagnostic: Diagnostic) -> None:
        if len(self.mistakes) >= _MAX_MISTAKES:
            raise _Fatal(diagnostic)
        self.mistakes.append(diagnostic)

    def _span(self, start: int, end: int) -> Span:
        length = len(self.source.text)  # the reader puts a zero behind the end, and may count it
        return self.source.span(min(start, length), min(end, length))


def _start(event: Event) -> int:
    assert event.start_mark is not None, "what is read from a text has a place"
    return event.start_mark.index


def _end(event: Event) -> int:
    assert event.end_mark is not None, "what is read from a text has a place"
    return event.end_mark.index


def _opens(text: str) -> bool:
    return text.count("(") > text.count(")")


def _children(node: YamlNode) -> Iterator[YamlNode]:
    match node:
        case YamlList(items=items):
            yield from items
        case YamlMap(entries=entries):
            for entry in entries:
                yield entry.key
                yield entry.value
        case YamlScalar():
            pass


def _measure(node: YamlNode) -> tuple[int, int]:
    """How many nodes there are, and on how many levels below the first."""
    sizes, heights = [1], [0]
    for child in _children(node):
        size, height = _measure(child)
        sizes.append(size)
        heights.append(height + 1)
    return sum(sizes), max(heights)


def _used_at(node: YamlNode, alias: Span) -> YamlNode:
    """A copy whose places remember the alias."""
    span = node.span.used_at(alias)
    match node:
        case YamlScalar(excerpt=excerpt):
            return replace(node, span=span, excerpt=replace(excerpt, via=span.via))
        case YamlList(items=items):
            return YamlList(tuple(_used_at(each, alias) for each in items), span)
        case YamlMap(entries=entries):
            copies = []
            for entry in entries:
                key = _used_at(entry.key, alias)
                assert isinstance(key, YamlScalar), "a copy is of the same kind"
                copies.append(YamlEntry(key, _used_at(entry.value, alias)))
            return YamlMap(tuple(copies), span)


def _without_blank_ends(span: Span) -> Span:
    text = span.text
    start = span.start + len(text) - len(text.lstrip())
    return replace(span, start=start, end=max(start, span.start + len(text.rstrip())))
