"""Forked decoding: the emitted program says, thread by thread and draw by draw, what the graph means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.decoding import Draws, Repeats, law_of, total_variation
from specplan.backends.decoding import Sampling as Law
from specplan.backends.reference import Machine as ReferenceMachine
from specplan.backends.reference import Toy, World, forked_law, shrink
from specplan.backends.reference.enumerate import FORK
from specplan.backends.runtime import LoopDecoder, Prompt, Stepped
from specplan.planner import compile_source
from specplan.planner.graph import Graph, Model, Sampling

from .laws import decoder_of
from .promising import DECODE

PLANS = Path(__file__).parents[3] / "specs" / "plans"
Said = dict[int, list[int]]
PROMPTS = [Prompt(number, "a" * (1 + number % 4)) for number in range(24)]
RUN = Toy(guesses=3, new_tokens=40, prompt=8, patience=6, rows=3, forks=4)


def toy(decode: str, size: Toy = RUN, forks: int = 4, more: str = "", tags: str = "") -> tuple[Graph, World]:
    text = (
        "specplan: 1\nmodels:\n  target: {source: smollm2-135m-pasta}\n  drafter: {source: smollm2-135m-pasta}\n"
        f"decode: fork_join(pasta(max_forks={forks}{tags}), {DECODE[decode]})\n"
        f"sampling: {{temperature: 1.0, seed: 7}}\n{more}"
    )
    compiled = compile_source(text.encode(), "threads.yaml", PLANS)
    wrong = [each.message() for each in compiled.diagnostics if each.severity.value == "error"]
    assert not wrong, wrong
    return shrink(compiled.graph, replace(size, forks=forks))


def reference_says(graph: Graph, world: World, prompts: Sequence[Prompt]) -> dict[Any, tuple[Said, int]]:
    """What each thread of each prompt says in one batch, and in how many steps."""
    machine = ReferenceMachine(graph, world)
    ids = [each.id for each in prompts]
    assert isinstance(ids[0], int)
    state = machine.start([each.text.encode() for each in prompts], first=ids[0])
    said: dict[Any, Said] = {each: defaultdict(list) for each in ids}
    steps = dict.fromkeys(ids, 0)
    over: set[Any] = set()
    while len(over) < len(ids):
        stepped = machine.step(state)
        for request, ended in zip(ids, stepped.done, strict=False):
            steps[request] += request not in over
            over |= {request} if ended else set()
        for (request, thread), tokens in stepped.said:
            said[request][thread] += tokens
        state = stepped.state
    return {each: (dict(said[each]), steps[each]) for each in ids}


def threads_say(running: LoopDecoder, prompts: Sequence[Prompt]) -> dict[Any, tuple[Said, int]]:
    said: dict[Any, Said] = {each.id: defaultdict(list) for each in prompts}
    steps = dict.fromkeys((each.id for each in prompts), 0)
    for event in running.stream(prompts):
        if isinstance(event, Stepped):
            steps[event.id] += 1
            assert sorted(event.token_ids) == sorted(token for each in event.threads for token in each.token_ids)
            for each in event.threads:
                said[event.id][each.thread] += each.token_ids
    return {name: ({thread: ids for thread, ids in each.items() if ids}, steps[name]) for name, each in said.items()}


# Where paths of a tree are equally likely, rounding decides which grows: that changes when a token is said, and never what.
@pytest.mark.parametrize("decode", DECODE)
@pytest.mark.parametrize("tags", ["", ", grammar=free"])
def test_both_say_the_same(decode: str, tags: str) -> None:
    graph, world = toy(decode, tags=tags)
    running, _ = decoder_of(graph, world)
    ours = threads_say(running, PROMPTS)
    forks = 0
    for prompt in PROMPTS:
        ((said, steps),) = reference_says(graph, world, [prompt]).values()
        assert ours[prompt.id][0] == said
        assert ours[prompt.id][1] == steps or decode == "dynamic"
        forks += len(said) - 1
    assert forks > 20


@pytest.mark.parametrize("decode", ["alone", "chain"])
def test_both_leave_out_no_more_positions_than_there_are(decode: str) -> None:
    graph, world = toy(decode)
    few = tuple(replace(each, positions=70) if isinstance(each, Model) else each for each in graph.declarations)
    short = replace(graph, declarations=few)
    running, _ = decoder_of(short, world)
    ours = threads_say(running, PROMPTS)
    assert ours == {each.id: reference_says(short, world, [each])[each.id] for each in PROMPTS}
    assert ours != threads_say(decoder_of(graph, world)[0], PROMPTS)


@pytest.mark.parametrize("decode", ["alone", "ngram", "chain", "merge"])
def test_rows_of_a_batch_fork_each_for_itself(decode: str) -> None:
    graph, world = toy(decode, more="limits: {batch: 3}\n")
    running, _ = decoder_of(graph, world)
    alone = threads_say(running, PROMPTS)
    for first in range(0, len(PROMPTS), 3):
        assert threads_say(running, PROMPTS[first : first + 3]) == {
            name: alone[name] for name in range(first, first + 3)
        }
        assert reference_says(graph, world, PROMPTS[first : first + 3]) == {
            name: alone[name] for name in range(first, first + 3)
        }


@pytest.mark.parametrize("decode", ["alone", "ngram"])
def test_what_a_thread_says_does_not_depend_on_how_many_may_run(decode: str) -> None:
    said = []
    for forks in (1, 2, 8):
        graph, world = toy(decode, forks=forks)
        running, _ = decoder_of(graph, world)
        said.append({name: texts for name, (texts, _) in threads_say(running, PROMPTS).items()})
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("decode", ["ngram", "chain"])
def test_a_guard_rests_threads_one_by_one(decode: str) -> None:
    graph, world = toy(decode, more="guard: {min_speedup: 3.0, window: 2}\n")
    running, _ = decoder_of(graph, world)
    rested = sum(result.stats.rested for result in running.generate(PROMPTS))
    plain, _ = decoder_of(*toy(decode))
    guarded = threads_say(running, PROMPTS)
    assert rested > 0
    if decode == "ngram":
        assert {name: said for name, (said, _) in guarded.items()} == {
            name: said for name, (said, _) in threads_say(plain, PROMPTS).items()
        }


SMALL = Toy(guesses=1, new_tokens=5, prompt=2, rows=1)


@pytest.mark.parametrize("decode", ["alone", pytest.param("chain", marks=pytest.mark.slow)])
def test_the_law_is_that_of_forked_decoding(decode: str) -> None:
    graph, world = toy(decode, size=SMALL, forks=2)
    running, machine = decoder_of(graph, world)
    (declared,) = graph.all(Sampling)

    def run(draws: Draws) -> tuple[int, ...]:
        machine._samplers[declared] = replace(machine.sampler(declared), draws=draws)  # type: ignore[arg-type]
        ((said, _),) = threads_say(running, [Prompt(0, "a")]).values()
        return tuple(token for thread in sorted(said) for token in ([FORK] if thread else []) + said[thread])

    exact = forked_law(world.models["target"], world.vocabularies[graph.target.vocab], b"a", Law(1.0), SMALL.new_tokens)
    assert max(text.count(FORK) for text in exact) > 0
    assert total_variation(law_of(run, repeats=Repeats.SHARED), exact) < 1e-12
