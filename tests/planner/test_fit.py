"""What does not fit is said with the numbers of the plan, rank by rank."""

from __future__ import annotations

from pathlib import Path

import pytest

from specplan.grammar import DiagnosticError
from specplan.planner import compile_source

BASE = Path(__file__).parent


def refused(text: str) -> list[str]:
    with pytest.raises(DiagnosticError) as caught:
        compile_source(text.encode(), "plan.yaml", BASE)
    return [f"{each.code}: {each.message()}" for each in caught.value.diagnostics]


def test_every_rank_holds_its_own_layers() -> None:
    plan = "specplan: 1\nmodels: {target: {source: llama-3.1-70b-instruct, dtype: float32}}\nbackend: {device: h200}\n"
    uneven = refused(plan + "decode: pipeline(autoregressive(target), stages=[76, 2, 2])\n")
    assert uneven == ["SP0465: rank 0 of the plan needs 250.9 GiB of memory, and the device `h200` has 131.3 GiB"]
    compile_source((plan + "decode: pipeline(autoregressive(target), stages=3)\n").encode(), "plan.yaml", BASE)


def test_a_limit_above_the_device_is_no_limit() -> None:
    plan = "specplan: 1\nmodels: {target: {source: llama-3.1-70b-instruct}}\ndecode: autoregressive(target)\n"
    (said,) = refused(plan + "limits: {memory: 200GB}\n")
    assert said.startswith("SP0465") and said.endswith("the device `cpu` has 24.0 GiB")


def test_a_foreign_drafter_with_few_positions_falls_silent() -> None:
    plan = (
        "specplan: 1\nmodels:\n  target: {source: qwen2.5-coder-1.5b-instruct}\n  drafter: {source: vicuna-68m}\n"
        "decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=4, vocab=slem))\n"
        "prompt: {template: none}\nlimits: {context: 20000}\n"
    )
    compile_source(plan.encode(), "plan.yaml", BASE)


def test_a_context_that_nobody_wrote_points_at_the_model() -> None:
    plan = b"specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct, context: 64}\ndecode: autoregressive(target)\n"
    with pytest.raises(DiagnosticError) as caught:
        compile_source(plan, "plan.yaml", BASE)
    (said,) = caught.value.diagnostics
    assert said.code == "SP0463" and said.span is not None and said.span.line == 3


def test_a_graph_is_text() -> None:
    with pytest.raises(DiagnosticError) as caught:
        compile_source(b"graph t : exact by definition\n  \xff", "graph.txt", BASE)
    assert [each.code for each in caught.value.diagnostics] == ["SP0101"]


def test_costs_of_a_graph_are_those_of_its_plan() -> None:
    plan = (Path(__file__).parents[2] / "specs/plans/choose_rows.yaml").read_text()
    long = plan.replace("batch: 8", "batch: 8, context: 16384").encode()
    lowered = compile_source(long, "plan.yaml", BASE, stop_after="lower")
    assert (
        compile_source(str(lowered.graph).encode(), "g.txt", BASE).graph
        == compile_source(long, "plan.yaml", BASE).graph
    )
