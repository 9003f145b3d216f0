"""What tests of the reference share: compile a plan, shrink its graph, and prove its law."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.decoding import Sampling as Shape
from specplan.backends.reference import (
    TOY,
    Toy,
    World,
    autoregressive_law,
    forked_law,
    law_distance,
    output_law,
    shrink,
)
from specplan.backends.reference.caches import all_slots
from specplan.backends.reference.values import Cache
from specplan.planner import compile_source
from specplan.planner.graph import Accept, Graph, Kv, Model, Sampling, Stop, Tags

SPECS = Path(__file__).parents[3] / "specs"
EXACT = 1e-12


def compile_stages(text: str, name: str = "plan.yaml") -> dict[str, Graph]:
    """A plan's graph as lowered and after each pass that changed it."""
    return dict(compile_source(text.encode(), name, SPECS / "plans").stages)


def reference_law(graph: Graph, world: World, prompt: bytes) -> dict[tuple[int, ...], float]:
    """What a graph's law is declared to equal: its target alone or, with forks, forked decoding without speculation."""
    target = graph.target
    words, table = world.vocabularies[target.vocab], world.models[target.name]
    sampled = next(node.sampling for node in graph.step.nodes if isinstance(node, Accept))
    declared = graph.named(sampled, Sampling)
    limit = next(node.max_new_tokens for node in graph.step.nodes if isinstance(node, Stop))
    sampling = Shape(declared.temperature, declared.top_k, declared.top_p, declared.min_p)
    for tags in graph.all(Tags):
        return forked_law(table, words, prompt, sampling, limit, strict=tags.grammar == "strict")
    return autoregressive_law(table, words, prompt, sampling, limit)


def prompt_of(graph: Graph) -> bytes:
    """A prompt for a toy: `a` where the other tokens are tags."""
    return b"a" if graph.all(Tags) else b"ab"


class CachesHoldTheText:
    """Every committed row of every cache is what a pass over the committed text would have put there."""

    def __init__(self, graph: Graph, world: World, prompt: bytes) -> None:
        self.graph, self.world, self.prompt = graph, world, prompt
        self.seen = 0

    def __call__(self, said: Any, state: tuple[Any, ...]) -> None:
        for parameter, held in zip(self.graph.step.parameters, state, strict=True):
            if isinstance(parameter.type, Kv) and held.pools[0] is not None:
                self._cache(held, dict(said))

    def _cache(self, cache: Cache, said: dict[tuple[int, int], tuple[int, ...]]) -> None:
        target = self.graph.target
        vocab = self.graph.named(cache.model, Model).vocab
        mine, theirs = self.world.vocabularies[vocab], self.world.vocabularies[target.vocab]
        pool = cache.pools[0]
        assert pool is not None
        for thread in {slot.thread for slot in pool.slots}:
            slots = [slot for slot in all_slots(pool, thread) if slot in pool.slots]
            assert [slot.index for slot in slots] == list(range(len(slots)))
            text = said.get((0, thread), ())
            if mine is theirs:
                before = theirs.encode(self.prompt) if thread == 0 else (next(iter(slots)).token,)
                assert tuple(slot.token for slot in slots) == (before + text)[: len(slots)]
            else:
                rows = slots[pool.prompt :] if thread == 0 else slots
                assert theirs.spell(text).startswith(mine.spell([slot.token for slot in rows]))
            self.seen += 1


def prove(graph: Graph, toy: Toy = TOY, world: World | None = None) -> dict[tuple[int, ...], float]:
    """Shrink a graph, enumerate it, and compare: equal to its reference to the last bit but rounding."""
    small, made = shrink(graph, toy)
    return prove_small(small, world or made)


def prove_small(graph: Graph, world: World) -> dict[tuple[int, ...], float]:
    """The same for a graph that is small."""
    prompt = prompt_of(graph)
    watcher = CachesHoldTheText(graph, world, prompt)
    law = output_law(graph, world, prompt, watcher)
    assert sum(law.values()) == pytest.approx(1.0, abs=EXACT)
    if graph.law.exact:
        assert law_distance(law, reference_law(graph, world, prompt)) < EXACT
    return law


Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]


@pytest.fixture(scope="session")
def stages() -> Stages:
    return compile_stages


@pytest.fixture(scope="session")
def proved() -> Prove:
    return prove


@pytest.fixture(scope="session")
def proved_small() -> Prove:
    return prove_small


@pytest.fixture(scope="session")
def distance() -> Callable[[Graph, World], float]:
    """How far a small graph's law is from its reference."""
    return lambda graph, world: law_distance(
        output_law(graph, world, prompt_of(graph)), reference_law(graph, world, prompt_of(graph))
    )
