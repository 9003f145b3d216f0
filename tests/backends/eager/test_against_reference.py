"""The emitted program against the meaning of its graph: on table models both say the same, draw by draw, and the law is exact.

What runs here is the emitted program and the nodes that every engine shares; a table takes the place of transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.decoding import Draws, Repeats, law_of, total_variation
from specplan.backends.decoding import Sampling as Law
from specplan.backends.eager.run import rows_of
from specplan.backends.reference import TOY, Toy, World, autoregressive_law, shrink
from specplan.backends.reference import Machine as ReferenceMachine
from specplan.backends.runtime import Prompt
from specplan.planner import compile_source
from specplan.planner.graph import Choose, Graph, Sampling, Watch

from .laws import decoder_of

PLANS = Path(__file__).parents[3] / "specs" / "plans"
SAME_WORDS = [
    *("autoregressive", "ngram", "draft_model", "merge", "draft_tree", "dynamic_tree", "nested", "batch"),
    "nested_guarded",
]
OTHER_WORDS = [
    *("slem", "slem_tree", "tli", "slrs", "slrs_mask", "slrs_one_token", "tli_tree", "tli_nested", "slem_nested"),
]
GUARDED = ("batch", "nested_guarded")
FOREIGN = b"""
specplan: 1
models:
  target:  {source: qwen2.5-coder-1.5b-instruct, dtype: bfloat16}
  drafter: {source: smollm2-135m-instruct, dtype: bfloat16}
"""
OURS = {
    "nested_guarded": b"guard: {min_speedup: 4.0, window: 2}\n" + (PLANS / "nested.yaml").read_bytes(),
    "tli_tree": FOREIGN
    + b"""
decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=2, tree=static([2, 1]), vocab=tli))
sampling: {temperature: 0.7, seed: 7}
""",
    "tli_nested": FOREIGN
    + b"""
decode: speculate(target, draft=draft_model(speculate(drafter, draft=ngram()), num_speculative_tokens=3, vocab=tli))
sampling: {temperature: 0.7, seed: 7}
""",
    "slem_nested": FOREIGN
    + b"""
decode: speculate(target, draft=draft_model(speculate(drafter, draft=ngram()), num_speculative_tokens=3, vocab=slem))
sampling: {temperature: 0.7, seed: 7}
""",
    "choose_drafts": b"""
specplan: 1
models:
  target:  {source: qwen2.5-coder-1.5b-instruct}
  drafter: {source: qwen2.5-0.5b-instruct}
decode: |
  speculate(target, draft=choose(
    draft_model(drafter, num_speculative_tokens=4), draft_model(drafter, num_speculative_tokens=2), none, per=rows))
sampling: {temperature: 0.7, seed: 7}
limits: {batch: 16}
""",
}
"""Plans that are not shipped; the first is a shipped one under a guard that no row of it can please for long."""
RUN = Toy(guesses=3, new_tokens=12, prompt=8, patience=4)


def toy(name: str, size: Toy) -> tuple[Graph, World]:
    source = OURS[name] if name in OURS else (PLANS / f"{name}.yaml").read_bytes()
    compiled = compile_source(source, f"{name}.yaml", PLANS)
    return shrink(compiled.graph, size)


@dataclass
class Said:
    """What a row said, and in how many steps its guard let it rest."""

    tokens: list[int] = field(default_factory=list)
    rested: int = 0


def reference_says(graph: Graph, world: World, prompts: Sequence[Prompt]) -> list[Said]:
    """The rows of one batch, whose ids count up from the first's."""
    machine = ReferenceMachine(graph, world)
    ids = [each.id for each in prompts if isinstance(each.id, int)]
    state = machine.start([each.text.encode() for each in prompts], first=ids[0])
    said = {each: Said() for each in ids}
    while True:
        trust = trust_in(graph, state)
        stepped = machine.step(state)
        for (request, _), tokens in stepped.said:
            said[request].tokens += tokens
            said[request].rested += trust[request - ids[0]]
        if all(stepped.done):
            return [*said.values()]
        state = stepped.state


