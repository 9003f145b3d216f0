"""Answers in threads beside sequential ones: whole answers are compared, and what threads were worth is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean
from typing import Any

import pytest

from specplan.backends.bench import Answer, Comparison, Quartiles, Setting, comparison_text, picture, rounds, summarise
from specplan.backends.bench.statistics import quartiles
from specplan.backends.models import Silent
from specplan.backends.runtime import Prompt, Stats, ThreadStats
from specplan.backends.runtime.pasta import TagCounts


@dataclass
class Weaving:
    """Answers each prompt with a text of so many tokens, forks among them, in so many seconds."""

    name: str
    seconds: float
    critical_path: int
    spoken: int
    tags: TagCounts = TagCounts(promises=2, syncs=1)

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        said = self.spoken + 20
        threads = ThreadStats(2, said, said // 2, self.critical_path, self.spoken, self.tags)
        stats = Stats(said, self.critical_path, 0, 0, (self.critical_path,), 0.1, 0.9 * self.seconds, threads=threads)
        return Answer(
            seconds=self.seconds,
            tokens={each.id: tuple(range(said)) for each in prompts},
            stats=tuple(stats for _ in prompts),
            decode_s=stats.decode_s,
        )


@dataclass
class Saying:
    """Answers the prompts in turn with so many tokens, one a second each."""

    name: str
    tokens: Sequence[int]
    asked: int = 0

    def answer(self, prompts: Sequence[Prompt]) -> Answer:
        count = self.tokens[self.asked % len(self.tokens)]
        self.asked += 1
        return Answer(seconds=float(count), tokens={each.id: tuple(range(count)) for each in prompts})


def compared(setting: Setting, alone: Any, *contenders: Any) -> Comparison:
    events = list(rounds(contenders, alone, repeats=1, warmup=0, progress=Silent()))
    return summarise(setting, [each.name for each in contenders], events)


@pytest.fixture
def comparison(alone: Any, setting: Setting) -> Comparison:
    tags = TagCounts(promises=2, syncs=1, topic=1, stray=2)
    return compared(
        replace(setting, plan="pasta"),
        alone,
        Weaving("pasta", 60.0, 50, 90, tags),
        Saying("sequential", (90, 120, 60, 100)),
        Weaving("other", 80.0, 75, 100),
    )


def test_seconds_are_those_of_whole_answers(comparison: Comparison) -> None:
    plan, _, other = comparison.measured
    ratio = plan.ratio("sequential")
    assert ratio is not None and ratio.whole is not None
    realised = [90 / 60, 120 / 60, 60 / 60, 100 / 60]
    assert ratio.overall == ratio.whole.realised.quartiles == quartiles(realised)
    assert ratio.whole.realised.geometric_mean == pytest.approx(geometric_mean(realised))
    assert dict(ratio.categories) == {"code": quartiles(realised[:2]), "list": quartiles(realised[2:])}
    assert ratio.whole.theoretical.quartiles == quartiles([90 / 50, 120 / 50, 60 / 50, 100 / 50])
    assert ratio.whole.length.quartiles == quartiles([90 / 90, 90 / 120, 90 / 60, 90 / 100])
    back = other.ratio("sequential")
    assert back is not None and back.whole is not None and back.whole.theoretical.geometric_mean < 1.6


def test_two_that_fork_are_compared_by_their_critical_paths(comparison: Comparison) -> None:
    ratio = comparison.measured[0].ratio("other")
    assert ratio is not None and ratio.whole is not None
    assert ratio.whole.theoretical.quartiles == Quartiles(4, 1.5, 1.5, 1.5)


def test_what_threads_were_worth(comparison: Comparison) -> None:
    plan, sequential, _ = comparison.measured
    found = plan.threads
    assert found is not None and sequential.threads is None
    assert (found.answers, found.forks, found.spoken, found.critical_path) == (4, 8, 360, 200)
    assert (found.parallelism, found.share, found.tags_per_answer) == (1.8, 0.5, 3.0)
    assert found.tags.malformed == 12
    # Tags are no text.
    assert plan.tokens_per_s.median == 90 / 60


def test_forked_answers_are_never_held_against_the_target_alone(alone: Any, setting: Setting) -> None:
    found = compared(setting, alone, Weaving("pasta", 60.0, 50, 90), Saying("autoregressive", (90,)))
    assert found.measured[0].differing is None
    assert "other tokens" not in comparison_text(found)


def test_without_forks_nothing_is_said_of_them(alone: Any, setting: Setting) -> None:
    found = compared(setting, alone, Saying("plan", (90,)), Saying("sequential", (60,)))
    ratio = found.measured[0].ratio("sequential")
    assert ratio is not None and ratio.whole is None and ratio.overall.median == 1.0
    assert "whole answers" not in comparison_text(found) and "threads:" not in comparison_text(found)


@pytest.mark.parametrize("spoken", [0, 1])
def test_answers_of_tags_alone_divide_by_nothing(spoken: int, alone: Any, setting: Setting) -> None:
    found = compared(setting, alone, Weaving("pasta", 60.0, 50, spoken), Saying("sequential", (90,)))
    assert "pasta" in comparison_text(found)
    assert (found.measured[0].ratio("sequential") is None) == (spoken == 0)


def test_json(comparison: Comparison) -> None:
    value = json.loads(json.dumps(comparison.to_json()))
    plan, sequential, _ = value["contenders"]
    assert plan["ratios"][0]["whole_answers"]["theoretical"]["median"] == pytest.approx(1.9)
    assert plan["threads"]["tags"] == {"promises": 8, "syncs": 4, "topic": 4, "stray": 8}
    assert (plan["threads"]["malformed"], plan["threads"]["tags_per_answer"]) == (12, 3.0)
    assert sequential["threads"] is None


def test_table(comparison: Comparison, golden: Callable[[str, str], None]) -> None:
    golden("bench/forks.txt", comparison_text(comparison))


def test_picture(comparison: Comparison) -> None:
    pytest.importorskip("matplotlib")
    assert "times as fast as sequential, whole answers" in picture(comparison)
