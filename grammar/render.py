"""Diagnostics for eyes (source lines with carets) and for programs (JSON)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

from .diagnostic import Diagnostic, Label, Severity
from .source import SourceFile, Span

FORMAT_VERSION = 1
_LONG_LINE = 160  # code points; a longer line is shown through a window around each mark
_WINDOW_BEFORE, _WINDOW_AFTER = 40, 100
_TAB = 8
_CARET_COLOUR = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_GUTTER_COLOUR = "34"


def render(diagnostics: Iterable[Diagnostic], *, colour: bool) -> str:
    """Text as a person reads it: each mistake under its source line, ordered by place, one note per code."""
    blocks: list[str] = []
    explained: set[str] = set()
    for diagnostic in _by_place(diagnostics):
        lines = [*_draw(diagnostic, _Paint(colour))]
        if diagnostic.code not in explained:
            explained.add(diagnostic.code)
            lines.append(f"note: run `specplan explain-code {diagnostic.code}` for the rule")
        blocks.append("".join(f"{line.rstrip()}\n" for line in lines))
    return "\n".join(blocks)


def to_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """The same facts for programs: lines and columns are 1-based, `start` and `end` 0-based, all in code points."""
    ordered = _by_place(diagnostics)
    return {
        "format_version": FORMAT_VERSION,
        "error_count": sum(each.severity is Severity.ERROR for each in ordered),
        "warning_count": sum(each.severity is Severity.WARNING for each in ordered),
        "diagnostics": [_json_diagnostic(each) for each in ordered],
    }


def visible(text: str) -> str:
    """The text with everything that a terminal would obey, or that no eye could see, spelled out.

    >>> visible("a\\x1b[31m")
    'a\\\\x1b[31m'
    """
    return "".join(map(_visible_character, text))


def fitted(text: str, cells: int) -> str:
    """A text of one line as `visible` shows it, cut down or filled up to so many cells of a terminal.

    >>> fitted("copper wires", 8), fitted("铜线的用途", 6), fitted("ore", 6)
    ('copper …', '铜线… ', 'ore   ')
    """
    pieces = [*map(_visible_character, text)]
    ends = [*accumulate(map(_cells_of, pieces))]
    end = "" if not ends or ends[-1] <= cells else "…"
    count = sum(each <= cells - len(end) for each in ends)
    return "".join(pieces[:count]) + end + " " * (cells - len(end) - (ends[count - 1] if count else 0))


def _by_place(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
        span = diagnostic.span
        return ("", 0, 0) if span is None else (span.source.name, span.start, span.end)

    return sorted(diagnostics, key=place)


def _json_diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    spans = [] if diagnostic.span is None else [_json_span(diagnostic.span, diagnostic.label_text(), primary=True)]
    spans += [_json_span(label.span, label.text, primary=False) for label in diagnostic.places()]
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message(),
        "label": diagnostic.label_text(),
        "help": [*diagnostic.help()],
        "spans": spans,
    }


def _json_span(span: Span, label: str, *, primary: bool) -> dict[str, Any]:
    source = span.source
    return {
        "file": source.name,
        "line": span.line,
        "column": span.column,
        "end_line": source.line_of(span.end),
        "end_column": source.column_of(span.end),
        "start": span.start,
        "end": span.end,
        "is_primary": primary,
        "label": label,
    }


@dataclass(frozen=True, slots=True)
class _Paint:
    on: bool

    def __call__(self, text: str, colour: str, *, bold: bool = False) -> str:
        if not self.on or not text:
            return text
        return f"\x1b[{'1;' if bold else ''}{colour}m{text}\x1b[0m"


@dataclass(frozen=True, slots=True)
class _Mark:
    """An underline on one line, in code points of that line."""

    line: int
    start: int
    end: int
    sign: str
    text: str


def _draw(diagnostic: Diagnostic, paint: _Paint) -> Iterator[str]:
    colour = _CARET_COLOUR[diagnostic.severity]
    head = f"{diagnostic.severity.value}[{diagnostic.code}]"
    yield f"{paint(head, colour, bold=True)}: {visible(diagnostic.message())}"
    if diagnostic.span is not None:
        yield from _draw_places(diagnostic.span, diagnostic, paint, colour)
    yield from (f"help: {visible(each)}" for each in diagnostic.help())


def _draw_places(span: Span, diagnostic: Diagnostic, paint: _Paint, colour: str) -> Iterator[str]:
    related = diagnostic.places()
    files = [(span.source, [*_marks(Label(span, diagnostic.label_text()), "^")])]
    for label in related:
        same = next((marks for source, marks in files if source == label.span.source), None)
        if same is None:
            files.append((label.span.source, same := []))
        same.extend(_marks(label, "-"))
    width = max(len(str(mark.line)) for _, marks in files for mark in marks)
    for number, (source, marks) in enumerate(files):
        place = span if number == 0 else next(each.span for each in related if each.span.source == source)
        arrow = paint(f"{' ' * width}{'-->' if number == 0 else ':::'}", _GUTTER_COLOUR, bold=True)
        yield f"{arrow} {visible(source.name)}:{place.line}:{place.column}"
        yield from _draw_lines(source, marks, width, paint, colour)
    yield paint(f"{' ' * width} |", _GUTTER_COLOUR, bold=True)


def _marks(label: Label, sign: str) -> Iterator[_Mark]:
    """One mark for a place within a line; for a longer one its first and its last line, the words at the last."""
    span, source = label.span, label.span.source
    first, last = span.line, source.line_of(max(span.start, span.end - 1))
    begin = span.start - source.line_start(first)
    if first == last:
        yield _Mark(first, begin, begin + span.end - span.start, sign, label.text)
        return
    yield _Mark(first, begin, len(source.line_text(first)), sign, "")
    text = source.line_text(last)
    indent = len(text) - len(text.lstrip(" \t"))
    end = span.end - source.line_start(last)
    yield _Mark(last, min(indent, end), end, sign, label.text)


def _draw_lines(source: SourceFile, marks: Sequence[_Mark], width: int, paint: _Paint, colour: str) -> Iterator[str]:
    bar = paint(f"{' ' * width} |", _GUTTER_COLOUR, bold=True)
    yield bar
    previous: int | None = None
    # Stable: on one line the primary mark comes before the related ones.
    for line, group in groupby(sorted(marks, key=lambda mark: mark.line), key=lambda mark: mark.line):
        if previous is not None and line > previous + 1:
            yield paint("...", _GUTTER_COLOUR, bold=True)
        previous = line
        number = paint(f"{line:>{width}} |", _GUTTER_COLOUR, bold=True)
        shown: str | None = None
        for mark in group:
            text, before, under = _excerpt(source.line_text(line), mark)
            if text != shown:  # marks far apart on a long line have a window each
                yield f"{number} {text}"
            shown = text
            words = f" {visible(mark.text)}" if mark.text else ""
            ink = colour if mark.sign == "^" else _GUTTER_COLOUR
            yield f"{bar} {' ' * before}{paint(mark.sign * under + words, ink, bold=True)}"


def _excerpt(line: str, mark: _Mark) -> tuple[str, int, int]:
    """The line as shown, and in terminal cells: the blank before the underline, and its length."""
    low, high = 0, len(line)
    if len(line) > _LONG_LINE:
        low, high = max(0, mark.start - _WINDOW_BEFORE), min(len(line), mark.start + _WINDOW_AFTER)
    start, end = max(mark.start, low), min(mark.end, high)
    ahead = "…" if low > 0 else ""
    before, under, after = line[low:start], line[start:end], line[max(start, end) : high]
    left = _cells(before, len(ahead))
    marked = _cells(under, len(ahead) + left[1])
    rest = _cells(after, len(ahead) + left[1] + marked[1])
    text = ahead + left[0] + marked[0] + rest[0] + ("…" if high < len(line) else "")
    return text, len(ahead) + left[1], max(1, marked[1])


def _cells(text: str, column: int) -> tuple[str, int]:
    """The text as it is written to a terminal from that column on, and how many cells it takes there."""
    shown: list[str] = []
    width = 0
    for character in text:
        piece = " " * (_TAB - (column + width) % _TAB) if character == "\t" else _visible_character(character)
        shown.append(piece)
        width += _cells_of(piece)
    return "".join(shown), width


def _cells_of(piece: str) -> int:
    return _cell_width(piece) if len(piece) == 1 else len(piece)


def _cell_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _visible_character(character: str) -> str:
    if " " <= character <= "~":
        return character
    match unicodedata.category(character):
        # Unassigned (Cn) is left alone: what counts as assigned depends on Python's Unicode tables.
        case "Cc" | "Cf" | "Cs" | "Zl" | "Zp":
            number = ord(character)
            return f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"
        case _:
            return character
