"""Any plan runs without weights, and tells what happens as every other engine does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.backends import runner
from specplan.backends.reference import TableVocabulary
from specplan.backends.reference.run import RowText
from specplan.backends.runtime import Finished, Refused, Started, Stepped
from specplan.grammar import Tag
from specplan.planner.graph import Draft, Graph, Grow, Lookup, Probe, Read, Spell

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
GUESSING = Draft | Grow | Lookup | Probe | Read | Spell
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
        assert result.stats.accepted <= result.stats.drafted
        assert sum(result.stats.acceptance_histogram) == result.stats.steps
        assert (result.stats.drafted > 0) == any(isinstance(node, GUESSING) for node in graph.nodes())


def test_the_same_again(stages: Stages) -> None:
    graph = stages((PLANS[0].parent / "tli.yaml").read_text())["lower"]
    first, second = (runner("reference")(graph).generate(["Hi"])[0] for _ in range(2))
    assert first.token_ids == second.token_ids


def test_a_prompt_that_is_not_unicode_is_refused(stages: Stages) -> None:
    graph = stages((PLANS[0].parent / "ngram.yaml").read_text())["lower"]
    refused, *answered = runner("reference")(graph).stream(["caf\udce9", "cafe"])
    assert isinstance(refused, Refused)
    assert [each.code for each in refused.diagnostics] == ["SP0744"]
    assert isinstance(answered[-1], Finished)


def test_a_stop_string_is_not_shown(stages: Stages) -> None:
    plan = (PLANS[0].parent / "ngram.yaml").read_text()
    whole = runner("reference")(stages(plan)["lower"]).generate(["Hello"])[0]
    stop = whole.text[4:7]
    stopped = runner("reference")(stages(plan + f"stop: {{strings: [{stop}]}}\n")["lower"])
    events = [*stopped.stream(["Hello"])]
    shown = "".join(event.text for event in events if isinstance(event, Stepped))
    assert shown == whole.text[: whole.text.index(stop)]
    assert [event.result.text for event in events if isinstance(event, Finished)] == [shown]


def test_text_is_whole_characters_in_reading_order() -> None:
    tags = {Tag.END: 5, Tag.ENDASYNC: 6}
    words = TableVocabulary((b"\xc3", b"\xa9", b"n", b"o", b"\xe2", None, None), tags=tags)
    text = RowText(words, ["no"])
    assert [text.push(0, (0,)), text.push(0, (1, 2, 5))] == ["", "é"]
    text.open(1)
    assert [text.push(0, (2,)), text.push(1, (4,)), text.push(1, (3, 6)), text.push(0, (2,))] == [
        "",
        "",
        "n\ufffdo",
        "n",
    ]
    assert text.flush() == "n"


def test_no_torch() -> None:
    code = (
        "import sys, specplan.backends.reference.run; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
