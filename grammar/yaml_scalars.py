"""Maps a YAML scalar back to the file: each code point of what it says, and where that was written."""

from __future__ import annotations

import re
from typing import Literal

from .ast import Excerpt
from .source import SourceFile

ScalarStyle = Literal["plain", "single", "double", "literal", "folded"]

STYLES: dict[str | None, ScalarStyle] = {
    None: "plain",
    "": "plain",
    "'": "single",
    '"': "double",
    "|": "literal",
    ">": "folded",
}

_BREAK = r"(?:\r\n|[\r\n\x85\u2028\u2029])"
_HEADER = re.compile(rf"[|>][^\r\n\x85\u2028\u2029]*{_BREAK}?")
_SINGLE = re.compile(r"''|[\s\S]")
_DOUBLE = re.compile(rf"\\{_BREAK}[ \t]*|\\(x[0-9a-fA-F]{{2}}|u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}|[\s\S])|[\s\S]")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def scalar_excerpt(source: SourceFile, start: int, end: int, style: ScalarStyle, value: str) -> Excerpt:
    """The words of a scalar in their places.

    Blank space is kept as it was written, not folded as YAML folds it: it means nothing to the readers of an
    expression, and so the comments of a folded scalar still end at their lines.
    """
    match style:
        case "plain":
            excerpt = Excerpt.cut(source, start, end)
        case "literal" | "folded":
            header = _HEADER.match(source.text, start, end)
            assert header is not None, "a block scalar begins with | or >"
            body = source.text[header.end() : end]
            excerpt = Excerpt.cut(source, header.end(), header.end() + len(body.rstrip()))
        case "single":
            excerpt = _unescape(source, start + 1, end - 1, _SINGLE)
        case "double":
            excerpt = _unescape(source, start + 1, end - 1, _DOUBLE)
    assert excerpt.text.split() == value.split(), "slice and value of a scalar agree word for word"
    return excerpt


def _unescape(source: SourceFile, start: int, end: int, pattern: re.Pattern[str]) -> Excerpt:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in pattern.finditer(source.text, start, end):
        character = _character(match[0])
        if character:  # an escaped line break stands for nothing
            characters.append(character)
            starts.append(match.start())
            ends.append(match.end())
    return Excerpt(source, "".join(characters), (*starts, end), tuple(ends))


def _character(written: str) -> str:
    if written == "''":
        return "'"
    if written[0] != "\\" or len(written) == 1:
        return written
    kind = written[1]
    if kind in "xuU":
        return chr(int(written[2:], 16))
    if kind in "\r\n\x85\u2028\u2029":
        return ""
    return _ESCAPES.get(kind, kind)
