"""A mistake as data: a place, a code, a sentence, and ways out. Drawing is `render.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from typing import ClassVar, Literal, final

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


@dataclass(frozen=True)
class Diagnostic:
    """One mistake; each kind of mistake is a frozen subclass whose fields are the facts.

    `title` and `label` are `str.format` templates over the fields. `wrong` is an example that provokes this
    diagnostic and `right` one that does not; `example` says what they are written in (`none`: words that no test
    could feed to a reader).
    """

    span: Span | None

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    title: ClassVar[str]
    label: ClassVar[str] = ""
    rule: ClassVar[str]
    wrong: ClassVar[str]
    right: ClassVar[str]
    example: ClassVar[ExampleKind] = "yaml-plan"

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
        return {field.name: getattr(self, field.name) for field in fields(self)}


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
