"""Every code can be provoked: its wrong example gives it, its right one gives nothing, and the text is a golden."""

from collections.abc import Callable

import pytest

from specplan.grammar import (
    Diagnostic,
    Excerpt,
    SourceFile,
    catalogue,
    parse_expression,
    parse_pasta,
    read_plan,
    render,
    validate_pasta,
)

Golden = Callable[[str, str], None]
Found = tuple[Diagnostic, ...]


def read_yaml_plan(text: str) -> Found:
    return read_plan(text.encode(), "plan.yaml")[1]


def read_expression(text: str) -> Found:
    return parse_expression(Excerpt.cut(SourceFile("plan.yaml", text)))[1]


def read_pasta(text: str) -> Found:
    answer, found = parse_pasta(SourceFile("answer.txt", text))
    return found if answer is None else (*found, *validate_pasta(answer))


# One reader per kind of example. A room that has examples of its own adds its kind here, and its package below.
READERS: dict[str, Callable[[str], Found]] = {
    "yaml-plan": read_yaml_plan,
    "expression": read_expression,
    "pasta": read_pasta,
}
ROOMS = ("specplan.grammar.",)
KINDS = [kind for kind in catalogue().values() if kind.__module__.startswith(ROOMS)]
PROVOKED = [kind for kind in KINDS if kind.example in READERS]


def name(kind: type[Diagnostic]) -> str:
    return kind.code


@pytest.mark.parametrize("kind", PROVOKED, ids=name)
def test_wrong_example(kind: type[Diagnostic], golden: Golden) -> None:
    found = READERS[kind.example](kind.wrong)
    assert kind.code in {each.code for each in found}
    golden(f"diagnostics/{kind.code}.txt", f"{kind.wrong.rstrip()}\n\n----\n\n{render(found, colour=False)}")


@pytest.mark.parametrize("kind", PROVOKED, ids=name)
def test_right_example(kind: type[Diagnostic]) -> None:
    assert READERS[kind.example](kind.right) == ()


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_words(kind: type[Diagnostic]) -> None:
    assert kind.code.startswith("SP") and kind.code[2:].isdigit() and len(kind.code) == 6
    assert kind.rule.endswith((".", ".)")) and kind.title and kind.wrong and kind.right
    assert not kind.title.endswith("."), "a title goes on in the label"


def test_codes_are_many_and_unique() -> None:
    assert len(PROVOKED) > 50