def trust_in(graph: Graph, state: tuple[Any, ...]) -> list[bool]:
    """Which rows rest in the step that begins with a state."""
    watch = next((node for node in graph.step.nodes if isinstance(node, Watch)), None)
    for parameter, held in zip(graph.step.parameters, state, strict=True):
        if watch is not None and parameter.name == watch.trust.name:
            return [each.resting > 0 for each in held]
    return [False] * rows_of(graph)


@pytest.mark.parametrize("name", [*SAME_WORDS, *OTHER_WORDS])
def test_both_say_the_same(name: str) -> None:
    graph, world = toy(name, RUN)
    running, _ = decoder_of(graph, world)
    prompts = [Prompt(number, text) for number, text in enumerate(["ab", "abab", "b", "aababab"] * 8)]
    results = running.generate(prompts)
    for prompt, result in zip(prompts, results, strict=True):
        (said,) = reference_says(graph, world, [prompt])
        assert (result.token_ids, result.stats.rested) == ((*said.tokens,), said.rested)
    assert (sum(result.stats.rested for result in results) > 0) == (name in GUARDED)


def test_both_take_the_same_choice_as_rows_end() -> None:
    """With the same rows at work, the same guesses are made: of a batch as it starts, and as its rows end one by one."""
    graph, world = toy("choose_drafts", RUN)
    (choose,) = (node for node in graph.step.nodes if isinstance(node, Choose))
    assert choose.cases is not None and len(choose.regions) > 1
    texts = ["ab", "abab", "b", "aababab", "ba", "bbb", "a"]
    drafted = set()
    for first in range(0, 24, rows_of(graph)):
        running, _ = decoder_of(graph, world)
        prompts = [Prompt(first + row, texts[(first + row) % len(texts)]) for row in range(rows_of(graph))]
        results = running.generate(prompts)
        assert [[*each.token_ids] for each in results] == [
            each.tokens for each in reference_says(graph, world, prompts)
        ]
        drafted |= {each.stats.drafted > 0 for each in results}
    assert drafted == {True, False}


def test_typical_acceptance_says_the_same() -> None:
    plan = (
        (PLANS / "ngram.yaml")
        .read_bytes()
        .replace(b"decode: speculate(target, ", b"decode: speculate(target, accept=typical, ")
    )
    compiled = compile_source(plan + b"sampling: {temperature: 1, seed: 7}\n", "typical.yaml", PLANS)
    graph, world = shrink(compiled.graph, RUN)
    running, _ = decoder_of(graph, world)
    prompts = [Prompt(number, text) for number, text in enumerate(["ab", "abab", "b", "aababab"] * 4)]
    results = running.generate(prompts)
    for prompt, result in zip(prompts, results, strict=True):
        assert [*result.token_ids] == reference_says(graph, world, [prompt])[0].tokens
    assert sum(result.stats.accepted for result in results) > 0


SLOW_LAWS = {"draft_tree"}
"""Plans with so many ways to say three tokens that quick tests say two."""


# Those of drafters with other words are enumerated with vocabularies of their own.
@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((name, replace(TOY, new_tokens=2) if name in SLOW_LAWS else TOY) for name in SAME_WORDS),
        *(pytest.param(name, TOY, marks=pytest.mark.slow) for name in SLOW_LAWS),
    ],
)
def test_its_law_is_the_targets(name: str, size: Toy) -> None:
    graph, world = toy(name, size)
    running, machine = decoder_of(graph, world)
    (declared,) = graph.all(Sampling)

    def run(draws: Draws) -> tuple[int, ...]:
        machine._samplers[declared] = replace(machine.sampler(declared), draws=draws)  # type: ignore[arg-type]
        return running.generate(["ab"])[0].token_ids

    exact = autoregressive_law(
        world.models["target"],
        world.vocabularies[graph.target.vocab],
        b"ab",
        Law(declared.temperature),
        size.new_tokens,
    )
    assert total_variation(law_of(run, repeats=Repeats.SHARED), exact) < 1e-12
