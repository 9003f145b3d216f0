"""What tests of the planner share: compiling a plan's text, and what must hold of every graph that a test touches."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.planner import CompiledPlan, compile_source
from specplan.planner.graph import Graph, check_graph, read_graph, retype

SPECS = Path(__file__).parents[2] / "specs"

Compile = Callable[..., CompiledPlan]
Sound = Callable[[Graph], Graph]


@pytest.fixture(scope="session")
def plans() -> tuple[Path, ...]:
    """Every shipped plan."""
    return tuple(sorted((SPECS / "plans").glob("*.yaml")))


@pytest.fixture(scope="session")
def compiled() -> Compile:
    """Compile a text; more arguments go to `compile_source`."""

    def run(text: str, name: str = "plan.yaml", **given: object) -> CompiledPlan:
        return compile_source(text.encode(), name, SPECS / "plans", **given)

    return run


@pytest.fixture(scope="session")
def sound() -> Sound:
    """Assert what holds of every graph: it is well formed, its types are those of its nodes, its text says all of it."""

    def check(graph: Graph) -> Graph:
        assert check_graph(graph) == ()
        assert retype(graph) == graph
        text = str(graph)
        again, found = read_graph(text)
        assert found == ()
        assert again == graph
        assert str(again) == text
        return graph

    return check
