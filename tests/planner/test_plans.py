"""Every shipped plan compiles to its golden graph, sound after every stage, and to the same bytes wherever it is done."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.grammar import has_errors
from specplan.planner import CompiledPlan, compile_source, stage_names
from specplan.planner.graph import Graph

ROOT = Path(__file__).parents[2]
PLANS = sorted((ROOT / "specs" / "plans").glob("*.yaml"))
Sound = Callable[[Graph], Graph]

every_plan = pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)


def compile_plan(file: Path, stop_after: str | None = None) -> CompiledPlan:
    return compile_source(file.read_bytes(), file.name, file.parent, stop_after=stop_after)


def test_there_is_a_plan_for_every_method() -> None:
    methods = {"autoregressive", "ngram", "draft_model", "pard", "ppd", "slem", "tli", "slrs", "pipedec", "pasta"}
    assert methods <= {file.stem for file in PLANS}


@every_plan
def test_graph(file: Path, golden: Callable[[str, str], None]) -> None:
    graph = compile_plan(file).graph
    golden(f"graphs/{file.stem}.txt", f"{file.read_text(encoding='utf-8').rstrip()}\n\n----\n\n{graph}")


@every_plan
def test_every_stage_is_sound(file: Path, sound: Sound) -> None:
    whole = compile_plan(file)
    for stage in stage_names():
        graph = compile_plan(file, stop_after=stage).graph
        assert sound(graph) == whole.stage(stage)
    assert whole.graph == whole.stage(stage_names()[-1])
    assert not has_errors(whole.diagnostics)


@every_plan
def test_a_graph_compiles_to_itself(file: Path) -> None:
    """Passes leave alone what they made: graph.txt is an input like the plan."""
    text = str(compile_plan(file).graph)
    again = compile_source(text.encode(), "graph.txt", file.parent)
    assert str(again.graph) == text
    assert [stage for stage, _ in again.stages] == ["lower"]


@every_plan
def test_compiling_may_stop_and_go_on(file: Path) -> None:
    """What one stage left goes through the rest as text."""
    final = compile_plan(file).graph
    for stage in stage_names():
        text = str(compile_plan(file, stop_after=stage).graph)
        assert compile_source(text.encode(), "graph.txt", file.parent).graph == final


DIGEST = """
import hashlib, pathlib, sys
from specplan.grammar import render
from specplan.planner import compile_source
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml")):
    plan = compile_source(file.read_bytes(), file.name, file.parent)
    said = render(plan.diagnostics, colour=False)
    stages = "".join(f"{name}{graph}" for name, graph in plan.stages)
    print(file.name, hashlib.sha256(f"{said}{stages}".encode()).hexdigest())
"""


def test_the_same_bytes_under_every_hash_seed() -> None:
    def digest(seed: str) -> str:
        command = [sys.executable, "-c", DIGEST, str(PLANS[0].parent)]
        return subprocess.run(
            command, env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, text=True, check=True
        ).stdout

    first = digest("1")
    assert first.count("\n") == len(PLANS)
    assert digest("2") == first
