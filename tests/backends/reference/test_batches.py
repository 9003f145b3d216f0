"""Rows of a batch: each follows its own law whatever its neighbours do, and draws what it would draw alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specplan.backends.decoding import Repeats, Sampling, law_of
from specplan.backends.reference import (
    Machine,
    Toy,
    autoregressive_law,
    joint_law,
    law_distance,
    output_law,
    shrink,
)
from specplan.planner.graph import Graph, Spell, retype

Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]

BATCH = """
specplan: 1
models:
  target:  {source: llama-3.1-8b-instruct}
  drafter: {source: llama-3.2-1b-instruct, mask: 128000}
decode: DECODE
sampling: {temperature: 1, seed: 5}
limits: {batch: 2}
backend: {device: h200}
"""
DECODES = {
    "drafter": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2), accept=rejection)",
    "pard": "speculate(target, draft=pard(drafter, num_speculative_tokens=2), accept=exact_match)",
    "ngram": "speculate(target, draft=ngram(num_speculative_tokens=2))",
    "per_rows": "speculate(target, draft=choose(pard(drafter, num_speculative_tokens=2), none, per=rows), accept=rejection)",
    "nested": "speculate(target, draft=draft_model(speculate(drafter, draft=ngram(num_speculative_tokens=2)),"
    " num_speculative_tokens=2), accept=rejection)",
}
PPD = """
specplan: 1
models:
  target:  {source: qwen2.5-coder-1.5b-instruct}
  prompts: {source: ppd-qwen2.5-coder-1.5b, rides: target}
decode: speculate(target, draft=ppd(prompts, tree=[[0], [1], [0, 0]]))
sampling: {temperature: 1, seed: 5}
limits: {batch: 2}
backend: {device: h200}
"""


def last_stage(stages: Stages, text: str, toy: Toy) -> tuple[Graph, object]:
    return shrink([*stages(text).values()][-1], toy)


@pytest.mark.parametrize(
    "text", [*(BATCH.replace("DECODE", each) for each in DECODES.values()), PPD], ids=[*DECODES, "ppd"]
)
def test_rows_are_independent(text: str, stages: Stages) -> None:
    toy = Toy(new_tokens=2, guesses=1)
    for graph in stages(text).values():
        small, world = shrink(graph, toy)
        table, words = world.models["target"], world.vocabularies[small.target.vocab]
        first, second = (autoregressive_law(table, words, prompt, Sampling(1.0), 2) for prompt in (b"ab", b"bb"))
        both = {(a, b): p * q for a, p in first.items() for b, q in second.items()}
        assert law_distance(joint_law(small, world, (b"ab", b"bb")), both) < 1e-12


@pytest.mark.parametrize("name", DECODES)
def test_a_neighbour_changes_no_draw(name: str, stages: Stages) -> None:
    small, world = shrink([*stages(BATCH.replace("DECODE", DECODES[name])).values()][-1], Toy(new_tokens=8, patience=9))
    machine = Machine(small, world)

    def say(prompts: tuple[bytes, ...], first: int) -> dict[int, tuple[int, ...]]:
        state, said = machine.start(prompts, first), dict[int, tuple[int, ...]]()
        done = [False]
        while not all(done):
            stepped = machine.step(state)
            state, done = stepped.state, list(stepped.done)
            for (row, _), tokens in stepped.said:
                said[row] = said.get(row, ()) + tokens
        return said

    together = say((b"ab", b"bb"), 40)
    assert together[40] == say((b"ab",), 40)[40]
    assert together[41] == say((b"bb",), 41)[41]


WHOLE = ("drafter", "nested", "ngram")


@pytest.mark.parametrize("name", WHOLE)
def test_counters_are_exact_over_whole_runs(name: str, stages: Stages) -> None:
    """Positions are drafted again with the same numbers, and that changes no law: whole runs, not step by step."""
    small, world = shrink([*stages(BATCH.replace("DECODE", DECODES[name])).values()][-1], Toy(new_tokens=2))

    def run(draws):  # type: ignore[no-untyped-def]
        machine = Machine(small, world, lambda seed: draws)
        state, said, done = machine.start((b"ab",)), (), (False,)
        while not all(done):
            stepped = machine.step(state)
            state, done = stepped.state, stepped.done
            said += tuple(token for _, tokens in stepped.said for token in tokens)
        return said

    law = law_of(run, repeats=Repeats.SHARED)
    assert law_distance(law, output_law(small, world, b"ab")) < 1e-12


GUARDED = BATCH.replace("limits: {batch: 2}", "guard: {min_speedup: 2.5, window: 2}")


@pytest.mark.parametrize("name", ["drafter", "ngram", "pard"])
def test_guard_keeps_the_law(name: str, stages: Stages, proved: Prove) -> None:
    for graph in stages(GUARDED.replace("DECODE", DECODES[name])).values():
        assert "watch" in str(graph)
        proved(graph, Toy(new_tokens=5 if name == "ngram" else 3, guesses=1))


ONE_TOKEN = """
specplan: 1
models:
  target:  {source: gemma-3-270m}
  drafter: {source: smollm2-135m-instruct}
decode: |
  speculate(target, accept=rejection,
    draft=draft_model(drafter, num_speculative_tokens=1, vocab=slrs(form=one_token, empty=EMPTY)))
sampling: {temperature: 1}
prompt: {template: none}
"""


@pytest.mark.parametrize("empty", ["reject", "mask"])
@pytest.mark.parametrize("lookahead", [1, 2, 3])
def test_one_token_of_several(empty: str, lookahead: int, stages: Stages, proved_small: Prove) -> None:
    small, world = shrink(stages(ONE_TOKEN.replace("EMPTY", empty))["lower"], Toy(new_tokens=2))
    nodes = tuple(replace(n, lookahead=lookahead) if isinstance(n, Spell) else n for n in small.step.nodes)
    proved_small(retype(replace(small, step=replace(small.step, nodes=nodes))), world)
