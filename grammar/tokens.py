"""Tokens of the strategy expression; one that was written wrong is reported and read as what was meant."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from . import expression_errors as errors
from .ast import Excerpt
from .diagnostic import Diagnostic
from .source import Span

if TYPE_CHECKING:
    from lark import Lark, Token

_QUOTES = "'“”„‟‘’‚‛«»`\""
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\u?.?|[\x00-\x1f])')
MAX_MISTAKES = 20
_LARGEST_INTEGER = 2**63 - 1


@cache
def expression_parser() -> Lark:
    """The LALR parser of plan.lark, built once, when first needed."""
    from lark import Lark  # late: 40 ms that reading a YAML file does not need

    return Lark.open(
        "plan.lark", rel_to=__file__, parser="lalr", lexer="basic", start=["start", "mistake"], propagate_positions=True
    )


def tokens(excerpt: Excerpt, mistakes: list[Diagnostic]) -> Iterator[Token]:
    """The tokens of an excerpt; what is wrong with single ones is added to `mistakes`."""
    for token in expression_parser().lex(excerpt.text):
        mistake, meant = _judge(excerpt, token)
        if mistake is not None:
            mistakes.append(mistake)
            if len(mistakes) >= MAX_MISTAKES:
                return
        if meant is not None:
            yield token if meant == token.type else token.update(type=meant)


def token_span(excerpt: Excerpt, token: Token) -> Span:
    """Where in the file a token stands."""
    assert token.start_pos is not None, "the lexer gives every token its place"
    return excerpt.span(token.start_pos, token.start_pos + len(token))


def read_number(text: str) -> int | float | None:
    """The value of a number token, or None when it does not fit 64 bits.

    >>> read_number("7"), read_number("1e-5"), read_number("1e999")
    (7, 1e-05, None)
    """
    if text.lstrip("-").isdigit():
        # Twenty characters hold every 64-bit integer; converting a million digits would take minutes.
        value = int(text) if len(text) <= 20 else None
        return value if value is not None and abs(value) <= _LARGEST_INTEGER else None
    real = float(text)
    return real if math.isfinite(real) else None


def _judge(excerpt: Excerpt, token: Token) -> tuple[Diagnostic | None, str | None]:
    """What is wrong with a token by itself, and the kind of token that was meant (None: leave it out)."""
    span, text = token_span(excerpt, token), str(token)
    match token.type:
        case "STRING":
            return _judge_surrogates(text, span), "STRING"
        case "NUMBER":
            return (errors.NumberTooLarge(span) if read_number(text) is None else None), "NUMBER"
        case "WRONG_QUOTES":
            return errors.WrongQuotes(span, text.strip(_QUOTES)), "STRING"
        case "WRONG_STRING":
            return _judge_string(excerpt, token), "STRING"
        case "WRONG_NUMBER":
            return errors.WrongNumber(span, text), "NUMBER"
        case "WRONG_NAME":
            return errors.WrongName(span, text), "NAME"
        case "WRONG_EQUAL":
            return errors.WrongEqual(span, text), "EQUAL"
        case "WRONG_COMMA":
            return errors.WrongComma(span), "COMMA"
        case "WRONG_SPACE":
            return errors.StrangeSpace(span, _space_name(text[0])), None
        case "OTHER":
            return errors.UnexpectedCharacter(span, text), None
        case _:
            return None, token.type


def _judge_string(excerpt: Excerpt, token: Token) -> Diagnostic:
    start, text = token.start_pos, str(token)
    assert start is not None, "the lexer gives every token its place"
    if len(text) < 2 or not text.endswith('"'):
        return errors.UnclosedString(token_span(excerpt, token))
    for match in _ESCAPE.finditer(text):
        if match[1]:
            return errors.WrongEscape(excerpt.span(start + match.start(), start + match.end()), match[1])
    raise AssertionError("a string that is closed and yet wrong has a wrong escape")


def _judge_surrogates(text: str, span: Span) -> Diagnostic | None:
    value = json.loads(text) if "\\u" in text else text
    half = next((each for each in value if "\ud800" <= each <= "\udfff"), None)
    return None if half is None else errors.WrongEscape(span, f"\\u{ord(half):04x}")


def _space_name(character: str) -> str:
    name = unicodedata.name(character, "a control character").lower()
    return f"U+{ord(character):04X}, {name}"
