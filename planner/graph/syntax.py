"""The tokens and lines of a graph's text: indentation, limits, and what to say where the text does not go on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lark import Lark, Token, UnexpectedInput
from lark import Tree as Parsed
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.indenter import DedentError, Indenter

from ...grammar import Diagnostic, SourceFile, Span
from .errors import GraphSyntax, GraphTooLarge

MOST_CHARACTERS = 1 << 20
MOST_NESTED = 16


class _Lines(Indenter):
    """Indentation as tokens."""

    NL_type = "_NL"
    OPEN_PAREN_types: list[str] = []  # noqa: RUF012 - Lark reads these as attributes
    CLOSE_PAREN_types: list[str] = []  # noqa: RUF012
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 8


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("graph.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", postlex=_Lines(), propagate_positions=True, maybe_placeholders=True)


def parse_text(source: SourceFile) -> Parsed[Token] | Diagnostic:
    """The tree that the grammar makes of a graph's text, or where it does not go on."""
    text = source.text
    if len(text) > MOST_CHARACTERS:
        return GraphTooLarge(None, "1 MiB")
    if _deepest(text) > 2 * MOST_NESTED:
        return GraphTooLarge(None, f"{MOST_NESTED} nested regions")
    try:
        return _parser().parse(text.rstrip() + "\n")
    except DedentError:
        return GraphSyntax(_bad_indent(source), "this indentation", ("a line that starts where one above does",))
    except UnexpectedInput as error:
        return _syntax(error, source)


def _deepest(text: str) -> int:
    widths = [len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line.strip()]
    return max(len(set(widths)), 0)


def _bad_indent(source: SourceFile) -> Span:
    """The first line whose indentation no open line above has."""
    open_widths = [0]
    at = 0
    for line in source.text.split("\n"):
        width = len(line) - len(line.lstrip(" "))
        if line.strip() and not line.lstrip().startswith("#"):
            deeper = width > open_widths[-1]
            open_widths = [each for each in open_widths if each <= width]
            if deeper:
                open_widths.append(width)
            elif open_widths[-1:] != [width]:
                return source.span(at, at + max(1, width))
        at += len(line) + 1
    return source.span(0, 0)


_WORDS = {
    "_NL": "the end of the line",
    "_INDENT": "an indented line",
    "_DEDENT": "the end of the block",
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "STRING": "a string",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOTS": "`..`",
    "PLUS": "`+`",
    "VBAR": "`|`",
    "X": "`x`",
    "BY": "`by`",
    "SEMICOLON": "`;`",
    "EMIT": "`emit`",
    "YIELD": "`yield`",
    "UNTIL": "`until`",
    "GRAPH": "`graph`",
    "$END": "the end",
}


def _syntax(error: UnexpectedInput, source: SourceFile) -> Diagnostic:
    start = min(error.pos_in_stream or 0, len(source.text))
    expected: Iterable[str] = ()
    end = start + 1
    match error:
        case UnexpectedToken():
            expected = error.accepts or error.expected
            if error.token.type in ("_INDENT", "_DEDENT", "_NL", "$END"):
                found = _WORDS[error.token.type]
                start = min(start, len(source.text.rstrip("\n")))
                end = start + 1
            else:
                found, end = f"`{error.token}`", start + len(error.token)
        case UnexpectedCharacters():
            expected, found = error.allowed or (), repr(source.text[start : start + 1])
        case _:
            found = "the end"
    end = min(end, len(source.text))
    words = sorted({_WORDS.get(name, f"`{name.lower()}`") for name in expected})
    return GraphSyntax(source.span(min(start, end), end), found, tuple(words[:6]))
