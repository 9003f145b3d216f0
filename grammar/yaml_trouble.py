"""Says in our words what is probably wrong where the YAML library stopped."""

from __future__ import annotations

import re
from dataclasses import replace

from yaml.error import Mark, MarkedYAMLError

from . import errors
from .diagnostic import Diagnostic, Label
from .source import SourceFile, Span

_LOOK_BACK = 40  # lines
_GLUED = re.compile(r"([A-Za-z_]\w*):(?=[^\s:/\\])")
_GLUED_BRACKET = re.compile(r"([A-Za-z_]\w*):(?=[\[{])")
_BLOCK_HEADER = re.compile(r"^[ ]*(?:-[ ]+)?[^\s#][^#]*:[ \t]+(?:&\S+[ \t]+)?[|>][-+0-9]*[ \t]*(?:#.*)?$")
_COMMENT = re.compile(r"[ \t](#.*)$")
_PLAIN_VALUE = re.compile(r"^[ ]*[\w-]+:[ \t]+(?![|>'\"\[{&*!#])(.*)$")
_FLOW_CALL = re.compile(r"[{,][ \t]*decode[ \t]*:[ \t]*(\w+\(.*)$")


def explain_trouble(source: SourceFile, error: MarkedYAMLError) -> Diagnostic:
    """The library's error as one of our diagnostics."""
    problem = _clean(error.problem or "it ends too early")
    here = _point(source, error.problem_mark)
    if "'\\t'" in problem:
        return errors.TabIndentation(here if here.text == "\t" else _first_tab(here))
    guess = (
        _split_flow(source, here)
        or _comment_in_plain(source, here)
        or _less_indented(source, here)
        or _glued_key(source, here)
    )
    if guess is not None:
        return guess
    context = None
    if error.context_mark is not None and error.context:
        place = _point(source, error.context_mark)
        if place.start != here.start:
            context = Label(place, _clean(error.context))
    return errors.BrokenYaml(here, problem, context)


def missing_space(word: str, span: Span, *, alone: bool = True) -> Diagnostic | None:
    """The diagnostic for `key:value`, if a plain word looks like that.

    A word that is not alone but has a value of its own must begin a list or mapping behind its colon: `key:{`.
    """
    glued = (_GLUED if alone else _GLUED_BRACKET).match(word)
    return None if glued is None else errors.MissingSpace(replace(span, end=span.start + glued.end()), glued[1])


def _glued_key(source: SourceFile, here: Span) -> Diagnostic | None:
    for line in range(here.line, max(0, here.line - 2), -1):
        text = source.line_text(line)
        indent = len(text) - len(text.lstrip(" -"))
        glued = _GLUED.match(text, indent)
        if glued is not None:
            start = source.line_start(line) + indent
            return errors.MissingSpace(source.span(start, start + glued.end() - indent), glued[1])
    return None


def _split_flow(source: SourceFile, here: Span) -> Diagnostic | None:
    for line in range(here.line, max(0, here.line - _LOOK_BACK), -1):
        if match := _FLOW_CALL.search(source.line_text(line)):
            start = source.line_start(line)
            return errors.SplitByComma(source.span(start + match.start(1), start + match.end(1)))
    return None


def _comment_in_plain(source: SourceFile, here: Span) -> Diagnostic | None:
    """Looks back to the key whose value goes on here, for a comment between its brackets."""
    comment: Span | None = None
    for line in range(here.line, max(0, here.line - _LOOK_BACK), -1):
        text = source.line_text(line)
        found = _COMMENT.search(text)
        if found is not None and line < source.line_of(len(source.text)):
            start = source.line_start(line)
            comment = source.span(start + found.start(1), start + found.end(1))
        if (value := _PLAIN_VALUE.match(text)) is not None:
            written = value[1] if comment is None else source.text[_start_of(source, line, value) : comment.start]
            return errors.CommentInPlain(comment) if comment and written.count("(") > written.count(")") else None
    return None


def _start_of(source: SourceFile, line: int, match: re.Match[str]) -> int:
    return source.line_start(line) + match.start(1)


def _less_indented(source: SourceFile, here: Span) -> Diagnostic | None:
    """Looks back to a block scalar whose first line is to the right of a line that should have been in it."""
    for line in range(here.line, max(0, here.line - _LOOK_BACK), -1):
        if _BLOCK_HEADER.match(source.line_text(line)):
            return _outside_block(source, line, here.line)
    return None


def _outside_block(source: SourceFile, header: int, last: int) -> Diagnostic | None:
    lines = [line for line in range(header + 1, last + 1) if source.line_text(line).strip()]
    if not lines:
        return None
    first = lines[0]
    for line in lines[1:]:
        if _indent(source, line) < _indent(source, first):
            return errors.LessIndented(_line_span(source, line), _line_span(source, first))
    return None


def _indent(source: SourceFile, line: int) -> int:
    text = source.line_text(line)
    return len(text) - len(text.lstrip(" "))


def _line_span(source: SourceFile, line: int) -> Span:
    text, start = source.line_text(line), source.line_start(line)
    return source.span(start + _indent(source, line), start + max(len(text.rstrip()), _indent(source, line)))


def _point(source: SourceFile, mark: Mark | None) -> Span:
    index = len(source.text) if mark is None else min(mark.index, len(source.text))
    return source.span(index, min(index + 1, len(source.text)))


def _first_tab(here: Span) -> Span:
    start = here.source.line_start(here.line)
    tab = here.source.text.find("\t", start)
    return here if tab < 0 else here.source.span(tab, tab + 1)


def _clean(words: str) -> str:
    return " ".join(words.split())
