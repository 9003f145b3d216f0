"""Any plan runs without weights, and tells what happens as every other engine does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.backends import runner
from specplan.backends.runtime import Finished, Started, Stepped
from specplan.planner.graph import Graph

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
Stages = Callable[..., dict[str, Graph]]


@pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)
def test_every_plan_runs(file: Path, stages: Stages) -> None:
    graph = [*stages(file.read_text(), file.name).values()][-1]
    events = [*runner("reference")(graph).stream(["Hello", "there"])]
    results = [event.result for event in events if isinstance(event, Finished)]
    assert [result.id for result in results] == [1, 2]
    assert sum(isinstance(event, Started) for event in events) == 2
    for result in results:
        steps = [event for event in events if isinstance(event, Stepped) and event.id == result.id]
        assert tuple(token for step in steps for token in step.token_ids) == result.token_ids
        assert len(steps) == result.stats.steps
        assert len(result.token_ids) > 0


def test_the_same_again(stages: Stages) -> None:
    graph = stages((PLANS[0].parent / "tli.yaml").read_text())["lower"]
    first, second = (runner("reference")(graph).generate(["Hi"])[0] for _ in range(2))
    assert first.token_ids == second.token_ids


def test_no_torch() -> None:
    code = (
        "import sys, specplan.backends.reference.run; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
