"""Every shipped plan, as lowered and after every pass, at toy size: what it says follows the law that it declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from specplan.backends.reference import Toy, regions_of, shrink
from specplan.planner.graph import Choose, Graph, Tags

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
every_plan = pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)

Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]


@every_plan
def test_law_of_every_stage(file: Path, stages: Stages, proved: Prove) -> None:
    laws = []
    for graph in stages(file.read_text(), file.name).values():
        toy = Toy(new_tokens=6) if graph.all(Tags) else Toy()
        laws.append(proved(graph, toy))
    texts = {frozenset(law) for law in laws}
    # What typical acceptance takes depends on what was guessed; all others say the same whatever the pass did.
    assert len(texts) == 1 or not graph.law.exact


@every_plan
def test_greedy(file: Path, stages: Stages, proved: Prove) -> None:
    graph = [*stages(file.read_text(), file.name).values()][-1]
    law = proved(graph, Toy(new_tokens=7, temperature=0.0))
    assert len(law) == 1


def test_every_region_of_a_choice(stages: Stages, proved_small: Prove) -> None:
    tried = 0
    for file in PLANS:
        graph = next(iter(stages(file.read_text(), file.name).values()))
        if any(isinstance(node, Choose) for node in graph.step.nodes):
            small, world = shrink(graph)
            for alone in regions_of(small):
                proved_small(replace(alone, law=graph.law), world)
                tried += 1
    assert tried >= 4
