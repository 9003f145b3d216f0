"""Forks are watched while they are written: whoever follows the events knows at each step what each thread has said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.models import LoadedModel
from specplan.backends.reference.run import SIZE, TableProgram
from specplan.backends.reference.shrink import shrink
from specplan.backends.runtime import LoopDecoder, Phase, Prompt, Stepped, ThreadStep, Timeline
from specplan.grammar import Tag
from specplan.planner import compile_source

from .laws import decoder_of
from .promising import END, TAGS, Biased, Script, Scripted, ids, plan, running, steps_of

Tagged = Callable[..., LoadedModel]
PLANS = Path(__file__).parents[3] / "specs" / "plans"


def promise(topic: str, tens: int) -> list[int]:
    return [TAGS[Tag.PROMISE], *ids(topic), TAGS[Tag.TOKENS], *ids(str(tens)), TAGS[Tag.END]]


def block(text: str) -> list[int]:
    return [TAGS[Tag.ASYNC], *ids(text), TAGS[Tag.ENDASYNC]]


MAIN = [*ids("Q:"), *promise("ore", 2), *ids("A "), *promise("é", 1), TAGS[Tag.SYNC], *ids(" z"), END]
ANSWER = [MAIN, block("from the ground"), block("né")]


@pytest.fixture
def answering(tagged: Tagged, promising: Path) -> Callable[..., LoopDecoder]:
    def make(**facts: Any) -> LoopDecoder:
        return running(
            plan(promising, "alone", **facts),
            lambda _: tagged("llama"),
            lambda _, network: Scripted(network, Script(ANSWER)),  # type: ignore[return-value]
        )

    return make


@pytest.mark.parametrize("forks", [1, 8])
def test_a_consumer_follows_forks_live(answering: Callable[..., LoopDecoder], forks: int) -> None:
    """Both chunks grow at once, while the reader is shown the first alone."""
    shown, texts = "", defaultdict[int, str](str)
    seen: list[tuple[str, str, str]] = []
    for step in steps_of(answering(forks=forks), [Prompt(1, "Q:")]):
        shown += step.text
        for each in step.threads:
            texts[each.thread] += each.text
        seen.append((shown, texts[1], texts[2]))
    assert (texts[0], texts[1], texts[2]) == ("A  z", "from the ground", "né")
    assert shown == "from the groundA né z"
    ahead = [(read, second) for read, first, second in seen if second and first != "from the ground"]
    assert all(read in "from the ground" for read, _ in ahead)
    assert bool(ahead) == (forks > 1)
    # A character of two tokens is told when it is whole.
    assert [second for *_, second in seen].count("n") > 1


def test_a_timeline_tells_when_threads_wait(answering: Callable[..., LoopDecoder]) -> None:
    timeline = Timeline()
    for step in steps_of(answering(forks=1), [Prompt(1, "Q:")]):
        timeline.add(step)
    first, second = timeline.forks
    assert [each.phase for each in timeline.main.stretches] == [Phase.RUNNING, Phase.WAITING, Phase.RUNNING]
    assert [each.phase for each in first.stretches] == [Phase.RUNNING, Phase.ENDED]
    assert [each.phase for each in second.stretches] == [Phase.QUEUED, Phase.RUNNING]
    assert first.joined == second.joined == timeline.main.stretches[1].last
    assert [(each.said, each.fork.topic) for each in (first, second) if each.fork] == [(16, "ore"), (4, "é")]
    assert first.opened == len(promise("ore", 2))


def threads_of(decoder: LoopDecoder, prompts: list[Prompt]) -> dict[Any, list[tuple[ThreadStep, ...]]]:
    told = defaultdict[Any, list[tuple[ThreadStep, ...]]](list)
    for event in decoder.stream(prompts):
        if isinstance(event, Stepped):
            told[event.id].append(event.threads)
    return told


@pytest.mark.parametrize("decode", ["autoregressive(target)", "speculate(target, draft=ngram(max_ngram=2))"])
@pytest.mark.parametrize("forks", [1, 4])
def test_the_reference_engine_tells_the_same(decode: str, forks: int) -> None:
    text = (
        "specplan: 1\nmodels: {target: {source: smollm2-135m-pasta}}\n"
        f"decode: fork_join(pasta(max_forks={forks}), {decode})\nsampling: {{temperature: 1.0, seed: 7}}\n"
    )
    graph = compile_source(text.encode(), "threads.yaml", PLANS).graph
    small, world = shrink(graph, SIZE)
    prompts = [Prompt(number, "a" * (1 + number % 8)) for number in range(24)]
    ours = threads_of(decoder_of(small, world)[0], prompts)
    assert threads_of(LoopDecoder(TableProgram(graph)), prompts) == ours
    assert sum(len(told[-1]) > 1 for told in ours.values()) > 8


def test_timelines_are_the_same_beside_other_rows(tagged: Tagged, promising: Path) -> None:
    """Steps count for each row alone, whatever started before it."""
    prompts = [Prompt(number, text) for number, text in enumerate(["abcab", "Hello", "x", "one two one"])]
    bias = dict.fromkeys(TAGS.values(), 12.0) | {END: -8.0}

    def timelines(batch: int) -> dict[Any, Any]:
        decoder = running(
            plan(promising, "alone", new=90, batch=batch),
            lambda _: tagged("llama"),
            lambda _, network: Biased(network, bias),  # type: ignore[return-value]
        )
        made = defaultdict[Any, Timeline](Timeline)
        for step in steps_of(decoder, prompts):
            made[step.id].add(step)
        return {name: each.to_json() for name, each in made.items()}

    alone = timelines(1)
    assert timelines(3) == alone
    assert sum(len(each["threads"]) for each in alone.values()) > 8
