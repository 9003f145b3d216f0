"""What is said of measurements, from times that are written down; its JSON, table and picture."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from specplan.backends.bench import (
    Comparison,
    Difference,
    LeftOut,
    Setting,
    Skipped,
    comparison_text,
    picture,
    rounds,
    summarise,
)
from specplan.backends.bench.statistics import Acceptance, Quartiles, acceptance, quartiles
from specplan.backends.models import Silent
from specplan.backends.runtime import Prompt, Translation


@pytest.fixture
def comparison(scripted: Any, alone: Any, setting: Setting) -> Comparison:
    """A plan that takes 1 to 2 s where the target alone takes 2 s and somebody else 4 s."""
    other = (*range(7), 99)
    contenders = [
        scripted("ngram", (1.0, 1.6, 2.0), says={"list-3": other}, kept=(3, 1, 2)),
        scripted("autoregressive", (2.0,), says={"list-3": tuple(range(10))}, kept=(10,)),
        scripted("transformers", (4.0,), refuses=frozenset({"code-2"})),
    ]
    names = [each.name for each in contenders]
    events = list(rounds(contenders, alone, repeats=1, warmup=0, progress=Silent()))
    skipped = [Skipped("transformers-assisted", "transformers assists one row at a time")]
    return summarise(setting, names, events, skipped=skipped)


def test_ratios_are_paired_by_prompt_and_per_token(comparison: Comparison) -> None:
    plan, alone, foreign = comparison.measured
    assert comparison.prompts == 3
    ratio = plan.ratio("autoregressive")
    assert ratio is not None and plan.ratio("ngram") is None
    # 10 tokens of code-1 in 1 s, 8 of list-3 in 1.6 s, 10 of list-4 in 2 s; the target alone takes 0.2 s for each.
    assert ratio.overall == quartiles([2.0, 1.0, 1.0])
    assert dict(ratio.categories) == {"code": quartiles([2.0]), "list": quartiles([1.0, 1.0])}
    assert foreign.ratio("autoregressive").overall.median == 0.5
    assert alone.ratio("transformers").overall.median == 2.0


def test_rounds_of_a_prompt_are_one_figure(scripted: Any, alone: Any, setting: Setting) -> None:
    """The median over a prompt's rounds of ratios, each within its round: a slow round slows both."""
    contenders = [scripted("plan", (1.0, 10.0, 1.0)), scripted("autoregressive", (2.0, 20.0, 8.0))]
    events = rounds(contenders, alone[:1], repeats=3, warmup=0, progress=Silent())
    (plan, _) = summarise(setting, ["plan", "autoregressive"], events).measured
    assert plan.ratio("autoregressive").overall == Quartiles(1, 2.0, 2.0, 2.0)
    assert plan.tokens_per_s.median == 10.0


def test_acceptance_is_summed_over_rows(comparison: Comparison) -> None:
    found = comparison.measured[0].acceptance
    assert (found.steps, found.accepted, found.drafted, found.histogram) == (18, 15, 72, (9, 3, 6))
    assert found.mean_acceptance_length == 1 + 15 / 18
    assert found.draft_acceptance_rate == 15 / 72
    assert found.reached == (9 / 18, 6 / 18)
    assert comparison.measured[1].acceptance.draft_acceptance_rate == 0
    assert comparison.measured[2].acceptance is None
    assert comparison.measured[0].outside_passes == pytest.approx(0.25)


def test_where_answers_part(comparison: Comparison) -> None:
    plan, alone, foreign = comparison.measured
    assert plan.differing == (Difference("list-3", 7),)
    assert alone.differing is None
    assert foreign.differing == ()


def test_sampled_answers_are_not_compared(scripted: Any, alone: Any, setting: Setting) -> None:
    contenders = [scripted("plan", tokens=3), scripted("autoregressive")]
    events = rounds(contenders, alone, repeats=1, warmup=0, progress=Silent())
    found = summarise(replace(setting, greedy=False), ["plan", "autoregressive"], events)
    assert found.measured[0].differing is None


