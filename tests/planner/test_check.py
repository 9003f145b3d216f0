"""What is said of a plan beyond what one small example shows: what has no effect, what is used, what else was wrong."""

from pathlib import Path

import pytest

from specplan.grammar import Diagnostic
from specplan.planner.check import check_plan
from specplan.planner.checked import CheckedPlan
from specplan.planner.strategy import MergeDrafts, Ngram, NoDraft, Speculate

HEAD = "specplan: 1\nmodels:\n  target: {source: smollm2-135m-instruct}\n"
PROMPTS = "  hints: {source: ppd-smollm2-135m, rides: target"


def checked(text: str) -> tuple[CheckedPlan | None, tuple[Diagnostic, ...]]:
    return check_plan(text.encode(), "plan.yaml", Path("/nowhere"))


def codes(text: str) -> list[str]:
    return [each.code for each in checked(text)[1]]


@pytest.mark.parametrize(
    ("decode", "vain"),
    [
        ("autoregressive(target)", True),
        ("speculate(target, draft=none)", True),
        ("pipeline(autoregressive(target), stages=2)", True),
        ("speculate(target, draft=ngram)", False),
        ("speculate(target, draft=choose(ngram, none))", False),
    ],
)
def test_a_guard_needs_something_to_stop(decode: str, vain: bool) -> None:
    plan, found = checked(f"{HEAD}decode: {decode}\nguard: {{window: 8}}\n")
    assert [each.code for each in found] == (["SP0480"] if vain else [])
    assert plan is not None and (plan.guard is None) == vain


@pytest.mark.parametrize(
    ("draft", "said", "left"),
    [
        ("merge(ngram)", ["SP0480"], Ngram),
        ("merge(ngram, none)", ["SP0480"], Ngram),
        ("merge(none, none)", ["SP0480"], NoDraft),
        ("choose(none)", ["SP0480"], NoDraft),
        ("merge(ngram, none, ngram(2))", ["SP0480"], MergeDrafts),
        ("merge(ngram, ngram(2))", [], MergeDrafts),
    ],
)
def test_a_combination_of_nothing(draft: str, said: list[str], left: type) -> None:
    plan, found = checked(f"{HEAD}decode: speculate(target, draft={draft})\n")
    assert [each.code for each in found] == said
    assert plan is not None and isinstance(plan.decoder, Speculate) and isinstance(plan.decoder.draft, left)


def test_a_model_that_drafts_for_itself_is_large() -> None:
    assert codes(f"{HEAD}decode: speculate(target, draft=draft_model(target, 3))\n") == ["SP0470"]
    smaller = "  light: {source: smollm2-135m-instruct, dtype: int4}\n"
    assert codes(f"{HEAD}{smaller}decode: speculate(target, draft=draft_model(light, 3))\n") == []


@pytest.mark.parametrize("name", ["draft", "ngram", "none"])
def test_a_model_named_like_a_word_is_used_only_by_its_name(name: str) -> None:
    """A model of another vocabulary without a chat template, which matters only if it is used."""
    other = f"  {name}: {{source: gemma-3-270m}}\n"
    assert codes(f"{HEAD}{other}decode: speculate(target, draft=ngram)\n") == ["SP0469"]


def test_prompts_that_are_used_use_what_they_ride() -> None:
    plan = f"{HEAD}{PROMPTS}}}\n"
    assert codes(f"{plan}decode: speculate(target, draft=ppd(hints))\n") == []
    assert codes(f"{plan}decode: autoregressive(target)\n") == ["SP0469"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [("device: cpu", ["SP0478"]), ("dtype: float16", ["SP0481"]), ("dtype: bfloat16", [])],
)
def test_prompts_have_no_settings_of_their_own(setting: str, said: list[str]) -> None:
    assert codes(f"{HEAD}{PROMPTS}, {setting}}}\ndecode: speculate(target, draft=ppd(hints))\n") == said


def test_a_device_that_nobody_knows() -> None:
    (found,) = checked(HEAD.replace("instruct}", "instruct, device: zzz}") + "decode: autoregressive(target)\n")[1]
    assert found.code == "SP0413" and found.span is not None and found.span.text == "zzz"


def test_one_bad_model_hides_no_mistake_of_the_strategy() -> None:
    plan = (
        f"{HEAD}  kin: {{source: [smollm2-135m-pard]}}\n  hints: {{source: ppd-smollm2-135m, rides: kin}}\n"
        "decode: speculate(target, draft=merge(pard(kin, 4), ppd(hints), ngrm))\n"
    )
    assert codes(plan) == ["SP0121", "SP0250"]


@pytest.mark.parametrize(
    ("decode", "said"),
    [
        ("pipeline(autoregressive(target), stages=[29, 1])", None),
        ("pipeline(autoregressive(target), stages=[30])", "the length of `stages` is 2 to 128, not 1"),
        ("pipeline(autoregressive(target), stages=[30, 0])", "an item of `stages` is 1 to 1024, not 0"),
        ("pipeline(autoregressive(target), stages=1)", "`stages` is 2 to 128, not 1"),
        ("speculate(target, draft=ppd(hints, tree=[[0], [12]]))", "this tree has rank 12 of 10 ranks"),
        ("speculate(target, draft=ppd(hints, tree=[[0], [32]]))", "an item of `tree` is 0 to 31, not 32"),
    ],
)
def test_items_of_lists_have_bounds_of_their_own(decode: str, said: str | None) -> None:
    _, found = checked(f"{HEAD}{PROMPTS}}}\ndecode: {decode}\n")
    errors = [each.message() for each in found if each.code != "SP0469"]
    assert errors == [] if said is None else len(errors) == 1 and errors[0].startswith(said)
