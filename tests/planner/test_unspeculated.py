"""A plan without its speculation is the plan that says so."""

from pathlib import Path

import pytest

from specplan.grammar import DiagnosticError
from specplan.planner import CompiledPlan, compile_source, unspeculated

PLANS = Path(__file__).parents[2] / "specs" / "plans"
HEAD = "specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct}\n  kin: {source: smollm2-135m-pard}\n"
LIMITS = """\
sampling: {temperature: 0.7, top_p: 0.9, seed: 3}
limits: {max_new_tokens: 32, context: 512, batch: 4}
stop: {strings: ["\\n"], token_ids: [5]}
prompt: {template: none}
"""


def compiled(text: str) -> CompiledPlan:
    return compile_source(text.encode(), "plan.yaml", PLANS)


@pytest.mark.parametrize(
    "decode",
    [
        "autoregressive(target)",
        "speculate(target, draft=ngram)",
        "speculate(target, draft=draft_model(kin, 4), accept=rejection)",
        "speculate(target, draft=merge(ngram, draft_model(kin, 2, tree=static([2, 2]))))",
        "speculate(target, draft=choose(ngram, none, per=rows))\nguard: {min_speedup: 1.2, window: 8}",
        "speculate(target, draft=ngram, accept=typical)",
    ],
)
def test_the_same_target_sampling_and_limits(decode: str) -> None:
    plain = compiled(f"{HEAD}decode: autoregressive(target)\n{LIMITS}")
    assert unspeculated(compiled(f"{HEAD}decode: {decode}\n{LIMITS}")).graph == plain.graph


@pytest.mark.parametrize("plan", sorted(each.stem for each in PLANS.glob("*.yaml") if each.stem != "pipedec"))
def test_shipped_plans(plan: str) -> None:
    made = compile_source((PLANS / f"{plan}.yaml").read_bytes(), f"{plan}.yaml", PLANS)
    alone = unspeculated(made)
    assert str(alone.graph.law) == "exact by definition"
    assert (alone.name, alone.engine, alone.device) == (made.name, made.engine, made.device)


def test_a_target_that_only_fits_in_stages() -> None:
    made = compile_source((PLANS / "pipedec.yaml").read_bytes(), "pipedec.yaml", PLANS)
    with pytest.raises(DiagnosticError) as caught:
        unspeculated(made)
    assert [each.code for each in caught.value.diagnostics] == ["SP0465"]
