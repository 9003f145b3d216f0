"""Text with a name, and places in it: lines and columns are counted from the index, as editors do."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import lru_cache

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A text that a person wrote, under the name by which it is shown to people."""

    name: str
    text: str

    @property
    def line_count(self) -> int:
        """How many lines an editor would number; the empty text has one."""
        return len(_line_starts(self.text))

    def line_of(self, index: int) -> int:
        """The 1-based line that holds the code point at `index`.

        >>> SourceFile("a.yaml", "one\\r\\ntwo\\rthree").line_of(9)
        3
        """
        return bisect_right(_line_starts(self.text), index)

    def column_of(self, index: int) -> int:
        """The 1-based column of `index`, in code points."""
        return index - self.line_start(self.line_of(index)) + 1

    def line_start(self, line: int) -> int:
        """The index at which a 1-based line begins."""
        return _line_starts(self.text)[line - 1]

    def line_text(self, line: int) -> str:
        """A 1-based line without the break that ends it."""
        starts = _line_starts(self.text)
        end = starts[line] if line < len(starts) else len(self.text)
        text = self.text[starts[line - 1] : end]
        if text.endswith("\r\n"):
            return text[:-2]
        return text[:-1] if text.endswith(("\r", "\n")) else text

    def span(self, start: int, end: int) -> Span:
        """The place from `start` up to, not including, `end`."""
        return Span(self, start, end)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: code points `start` up to, not including, `end`.

    A text that YAML reaches through an alias was written in one place and counts in another: `via` is the alias.
    """

    source: SourceFile
    start: int
    end: int
    via: Span | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        assert 0 <= self.start <= self.end <= len(self.source.text), "a span lies inside its text"

    @property
    def line(self) -> int:
        """The 1-based line of the first code point."""
        return self.source.line_of(self.start)

    @property
    def column(self) -> int:
        """The 1-based column of the first code point."""
        return self.source.column_of(self.start)

    @property
    def text(self) -> str:
        """What stands there."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`, which lies behind it in the same text."""
        return replace(self, end=max(self.end, other.end))

    def used_at(self, alias: Span) -> Span:
        """The same place, reached through one alias more."""
        return replace(self, via=alias if self.via is None else self.via.used_at(alias))

    def __repr__(self) -> str:
        return f"Span({self.source.name}:{self.line}:{self.column} {self.text[:40]!r})"


@lru_cache(maxsize=32)
def _line_starts(text: str) -> tuple[int, ...]:
    # Only \n, \r\n and \r: YAML 1.1 and str.splitlines also break at U+0085 or U+2028, no editor does.
    return (0, *(match.end() for match in _LINE_BREAK.finditer(text)))
