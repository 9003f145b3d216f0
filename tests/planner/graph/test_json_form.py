"""JSON says all of a graph, is read back exactly, and is answered with a diagnostic where it says anything else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specplan.grammar import render
from specplan.planner import compile_source
from specplan.planner.graph import Graph, Ref, Stop, graph_from_json, graph_to_json

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
HOSTILE = "a\"; b\\ <b>&amp; '\n\t\x00\u2028 %%{init} ]] end {{ }} ${x} é"


def final(plan: str) -> Graph:
    file = PLANS[0].with_name(f"{plan}.yaml")
    return compile_source(file.read_bytes(), file.name, file.parent).graph


def problem(text: str) -> str:
    graph, found = graph_from_json(text)
    assert graph is None
    return render(found, colour=False)


@pytest.mark.parametrize("plan", PLANS, ids=lambda file: file.stem)
def test_there_and_back(plan: Path) -> None:
    compiled = compile_source(plan.read_bytes(), plan.name, plan.parent)
    for _, graph in compiled.stages:
        again, found = graph_from_json(json.dumps(graph_to_json(graph)))
        assert found == ()
        assert again == graph
        assert str(again) == str(graph)


def test_json(golden: Callable[[str, str], None]) -> None:
    golden("graphs/tli.json", json.dumps(graph_to_json(final("tli")), indent=2, ensure_ascii=False) + "\n")


def test_strings_of_strangers() -> None:
    graph = with_strings(final("ngram"), HOSTILE)
    again, found = graph_from_json(json.dumps(graph_to_json(graph)))
    assert (again, found) == (graph, ())


def with_strings(graph: Graph, text: str) -> Graph:
    """The graph with that text for its model's source and as a stop string."""
    declarations = tuple(replace(each, source=text) if each == graph.target else each for each in graph.declarations)
    nodes = tuple(replace(node, strings=(text,)) if isinstance(node, Stop) else node for node in graph.step.nodes)
    return replace(graph, declarations=declarations, step=replace(graph.step, nodes=nodes))


def test_not_a_graph(golden: Callable[[str, str], None]) -> None:
    wrong = '{"format_version": 99}\n'
    golden("diagnostics/SP0515.txt", f"{wrong}\n----\n\n{problem(wrong)}")


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    data = graph_to_json(final("ngram"))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("regions"), "`regions` is missing"),
        (lambda data: data.update(law="exact"), "`law` is not an object"),
        (lambda data: data.update(graph="two words"), "SP0501"),
        (lambda data: data["regions"][1]["nodes"][0].update(node="guess"), "there is no node 'guess'"),
        (lambda data: data["regions"][1]["nodes"][0]["fields"].pop("tokens"), "`lookup` lacks `tokens`"),
        (lambda data: data["regions"][1]["nodes"][0]["fields"].update(more=1), "`regions`[1].`nodes`[0].`fields`"),
        (lambda data: data["regions"][1]["nodes"][0]["operands"].pop("source"), "`lookup` lacks `source`"),
        (lambda data: data["regions"][1].update(emit=[3]), "`emit` has an item that is not text"),
        (lambda data: data["regions"][1].update(comment="hello"), "`regions`[1].`comment`"),
        (lambda data: data["regions"][1]["nodes"][0]["results"][0].update(type="guess[0..8"), "SP0501"),
        (lambda data: data["declarations"][0].update(kind="motor"), "there is no declaration 'motor'"),
        (lambda data: data["regions"][0]["parameters"][0].update(name="a)\n    b(c"), "SP0501"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert said in problem(changed(change))


def test_a_name_cannot_become_a_line() -> None:
    """Text that would be read as more than it says in JSON is refused, however well it reads."""

    def sneak(data: dict[str, Any]) -> None:
        data["regions"][1]["nodes"][0]["operands"]["cache"] = "cache) by=recent, tokens=8 : guess[0..8]\n    # "

    assert "SP05" in problem(changed(sneak))


@pytest.mark.parametrize("text", ["", "[]", "nul", "9" * 5000, '{"a":' * 2000 + "1" + "}" * 2000, "[" * 100_000])
def test_no_json_of_ours(text: str) -> None:
    assert "SP0515" in problem(text)


def places(data: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in a JSON value."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_anything_anywhere(draw: st.DataObject) -> None:
    """A graph that says what the JSON says, or diagnostics; never anything else."""
    data = graph_to_json(final("ngram"))
    *way, last = draw.draw(st.sampled_from(places(data)[1:]))
    inner: Any = data
    for key in way:
        inner = inner[key]
    inner[last] = draw.draw(anything)
    graph, found = graph_from_json(json.dumps(data))
    assert (graph is None) == bool(found)
    render(found, colour=False)


def test_refs_are_words() -> None:
    graph, _ = graph_from_json(json.dumps(graph_to_json(final("tli"))))
    assert graph is not None
    assert graph.target.vocab == Ref("qwen2")
