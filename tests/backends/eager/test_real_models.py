"""Real models decode as themselves: greedily every token is the argmax of one teacher-forced pass, whatever drafts.

Targets are float32, so that only true near-ties can turn over between passes of different shapes; they are reported. The
drafter is the target in bfloat16: right most of the time, and wrong often enough.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

from .certifying import Household, Target, check, check_rows

MODEL = "speculate(target, draft=draft_model({}))"
DRAFTS = {
    "alone": "autoregressive(target)",
    "ngram": "speculate(target, draft=ngram(max_ngram=3, num_speculative_tokens=8))",
    "chain": MODEL.format("drafter, num_speculative_tokens=4"),
    "sure": MODEL.format("drafter, num_speculative_tokens=6, min_confidence=0.4"),
    "static": MODEL.format("drafter, num_speculative_tokens=3, tree=static([3, 2, 1])"),
    "dynamic": MODEL.format("drafter, num_speculative_tokens=3, tree=dynamic(width=4, children=3, depth=3)"),
    "nested": MODEL.format("speculate(drafter, draft=ngram(num_speculative_tokens=4)), num_speculative_tokens=5"),
    "merge": (
        "speculate(target, draft=merge(draft_model(drafter, num_speculative_tokens=3), ngram(num_speculative_tokens=4)))"
    ),
    "by rows": "speculate(target, draft=choose(ngram(num_speculative_tokens=4), none, per=rows))",
}


# Drafters as precise as the target: in bfloat16 a pass over other rows rounds otherwise, and a draw may fall to either side.
DRAWN = {
    "alone": DRAFTS["alone"],
    "ngram": DRAFTS["ngram"],
    "chain": MODEL.format("drafter, num_speculative_tokens=4, temperature=1.3"),
    "static": MODEL.format("drafter, num_speculative_tokens=3, tree=static([3, 2, 1]), temperature=1.3"),
}

SMOLLM2 = Target("smollm2-135m-instruct", "chat", 20, 64)
FEW = Target("smollm2-135m-instruct", "chat", 3, 24)
GEMMA = Target("gemma-3-270m", "none", 20, 64)
QWEN = Target("qwen2.5-coder-1.5b-instruct", "chat", 6, 48, judge="target")


def certify(household: Household, target: Target, draft: str, batch: int) -> None:
    right = check(household, target, DRAFTS[draft], batch)
    assert right > 0 or draft in ("alone", "by rows")


@pytest.mark.parametrize(("draft", "batch"), [("alone", 1), ("ngram", 1), ("ngram", 2)])
def test_a_few_answers(household_of: Callable[[Target], Household], smollm2_path: Path, draft: str, batch: int) -> None:
    certify(household_of(FEW), FEW, draft, batch)


@pytest.mark.slow
@pytest.mark.xdist_group("smollm2")
@pytest.mark.parametrize(("draft", "batch"), [("alone", 1), ("chain", 1), *((draft, 4) for draft in DRAFTS)])
def test_smollm2(household_of: Callable[[Target], Household], draft: str, batch: int) -> None:
    certify(household_of(SMOLLM2), SMOLLM2, draft, batch)


@pytest.mark.slow
@pytest.mark.xdist_group("gemma")
@pytest.mark.parametrize(("draft", "batch"), [("alone", 1), *((draft, 4) for draft in DRAFTS)])
def test_gemma(household_of: Callable[[Target], Household], draft: str, batch: int) -> None:
    certify(household_of(GEMMA), GEMMA, draft, batch)


@pytest.mark.slow
@pytest.mark.xdist_group("qwen")
@pytest.mark.parametrize(("draft", "batch"), [("alone", 1), *((draft, 3) for draft in DRAFTS)])
def test_qwen(household_of: Callable[[Target], Household], draft: str, batch: int) -> None:
    certify(household_of(QWEN), QWEN, draft, batch)


@pytest.mark.slow
@pytest.mark.xdist_group("smollm2")
@pytest.mark.parametrize("draft", DRAWN)
def test_a_sampled_answer_does_not_depend_on_the_rows_beside_it(
    household_of: Callable[[Target], Household], draft: str
) -> None:
    check_rows(household_of(SMOLLM2), SMOLLM2, DRAWN[draft])
