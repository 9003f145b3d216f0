"""The text of types and sizes: `guess[1|2|4 x 0..8, smol, drawn]` and the like, as they are stated."""

from __future__ import annotations

from typing import Any

from lark import Token
from lark import Tree as Parsed

from ...grammar import Diagnostic, SourceFile, Span
from .errors import UnknownWord, WrongField
from .types import (
    Certainty,
    Chat,
    Done,
    Flow,
    Guess,
    Hidden,
    Kv,
    Logits,
    Path,
    Range,
    Size,
    Threads,
    Tokens,
    Tree,
    Trust,
    Type,
)


class Refused(Exception):
    """A part of the text that was answered with a diagnostic."""


class TypeReader:
    """Builds types and sizes of a parsed text, and collects what is wrong."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def span(self, item: Parsed[Token] | Token) -> Span:
        """Where a part of the text stands."""
        if isinstance(item, Token):
            return self.source.span(item.start_pos or 0, item.end_pos or 0)
        if item.meta.empty:
            return self.source.span(0, 0)
        # The end of a line, and the indentation of the next, belong to what the line holds; nobody wants to see them.
        start, end = item.meta.start_pos, min(item.meta.end_pos, len(self.source.text))
        return self.source.span(start, start + len(self.source.text[start:end].rstrip()))

    def bad(self, diagnostic: Diagnostic) -> Refused:
        """Note a mistake; raise what this returns."""
        self.found.append(diagnostic)
        return Refused()

    def dim(self, parsed: Any) -> tuple[Size | None, tuple[Size, ...]]:
        """A dimension: rows, if there is an `x`, and the terms of the sum."""
        *rows, last = parsed.children
        if len(rows) > 1 or (rows and len(rows[0].children) > 1):
            raise self.bad(
                WrongField(self.span(parsed), f"`{self.span(parsed).text}` is not a size: at most one `x`, rows first")
            )
        return self._size(rows[0].children[0]) if rows else None, tuple(self._size(item) for item in last.children)

    def _size(self, choice: Any) -> Size:
        return Size(tuple(self._range(item) for item in choice.children))

    def _range(self, item: Any) -> Range:
        low, dots, high = item.children
        bounds = Range(int(low), int(low) if dots is None else None if high is None else int(high))
        if bounds.high is not None and bounds.high < bounds.low:
            raise self.bad(WrongField(self.span(item), f"`{bounds}` ends before it starts"))
        return bounds

    def type(self, parsed: Any) -> Type:
        """A type as stated."""
        name, *arguments = parsed.children
        dims = [self.dim(item) for item in arguments if is_part(item, "dim")]
        words = [str(item.children[0]) for item in arguments if is_part(item, "word")]
        named = {str(item.children[0]): self.dim(item.children[1])[1] for item in arguments if is_part(item, "named")}
        made = self._type(str(name), dims, words, named)
        if made is None and str(name) not in _TYPES:
            raise self.bad(UnknownWord(self.span(name), "type", str(name), tuple(_TYPES)))
        if made is None:
            raise self.bad(WrongField(self.span(parsed), f"a type `{name}` is written {_TYPES[str(name)]}"))
        return made

    def _type(self, name: str, dims: list[Any], words: list[str], named: dict[str, tuple[Size, ...]]) -> Type | None:
        simple = {"chat": Chat(), "done": Done(), "trust": Trust()}
        if name in simple:
            return None if dims or words or named else simple[name]
        if len(dims) != 1:
            return None
        rows, terms = dims[0]
        row = rows or Size.of(1)
        one = terms[0] if len(terms) == 1 else None
        certainty, words = _certainty(words, name)
        vocab = words[0] if len(words) == 1 else None
        if len(words) > 1 or any(len(term) != 1 for term in named.values()):
            return None
        depth = named.pop("depth", (None,))[0] if name in ("tree", "guess") else None
        top = named.pop("top", (None,))[0] if name == "guess" else None
        if named or (top is not None and top.high != top.low):
            return None
        match name:
            case "tokens" if one:
                return Tokens(one, vocab, row)
            case "path" if one:
                return Path(one, vocab, row)
            case "logits" if one and not words:
                return Logits(one, row)
            case "guess" if one:
                return Guess(one, certainty, vocab, None if top is None else top.low, depth, row)
            case "tree" if one == Size.of(1):
                return Tree(Size.of(0), Size.of(0), certainty, vocab, row)
            case "tree" if len(terms) == 2 and terms[0] == Size.of(1):
                return Tree(terms[1], depth or terms[1], certainty, vocab, row)
            case "hidden" if one and vocab:
                return Hidden(vocab, one, row)
            case "kv" if vocab and is_exact(terms[0]) and (rows is None or is_exact(rows)):
                return Kv(vocab, terms[0].low, terms[1:], row.low)
            case "flow" if one and vocab and rows is not None and is_exact(rows):
                return Flow(rows.low, one, vocab)
            case "threads" if (
                len(terms) == 2 and is_exact(terms[1]) and not words and terms[0] == Size.of(1) and is_exact(row)
            ):
                return Threads(terms[1].low, row.low)
            case _:
                return None


def is_part(item: Any, data: str) -> bool:
    """Is it what that rule of the grammar made?"""
    return isinstance(item, Parsed) and item.data == data


def is_exact(size: Size) -> bool:
    """Is it one number?"""
    return len(size.cases) == 1 and size.low == size.high


def _certainty(words: list[str], name: str) -> tuple[Certainty, list[str]]:
    if name in ("guess", "tree") and words and words[-1] in ("drawn", "unknown"):
        return Certainty(words[-1]), words[:-1]
    return Certainty.CERTAIN, words


_TYPES = {
    "chat": "`chat`",
    "done": "`done`",
    "trust": "`trust`",
    "tokens": "`tokens[1..9]`",
    "path": "`path[1..6]`",
    "guess": "`guess[5, drawn]`",
    "tree": "`tree[1+60, depth=3]`",
    "logits": "`logits[61]`",
    "hidden": "`hidden[target, 75]`",
    "kv": "`kv[target, 2048+9]`",
    "flow": "`flow[3 x 0..8, target]`",
    "threads": "`threads[1+8]`",
}
