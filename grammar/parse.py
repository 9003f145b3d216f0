"""Reads the strategy expression: text to tree, or to diagnostics that say what was meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Any

from . import expression_errors as errors
from .ast import Argument, Call, Excerpt, Expr, List, Name, Number, String
from .diagnostic import Diagnostic
from .source import Span
from .tokens import MAX_MISTAKES, expression_parser, read_number, token_span, tokens

if TYPE_CHECKING:
    from lark import Token, Tree
    from lark.parsers.lalr_interactive_parser import InteractiveParser

MAX_NESTING = 32
MAX_LENGTH = 16384
_CLOSING = {"LPAR": ("RPAR", ")"), "LSQB": ("RSQB", "]")}
_CLOSERS = frozenset({"RPAR", "RSQB"})
_VALUES = frozenset({"NAME", "NUMBER", "STRING", "LSQB"})


def parse_expression(excerpt: Excerpt) -> tuple[Expr | None, tuple[Diagnostic, ...]]:
    """The tree of an expression, or None and what is wrong with it.

    >>> from specplan.grammar import SourceFile
    >>> source = SourceFile("example", "speculate(target, draft = ngram(3,),)  # short")
    >>> print(parse_expression(Excerpt.cut(source))[0])
    speculate(target, draft=ngram(3))
    """
    if len(excerpt.text) > MAX_LENGTH:
        return None, (errors.TooLong(excerpt.span(MAX_LENGTH, MAX_LENGTH), MAX_LENGTH),)
    reading = _Reading(excerpt)
    tree = reading.parse()
    if tree is None:
        return None, tuple(reading.mistakes)
    builder = _Builder(excerpt)
    expression = builder.value(tree.children[0])
    return (None if builder.mistakes else expression), tuple(builder.mistakes)


class _Reading:
    """One pass over an excerpt; it mends what it understands and goes on, to find more than one mistake."""

    def __init__(self, excerpt: Excerpt) -> None:
        self.excerpt = excerpt
        self.mistakes: list[Diagnostic] = []
        self.state: InteractiveParser = expression_parser().parse_interactive("", start="start")
        self.open: list[Token] = []  # brackets not yet closed
        self.first: Token | None = None
        self.last: Token | None = None

    def parse(self) -> Tree[Token] | None:
        """The syntax tree, or None when anything is wrong."""
        for token in tokens(self.excerpt, self.mistakes):
            self.first = self.first or token
            if not self._feed(token) or len(self.mistakes) >= MAX_MISTAKES:
                return None
            self.last = token
        self.mistakes.extend(self._unfinished())
        if self.mistakes:
            return None
        tree: Tree[Token] = self.state.feed_eof()  # type: ignore[no-untyped-call]
        return tree

    def _unfinished(self) -> Iterator[Diagnostic]:
        if any(isinstance(each, errors.UnclosedString) for each in self.mistakes):
            return  # it has swallowed the brackets too
        if self.last is not None:
            end = self._span(self.last)
            for opening in reversed(self.open):
                here = Span(end.source, end.end, end.end)
                yield errors.UnclosedBracket(self._span(opening), str(opening), _CLOSING[opening.type][1], here)
        elif not self.mistakes:
            yield errors.EmptyExpression(_trimmed(self.excerpt))

    def _feed(self, token: Token) -> bool:
        """Hands a token to the parser; False when there is no going on."""
        from lark import UnexpectedToken

        if token.type in _CLOSING and len(self.open) >= MAX_NESTING:
            self.mistakes.append(errors.TooDeep(self._span(token), MAX_NESTING))
            return False
        try:
            self.state.feed_token(token)
        except UnexpectedToken:
            missing = self._mend(token, self._accepts())
            if missing is None:
                return False
            self.state.feed_token(token.update(type=missing))
            return self._feed(token) if token.type in self._accepts() else False
        if token.type in _CLOSING:
            self.open.append(token)
        elif token.type in _CLOSERS:
            self.open.pop()
        return True

    def _mend(self, token: Token, accepts: Set[str]) -> str | None:
        """Reports a token that cannot stand here; tells which kind of token before it would help."""
        span, text = self._span(token), _short(str(token))
        values_fit = not _VALUES.isdisjoint(accepts)
        if token.type in _VALUES and "COMMA" in accepts and self.last is not None:
            self.mistakes.append(errors.MissingComma(span, self._span(self.last), text))
            return "COMMA"
        if token.type == "EQUAL":
            self.mistakes.append(errors.MisplacedEqual(span))
            return None
        if "$END" in accepts and self.first is not None and self.last is not None:
            whole = self._span(self.first).to(self._span(self.last))
            self.mistakes.append(errors.TextAfterEnd(span, text, whole))
            return None
        if token.type in _CLOSERS and self.open and _CLOSING[self.open[-1].type][0] != token.type:
            expected = _CLOSING[self.open[-1].type][1]
            self.mistakes.append(errors.WrongBracket(span, expected, text, self._span(self.open[-1])))
            return None
        if values_fit and (token.type == "COMMA" or token.type in _CLOSERS):
            self.mistakes.append(errors.MissingValue(span, text))
            return "NAME"
        self.mistakes.append(errors.UnexpectedCharacter(span, text))
        return None

    def _accepts(self) -> Set[str]:
        return frozenset(self.state.accepts())  # type: ignore[no-untyped-call]

    def _span(self, token: Token) -> Span:
        return token_span(self.excerpt, token)


class _Builder:
    """From the parser's tree to our own; the nesting is capped, so it may recurse."""

    def __init__(self, excerpt: Excerpt) -> None:
        self.excerpt = excerpt
        self.mistakes: list[Diagnostic] = []

    def value(self, tree: Any) -> Expr:
        """A call, name, number, string or list. Lark does not type the children of a tree, hence `Any`."""
        span = self.excerpt.span(tree.meta.start_pos, tree.meta.end_pos)
        children = tree.children
        match tree.data:
            case "call":
                name, *arguments = children
                return Call(self._name(name), self._arguments(arguments), span)
            case "list":
                return List(tuple(self.value(each) for each in children if each is not None), span)
            case "name":
                return self._name(tree)
            case "number":
                number = read_number(str(children[0]))
                assert number is not None, "numbers too large were reported as tokens"
                return Number(number, span)
            case "string":
                return String(json.loads(str(children[0])), span)
            case other:
                raise AssertionError(f"plan.lark has a rule `{other}` that is not read")

    def _name(self, tree: Any) -> Name:
        return Name(str(tree.children[0]), self.excerpt.span(tree.meta.start_pos, tree.meta.end_pos))

    def _arguments(self, trees: list[Any]) -> tuple[Argument, ...]:
        arguments: list[Argument] = []
        seen: dict[str, Span] = {}
        for tree in trees:
            if tree is None:
                continue
            name, value = tree.children
            argument = Argument(None if name is None else self._name(name), self.value(value))
            arguments.append(argument)
            if argument.name is None:
                if seen:
                    self.mistakes.append(errors.PlaceAfterName(argument.span, next(iter(seen.values()))))
            elif argument.name.text in seen:
                text = argument.name.text
                self.mistakes.append(errors.RepeatedArgument(argument.name.span, text, seen[text]))
            else:
                seen[argument.name.text] = argument.name.span
        return tuple(arguments)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _trimmed(excerpt: Excerpt) -> Span:
    text = excerpt.text
    start = len(text) - len(text.lstrip())
    return excerpt.span(start, max(start, len(text.rstrip())))
