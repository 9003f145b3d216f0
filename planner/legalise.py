"""Can the backend run this graph? If not, which node stops it, and who can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..grammar import Diagnostic, DiagnosticError, ExampleKind, Severity, Span, did_you_mean
from .capabilities import Capabilities
from .graph import Graph, Guess, Path, Tokens, Tree

_TOY = "reference"


@dataclass(frozen=True)
class CannotRun(Diagnostic):
    """A node that the chosen engine cannot run."""

    engine: str
    node: str
    reason: str
    others: tuple[str, ...]
    code: ClassVar[str] = "SP0601"
    severity: ClassVar[Severity] = Severity.NOTE
    title: ClassVar[str] = "the {engine} engine cannot run this: {reason}"
    label: ClassVar[str] = "becomes `{node}`"
    rule: ClassVar[str] = (
        "Any plan can be checked, compiled and explained; to run or emit it, every node of its graph needs an engine that "
        "knows it. The reference engine knows every node, and runs graphs on small tables of probabilities in the place "
        "of models: it shows what a plan does, and its text means nothing."
    )
    wrong: ClassVar[str] = "specplan run with `backend: {engine: onnx}`"
    right: ClassVar[str] = "specplan run with `backend: {engine: eager}`"
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The engines that can."""
        able = [name for name in self.others if name != _TOY]
        ways = f"engines that can: {', '.join(able)}" if able else "no engine runs it on real models yet"
        return (ways, *((f"`--engine {_TOY}` runs it on toy tables, to study it",) if _TOY in self.others else ()))


@dataclass(frozen=True)
class UnknownEngine(Diagnostic):
    """An engine that there is not."""

    engine: str
    known: tuple[str, ...]
    code: ClassVar[str] = "SP0602"
    title: ClassVar[str] = "there is no engine `{engine}`"
    rule: ClassVar[str] = "Engines have fixed names; the plan, the graph or whoever compiles it chooses one of them."
    wrong: ClassVar[str] = 'specplan.compile_plan("plan.yaml", engine="egaer")'
    right: ClassVar[str] = 'specplan.compile_plan("plan.yaml", engine="eager")'
    example: ClassVar[ExampleKind] = "none"

    def help(self) -> tuple[str, ...]:
        """The engine that was probably meant, and all there are."""
        return (*did_you_mean(self.engine, self.known), f"there are {', '.join(self.known)}")


def legalise(graph: Graph, engine: str, backends: Mapping[str, Capabilities]) -> tuple[CannotRun, ...]:
    """What keeps an engine from running a graph: one mistake for each place of the plan that becomes what it lacks.

    Without backends, nothing is known of any engine.

    Raises:
        DiagnosticError: if there are backends, and none is called so.
    """
    if not backends:
        return ()
    if engine not in backends:
        raise DiagnosticError((UnknownEngine(None, engine, tuple(backends)),))
    mine = backends[engine]
    others = tuple(name for name, each in backends.items() if name != engine and not any(_lacking(graph, each)))
    reasons: dict[object, dict[str, str]] = {}
    for node, reason in _lacking(graph, mine):
        reasons.setdefault(getattr(node, "span", None), {}).setdefault(reason, _keyword(node))
    return tuple(
        CannotRun(
            span if isinstance(span, Span) else None, engine, next(iter(words.values())), ", ".join(words), others
        )
        for span, words in reasons.items()
    )


def _keyword(node: object) -> str:
    return getattr(node, "keyword", "rows")


def _lacking(graph: Graph, engine: Capabilities) -> Iterator[tuple[object, str]]:
    for node in graph.nodes():
        reason = engine.lacks(node, graph)
        if reason is not None:
            yield node, reason
    most = max((_rows(value.type) for value in graph.step.parameters), default=1)
    if engine.rows is not None and most > engine.rows:
        yield graph.step, f"it decodes {engine.rows} row{'s' if engine.rows > 1 else ''} at a time, not {most}"


def _rows(kind: object) -> int:
    return kind.rows.limit if isinstance(kind, Path | Tokens | Guess | Tree) else 1
