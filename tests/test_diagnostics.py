"""Every code can be provoked: its wrong example gives it, its right one gives nothing, and the text is a golden."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.grammar import (
    Diagnostic,
    DiagnosticError,
    Excerpt,
    Severity,
    SourceFile,
    catalogue,
    parse_expression,
    parse_pasta,
    read_plan,
    render,
    validate_pasta,
)
from specplan.planner import compile_source
from specplan.planner.graph import check_graph, read_graph

Golden = Callable[[str, str], None]
Found = tuple[Diagnostic, ...]


def read_yaml_plan(text: str) -> Found:
    return read_plan(text.encode(), "plan.yaml")[1]


def compile_yaml_plan(text: str) -> Found:
    try:
        return compile_source(text.encode(), "plan.yaml", Path("/nowhere")).diagnostics
    except DiagnosticError as error:
        return error.diagnostics


def read_checked_graph(text: str) -> Found:
    graph, found = read_graph(text, "graph.txt")
    return found if graph is None else check_graph(graph)


def read_expression(text: str) -> Found:
    return parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))[1]


def read_pasta(text: str) -> Found:
    answer, found = parse_pasta(SourceFile("answer.txt", text))
    return found if answer is None else (*found, *validate_pasta(answer))


# One reader per kind of example. A room that has examples of its own adds its kind here, and its package below.
# Of a plan, the grammar's mistakes are found by reading it and the planner's by compiling it.
READERS: dict[str, Callable[[str], Found]] = {
    "yaml-plan": read_yaml_plan,
    "expression": read_expression,
    "pasta": read_pasta,
    "graph": read_checked_graph,
}
PLANNER = (
    "specplan.planner.signature_errors",
    "specplan.planner.plan_errors",
    "specplan.planner.graph.errors",
    "specplan.planner.legalise",
)
KINDS = [kind for kind in catalogue().values() if kind.__module__.startswith(("specplan.grammar.", *PLANNER))]
PROVOKED = [kind for kind in KINDS if kind.example in READERS]


def find(kind: type[Diagnostic], text: str) -> Found:
    compiles = kind.example == "yaml-plan" and kind.__module__.startswith(PLANNER)
    return (compile_yaml_plan if compiles else READERS[kind.example])(text)


def errors(found: Found) -> set[str]:
    return {each.code for each in found if each.severity is Severity.ERROR}


def name(kind: type[Diagnostic]) -> str:
    return kind.code


@pytest.mark.parametrize("kind", PROVOKED, ids=name)
def test_wrong_example(kind: type[Diagnostic], golden: Golden) -> None:
    found = find(kind, kind.wrong)
    assert kind.code in {each.code for each in found}
    assert errors(found) <= {kind.code} or not kind.__module__.startswith(PLANNER)
    golden(f"diagnostics/{kind.code}.txt", f"{kind.wrong.rstrip()}\n\n----\n\n{render(found, colour=False)}")


@pytest.mark.parametrize("kind", PROVOKED, ids=name)
def test_right_example(kind: type[Diagnostic]) -> None:
    found = find(kind, kind.right)
    assert not errors(found)
    # A plan may be right and have more to be said of it: how `auto` was decided, say.
    assert kind.code not in {each.code for each in found}
    assert found == () or kind.__module__.startswith(PLANNER)


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_words(kind: type[Diagnostic]) -> None:
    assert kind.code.startswith("SP") and kind.code[2:].isdigit() and len(kind.code) == 6
    assert kind.rule.endswith((".", ".)")) and kind.title and kind.wrong and kind.right
    assert not kind.title.endswith("."), "a title goes on in the label"


def test_codes_are_many_and_unique() -> None:
    assert len(PROVOKED) > 50
