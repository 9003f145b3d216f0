"""Pictures: every plan is drawn in every language, says what its graph says, and no string breaks out of its label."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from specplan.planner import compile_source
from specplan.planner.draw import diagram, graph_to_dot, graph_to_mermaid, graph_to_svg
from specplan.planner.draw.layout import PlacedBox, PlacedFrame, place
from specplan.planner.graph import Graph, Stop, Value

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
HOSTILE = "a\"; b\\ <b>&amp; </text> '\n\t\x00\u2028 %%{init: {}}%% ]] #quot; ${x} é"

Golden = Callable[[str, str], None]
every_plan = pytest.mark.parametrize("plan", PLANS, ids=lambda file: file.stem)


def final(plan: Path | str) -> Graph:
    file = plan if isinstance(plan, Path) else PLANS[0].with_name(f"{plan}.yaml")
    return compile_source(file.read_bytes(), file.name, file.parent).graph


def hostile() -> Graph:
    graph = final("ngram")
    declarations = tuple(replace(each, source=HOSTILE) if each == graph.target else each for each in graph.declarations)
    nodes = tuple(replace(node, strings=(HOSTILE,)) if isinstance(node, Stop) else node for node in graph.step.nodes)
    return replace(graph, declarations=declarations, step=replace(graph.step, nodes=nodes))


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


# Goldens -----------------------------------------------------------------------------------------------------------------


def test_dot(golden: Golden) -> None:
    golden("draw/nested.dot", graph_to_dot(final("nested")))


def test_mermaid(golden: Golden) -> None:
    golden("draw/nested.mmd", graph_to_mermaid(final("nested")))


def test_svg(golden: Golden) -> None:
    golden("draw/nested.svg", graph_to_svg(final("nested")))


# All plans ---------------------------------------------------------------------------------------------------------------


@every_plan
def test_every_node_is_in_every_picture(plan: Path) -> None:
    graph = final(plan)
    svg, dot, mermaid = graph_to_svg(graph), graph_to_dot(graph), graph_to_mermaid(graph)
    shown = texts(svg)
    for node in graph.nodes():
        assert node.keyword in shown
        for value in node.results:
            assert any(line.startswith(f"{value.name}: ") for line in shown)
            assert f"{value.name}: " in dot
            assert f"{value.name}: " in mermaid


@every_plan
def test_the_languages_are_well_formed(plan: Path) -> None:
    graph = final(plan)
    assert_dot(graph_to_dot(graph))
    assert_mermaid(graph_to_mermaid(graph))
    ElementTree.fromstring(graph_to_svg(graph))


def assert_dot(text: str) -> None:
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', "TEXT", text)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}")
    line = re.compile(r"\s*(digraph TEXT \{|subgraph \w+ \{|\}|\w+( -> \w+)?( \[[^\]]*\])?;|\w+=\w+;( \w+=\w+;)*)")
    assert all(line.fullmatch(each) or "=" in each for each in bare.splitlines())
    known = set(re.findall(r"^ *(\w+) \[label", bare, re.MULTILINE))
    used = {name for pair in re.findall(r"(\w+) -> (\w+)", bare) for name in pair}
    assert used <= known


def assert_mermaid(text: str) -> None:
    lines = text.splitlines()
    assert sum(each.strip().startswith("subgraph ") for each in lines) == sum(each.strip() == "end" for each in lines)
    body = [each for each in lines if not each.startswith("%%") and "classDef" not in each]
    assert "{" not in "".join(lines)
    for each in body:
        for label in re.findall(r'"([^"]*)"', each):
            assert re.fullmatch(r"(?:[\w .,:+\-*/=()\[\]|@…]|#\d+;|<br/>)*", label)
        assert each.count('"') in (0, 2)


@every_plan
def test_nothing_overlaps(plan: Path) -> None:
    drawn = diagram(final(plan))
    for frame in (place(drawn.start), place(drawn.step)):
        assert_apart(frame)


def assert_apart(frame: PlacedFrame) -> None:
    for box in frame.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= frame.width
        assert box.y + box.height <= frame.height
        for inner in box.frames:
            assert inner.x + inner.width <= box.width
            assert inner.y + inner.height <= box.height
            assert_apart(inner)
    for one, other in combinations(frame.boxes, 2):
        assert apart(one, other)


def apart(one: PlacedBox, other: PlacedBox) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return beside or one.y + one.height <= other.y or other.y + other.height <= one.y


@every_plan
def test_arrows_point_down(plan: Path) -> None:
    for frame in frames(place(diagram(final(plan)).step)):
        for arrow in frame.arrows:
            heights = [y for _, y in arrow.points]
            assert heights == sorted(heights)


def frames(frame: PlacedFrame) -> Iterator[PlacedFrame]:
    yield frame
    for box in frame.boxes:
        for inner in box.frames:
            yield from frames(inner)


# Strangers' strings ------------------------------------------------------------------------------------------------------


def test_strings_stay_in_their_labels() -> None:
    graph = hostile()
    assert_dot(graph_to_dot(graph))
    assert_mermaid(graph_to_mermaid(graph))
    root = ElementTree.fromstring(graph_to_svg(graph))
    kinds = {each.tag.partition("}")[2] for each in root.iter()}
    assert kinds <= {"svg", "title", "style", "defs", "marker", "path", "rect", "g", "text"}
    assert any("</text>" in each for each in texts(graph_to_svg(graph)))


def test_labels_are_short() -> None:
    graph = hostile()
    long = replace(
        graph,
        declarations=tuple(
            replace(each, source="x" * 10_000) if each == graph.target else each for each in graph.declarations
        ),
    )
    assert max(map(len, texts(graph_to_svg(long)))) < 120


def test_captions() -> None:
    shown = texts(graph_to_svg(final("ngram"), {"step/scores": ("41.8 ms <all>",)}, ("fast",)))
    assert "41.8 ms <all>" in shown
    assert "fast" in shown


def test_a_graph_of_thousands_is_drawn() -> None:
    """Arrows of a picture that nobody can look at go straight, so that it does not take for ever."""
    graph = final("autoregressive")
    stop = next(node for node in graph.step.nodes if isinstance(node, Stop))
    many = []
    for index in range(3000):
        value = Value(f"said.{index + 2}", stop.results[0].type)
        many.append(replace(stop, path=many[-1].results[0] if many and index % 3 else stop.path, results=(value,)))
    long = replace(graph, step=replace(graph.step, nodes=(*graph.step.nodes, *many)))
    ElementTree.fromstring(graph_to_svg(long))
