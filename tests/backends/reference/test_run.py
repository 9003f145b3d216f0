"""Any plan runs without weights, and tells what happens as every other engine does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.backends import runner
from specplan.backends.models import StopStrings
from specplan.backends.reference import TableVocabulary
from specplan.backends.reference.language import tag_vocabulary
from specplan.backends.reference.run import TableText
from specplan.backends.runtime import Finished, Prompt, Refused, Started, Stepped, Timeline
from specplan.backends.runtime.pasta import Joining, Telling, TokenMachine
from specplan.grammar import SourceFile, Tag, parse_pasta, strip_pasta
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
        said = [token for step in steps for token in step.token_ids]
        opening = [2] * (0 if result.stats.threads is None else result.stats.threads.forks)
        assert sorted([*said, *opening]) == sorted(result.token_ids)
        assert result.stats.threads is not None or tuple(said) == result.token_ids
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
    reader = TokenMachine(tag_vocabulary(words))
    telling = Telling(Joining(reader, lambda *, continues: TableText(words)), StopStrings(["no"]), reader.words)

    def says(thread: int, *tokens: int) -> str:
        telling.hear(thread, tokens)
        return telling.shown()

    assert [says(0, 0), says(0, 1, 2, 5)] == ["", "é"]
    telling.open(1, waits=False)
    assert [says(0, 2), says(1, 4), says(1, 3, 6), says(0, 2)] == ["", "", "n\ufffdo", "n"]
    telling.stop(0)
    assert telling.shown() + telling.flush() == "n"


FORKING = """
specplan: 1
models: {target: {source: smollm2-135m-pasta}}
decode: fork_join(pasta(max_forks=%d), autoregressive(target))
sampling: {temperature: 1.0, seed: 3}
"""


@pytest.mark.parametrize("forks", [1, 8])
def test_threads_are_told_and_counted(stages: Stages, forks: int) -> None:
    running = runner("reference")(stages(FORKING % forks)["lower"])
    opened = 0
    for prompt in (Prompt(number, "a" * (1 + number % 8)) for number in range(16)):
        timeline = Timeline()
        *steps, finished = [event for event in running.stream([prompt]) if isinstance(event, Stepped | Finished)]
        for step in steps:
            assert isinstance(step, Stepped)
            timeline.add(step)
        assert isinstance(finished, Finished)
        result = finished.result
        threads = result.stats.threads
        assert threads is not None
        assert threads.critical_path == result.stats.steps == timeline.steps
        assert threads.forks == len(timeline.forks)
        assert threads.said == sum(each.said for each in (timeline.main, *timeline.forks))
        assert threads.forked == sum(each.said for each in timeline.forks)
        assert result.annotated is not None
        answer, wrong = parse_pasta(SourceFile("answer", result.annotated))
        assert answer is not None and not wrong and strip_pasta(answer) == result.text
        opened += threads.forks
    assert opened > 8


def test_no_torch() -> None:
    code = (
        "import sys, specplan.backends.reference.run; print([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
