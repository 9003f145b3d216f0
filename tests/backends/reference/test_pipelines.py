"""PipeDec on virtual ranks: exact for every width and depth, and as many timesteps as the paper promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specplan.backends.reference import Machine, TableModel, TableVocabulary, Toy, World, random_table, shrink
from specplan.planner.graph import Dynamic, Graph, Model, Ranks, Send, retype

Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]

WORDS = TableVocabulary((b"a", b"b", b"c", None), end=3)

PLAN = """
specplan: 1
models:
  target:  {source: llama-3.1-70b-instruct}
  drafter: {source: llama-3.2-1b-instruct}
decode: |
  pipeline(speculate(target,
    draft = draft_model(drafter, num_speculative_tokens=DEPTH, tree=dynamic(width=2, children=2, depth=DEPTH))), stages=STAGES)
sampling: {temperature: 1, seed: 3}
backend: {device: h200}
"""


@pytest.fixture
def pipelines(stages: Stages) -> Callable[..., Graph]:
    """The graph of a pipeline, shrunk no further than its prompt and capacities, placed on ranks or not."""

    def make(count: int, width: int, children: int, depth: int, tokens: int, placed: bool = True) -> Graph:
        made = stages(PLAN.replace("STAGES", str(count)).replace("DEPTH", str(depth)))
        graph = [*made.values()][-1 if placed else 0]
        small, _ = shrink(graph, Toy(new_tokens=tokens, stages=max(count, depth), order=None))
        shaped = tuple(
            replace(each, width=width, children=children, depth=depth) if isinstance(each, Dynamic) else each
            for each in small.declarations
        )
        return retype(replace(small, declarations=shaped))

    return make


def never_ending(rule: Callable[[tuple[int, ...]], int]) -> TableModel:
    """A table that is sure of one token."""
    return TableModel(4, lambda seen: [float(token == rule(seen)) for token in range(4)])


def steps_of(graph: Graph, target: TableModel, drafter: TableModel) -> tuple[int, tuple[int, ...]]:
    """How many timesteps a run takes, and what it says."""
    words = {graph.target.vocab: WORDS}
    sized = tuple(replace(e, size=4) if hasattr(e, "entries") else e for e in graph.declarations)
    machine = Machine(retype(replace(graph, declarations=sized)), World({"target": target, "drafter": drafter}, words))
    state, steps, said, done = machine.start((b"ab",)), 0, (), False
    while not done:
        stepped = machine.step(state)
        state, steps, done = stepped.state, steps + 1, stepped.done[0]
        said += tuple(token for _, tokens in stepped.said for token in tokens)
    return steps, said


right = never_ending(lambda seen: sum(seen[-3:]) % 3)
wrong = never_ending(lambda seen: (sum(seen[-3:]) + 1) % 3)


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("placed", [False, True])
def test_steps(pipelines: Callable[..., Graph], count: int, placed: bool) -> None:
    tokens = 12
    graph = pipelines(count, 2, 1, count, tokens, placed)
    filled, said = steps_of(graph, right, right)
    assert (filled, len(said)) == (tokens + count - 1, tokens)
    flushed, again = steps_of(graph, right, wrong)
    assert (flushed, again) == (tokens * count, said)


@pytest.mark.parametrize(
    ("count", "width", "children", "depth"), [(2, 1, 1, 2), (2, 2, 2, 2), (3, 2, 1, 3), (3, 3, 2, 4), (4, 2, 2, 4)]
)
def test_law(
    pipelines: Callable[..., Graph], proved_small: Prove, count: int, width: int, children: int, depth: int
) -> None:
    graph = pipelines(count, width, children, depth, 4)
    vocab = next(each for each in graph.declarations if each.name == graph.target.vocab)
    words = TableVocabulary((b"a", b"b", None), end=2)
    world = World({"target": random_table("t", 3), "drafter": random_table("d", 3)}, {vocab.name: words})
    assert len(proved_small(graph, world)) > 15


def test_a_value_on_another_rank_is_found_out(pipelines: Callable[..., Graph]) -> None:
    graph = pipelines(2, 2, 2, 2, 3)
    nodes = tuple(
        replace(node, to=Ranks(node.to.first, node.to.first))
        if isinstance(node, Send) and len({*node.to}) > 1
        else node
        for node in graph.step.nodes
    )
    lost = replace(graph, step=replace(graph.step, nodes=nodes))
    assert any(model.ranks is not None for model in graph.all(Model))
    with pytest.raises(AssertionError, match="does not stand"):
        Machine(lost, World({}, {}))
