"""The strategy expression as a tree: calls, names, numbers, strings and lists, each with its place in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .source import SourceFile, Span

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[T_co]):
    """A value and where it was written; not `given` means a default, and the place is then that of its section."""

    value: T_co
    span: Span = field(compare=False, repr=False)
    given: bool = True


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a file as its reader sees it: code point `i` of `text` was written at `starts[i]` to `ends[i]`."""

    source: SourceFile = field(repr=False)
    text: str
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)
    via: Span | None = field(default=None, repr=False)

    @classmethod
    def cut(cls, source: SourceFile, start: int = 0, end: int | None = None) -> Excerpt:
        """The text just as it stands between two indices."""
        stop = len(source.text) if end is None else end
        return cls(source, source.text[start:stop], range(start, stop + 1), range(start + 1, stop + 1))

    def span(self, start: int, end: int) -> Span:
        """Where in the file a range of this text was written; `starts` has one entry more, for the end."""
        first = self.starts[start]
        return Span(self.source, first, self.ends[end - 1] if end > start else first, self.via)

    @property
    def whole(self) -> Span:
        """Where all of it was written."""
        return self.span(0, len(self.text))


@dataclass(frozen=True, slots=True)
class Name:
    """A word: a model, a method, or a constant such as `none`, `auto`, `true`."""

    text: str
    span: Span = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Number:
    """An integer, or a float when it was written with a point or an exponent."""

    value: int | float
    span: Span = field(compare=False, repr=False)

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class String:
    """A text in double quotes, its escapes undone."""

    value: str
    span: Span = field(compare=False, repr=False)

    def __str__(self) -> str:
        return json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class List:
    """Values in square brackets."""

    items: tuple[Expr, ...]
    span: Span = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class Argument:
    """A value handed to a call, by its place (`name` is None) or by its name."""

    name: Name | None
    value: Expr

    @property
    def span(self) -> Span:
        """The name, where there is one, and the value."""
        return self.value.span if self.name is None else self.name.span.to(self.value.span)

    def __str__(self) -> str:
        return str(self.value) if self.name is None else f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class Call:
    """A strategy with its arguments: those by place first, then those by name, no name twice."""

    function: Name
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False, repr=False)

    @property
    def positional(self) -> tuple[Argument, ...]:
        """The arguments that are told by their place."""
        return tuple(each for each in self.arguments if each.name is None)

    @property
    def named(self) -> dict[str, Argument]:
        """The arguments that are told by their name."""
        return {each.name.text: each for each in self.arguments if each.name is not None}

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Expr = Call | Name | Number | String | List


def walk(expression: Expr) -> Iterator[Expr]:
    """The expression and everything inside it, outermost first, in the order of the text."""
    yield expression
    match expression:
        case Call(arguments=arguments):
            for argument in arguments:
                yield from walk(argument.value)
        case List(items=items):
            for item in items:
                yield from walk(item)
        case _:
            pass
