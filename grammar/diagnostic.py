"""A mistake as data: a place, a code, a sentence, and ways out. Drawing is `render.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import ClassVar, Literal, dataclass_transform, final

from .source import Span

ExampleKind = Literal["yaml-plan", "expression", "pasta", "graph", "shell", "none"]


class Severity(Enum):
    """How bad it is: only errors stop a plan."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place and the short words under it."""

    span: Span
    text: str


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, eq=False, repr=False)
class Diagnostic:
    """One mistake; each kind of mistake is a subclass whose annotations, `ClassVar`s aside, are the facts.

    A subclass is a frozen dataclass to readers and to type checkers, but needs no decorator: making a dataclass takes
    half a millisecond, there are two hundred kinds of mistakes, and every `specplan check` would wait for them.

    `title` and `label` are `str.format` templates over the facts. `wrong` is an example that provokes this
    diagnostic and `right` one that does not; `example` says what they are written in (`none`: words that no test
    could feed to a reader). `exit_code` is how a program ends over it, if it is an error.

    >>> class Unlucky(Diagnostic):
    ...     number: int
    ...     title = "{number} is unlucky"
    >>> Unlucky(None, 13).message()
    '13 is unlucky'
    """

    span: Span | None

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    exit_code: ClassVar[int] = 1
    title: ClassVar[str]
    label: ClassVar[str] = ""
    rule: ClassVar[str]
    wrong: ClassVar[str]
    right: ClassVar[str]
    example: ClassVar[ExampleKind] = "yaml-plan"
    _names: ClassVar[tuple[str, ...]] = ("span",)

    def __init_subclass__(cls) -> None:
        own = (name for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind))
        cls._names = tuple(dict.fromkeys((*cls._names, *own)))
        cls.__init__ = _fill  # type: ignore[method-assign]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Diagnostic) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash((type(self), *self._facts().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._facts().items())})"

    def message(self) -> str:
        """The sentence after the code."""
        return self.title.format_map(self._facts())

    def label_text(self) -> str:
        """The short words under the caret."""
        return self.label.format_map(self._facts())

    def help(self) -> tuple[str, ...]:
        """Ways out, one sentence each; did-you-mean lives here."""
        return ()

    def related(self) -> tuple[Label, ...]:
        """The other places: where the reader may have thought that it was right."""
        return ()

    @final
    def places(self) -> tuple[Label, ...]:
        """All places but the first: the related ones, and the aliases through which the mistake was reached."""
        labels = [*self.related()]
        alias = None if self.span is None else self.span.via
        while alias is not None:
            labels.append(Label(alias, "used here, through an alias"))
            alias = alias.via
        return tuple(labels)

    @final
    def _facts(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self._names}


def _fill(self: Diagnostic, *values: object, **named: object) -> None:
    """The `__init__` of every kind of mistake; defaults are class attributes, as in a dataclass."""
    assert len(values) <= len(self._names), f"{type(self).__name__} has the facts {self._names}"
    facts = dict(zip(self._names, values, strict=False)) | named
    for name in self._names:
        assert name in facts or hasattr(type(self), name), f"{type(self).__name__} needs the fact `{name}`"
        object.__setattr__(self, name, facts.pop(name) if name in facts else getattr(type(self), name))
    assert not facts, f"{type(self).__name__} has no facts {[*facts]}"


class DiagnosticError(Exception):
    """Carries diagnostics out of a function that cannot return them."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        assert self.diagnostics, "an error carries at least one diagnostic"
        super().__init__("; ".join(f"{each.code}: {each.message()}" for each in self.diagnostics))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of these stops a plan."""
    return any(each.severity is Severity.ERROR for each in diagnostics)


def catalogue() -> Mapping[str, type[Diagnostic]]:
    """Every code of every room imported so far, sorted."""
    found: dict[str, type[Diagnostic]] = {}
    for kind in _kinds(Diagnostic):
        other = found.setdefault(kind.code, kind)
        assert _name(other) == _name(kind), f"{kind.code} is both {_name(other)} and {_name(kind)}"
    return dict(sorted(found.items()))


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or None.

    >>> closest("tagret", ["target", "drafter"])
    'target'
    >>> closest("Target", ["target"])
    'target'
    """
    if not 0 < len(word) <= 64:  # comparing is quadratic, and nobody mistypes a novel
        return None
    known = sorted(set(candidates))
    folded = {each.casefold().replace("-", "_"): each for each in reversed(known)}
    near = get_close_matches(word.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """The help line for a mistyped word, or none."""
    near = closest(word, candidates)
    return () if near is None else (f"did you mean `{near}`?",)


def _kinds(kind: type[Diagnostic]) -> Iterator[type[Diagnostic]]:
    for each in kind.__subclasses__():
        if "code" in vars(each):
            yield each
        yield from _kinds(each)


def _name(kind: type[Diagnostic]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