def test_what_a_guard_did_is_counted_and_told(scripted: Any, alone: Any, setting: Setting) -> None:
    (guarded,) = (replace(each, rested=4) for each in scripted("plan", kept=(5, 1)).answer([Prompt(1, "a")]).stats)
    assert acceptance([guarded, replace(guarded, rested=3)]) == Acceptance(20, 12, 48, 2, (10, 2), rested=7)
    found = summarise(
        setting, ["plan"], rounds([scripted("plan", kept=(5, 1))], alone, repeats=1, warmup=0, progress=Silent())
    )
    assert "rest for" not in comparison_text(found)
    measured = replace(found.measured[0], acceptance=acceptance([guarded]))
    assert measured.acceptance is not None and measured.acceptance.to_json()["rested"] == 4
    assert "\nplan: its guard let rows rest for 4 of 6 steps\n" in comparison_text(replace(found, measured=(measured,)))


def test_what_went_between_vocabularies_is_added_up_and_told(comparison: Comparison, scripted: Any) -> None:
    (row,) = scripted("plan", kept=(5, 1)).answer([Prompt(1, "a")]).stats
    row = replace(row, translation=Translation(15, 5, 4, 90), translation_s=0.008)
    both = acceptance([row, replace(row, translation=Translation(9, 5, 1, 30), translation_s=0.0)])
    assert both is not None and both.translation == Translation(24, 10, 5, 120)
    assert both.translation_share == pytest.approx(0.005)
    assert "other words" not in comparison_text(comparison)
    text = comparison_text(replace(comparison, measured=(replace(comparison.measured[0], acceptance=both),)))
    said = "ngram: guesses were 2.00 tokens of the target a step, 50 % of the time cut as the target would; 10 bytes a step"
    assert f"{said} were spelled in other words; 0.50 % of the steps' time" in " ".join(text.split())


def test_nothing_was_measured(setting: Setting) -> None:
    found = summarise(setting, ["plan"], [LeftOut("a", "plan", ())])
    assert (found.prompts, found.measured, len(found.left_out)) == (0, (), 1)


def test_json(comparison: Comparison) -> None:
    value = json.loads(json.dumps(comparison.to_json()))
    assert value["format_version"] == 1
    assert value["setting"]["command"] == "specplan bench ngram.yaml"
    assert [each["name"] for each in value["contenders"]] == ["ngram", "autoregressive", "transformers"]
    assert value["contenders"][0]["ratios"][0]["categories"]["list"]["count"] == 2
    assert value["contenders"][0]["differing"] == [{"id": "list-3", "position": 7}]
    assert value["contenders"][0]["acceptance"]["acceptance_by_depth"] == [0.5, 1 / 3]
    assert value["skipped"][0]["name"] == "transformers-assisted"
    assert value["left_out"] == [
        {"id": "code-2", "contender": "transformers", "reasons": ["prompt `code-2` is not answered"]}
    ]
    assert value["partial"] is False


def test_table(comparison: Comparison, golden: Callable[[str, str], None]) -> None:
    golden("bench/table.txt", comparison_text(comparison))


def test_a_table_of_a_part_says_so(comparison: Comparison) -> None:
    assert "PARTIAL" not in comparison_text(comparison)
    assert "PARTIAL" in comparison_text(replace(comparison, partial=True))


def test_a_plan_without_rivals(scripted: Any, alone: Any, setting: Setting) -> None:
    events = list(rounds([scripted("plan")], alone, repeats=1, warmup=0, progress=Silent()))
    found = summarise(setting, ["plan"], events)
    assert "plan" in comparison_text(found)
    pytest.importorskip("matplotlib")
    assert "tokens/s" in picture(found)


def test_picture(comparison: Comparison) -> None:
    pytest.importorskip("matplotlib")
    drawn = picture(comparison)
    assert drawn == picture(comparison)
    shown = set(re.findall(r">([^<>]+)</text>", drawn))
    assert {"all prompts", "code", "list", "ngram", "transformers", "times as fast as autoregressive"} <= shown
    assert "dc:date" not in drawn
    assert drawn != picture(replace(comparison, prompts=2))
