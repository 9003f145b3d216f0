"""Known mistakes, put in on purpose: the enumeration of real graphs catches each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from specplan.backends.reference import Toy, World, caches, drafting, judging, machine, shrink, words
from specplan.backends.reference.setting import Setting
from specplan.backends.reference.values import Line, Proposed
from specplan.planner.graph import Accept, Cut, Draft, Graph, Model, Rule, check_graph

Stages = Callable[..., dict[str, Graph]]
Distance = Callable[[Graph, World], float]

BIASED = 1e-3
EXACT = 1e-12


def graph_of(stages: Stages, text: str, toy: Toy | None = None) -> tuple[Graph, World]:
    return shrink([*stages(text).values()][-1], toy or Toy())


SAME = """
specplan: 1
models:
  target:  {source: llama-3.1-8b-instruct}
  drafter: {source: llama-3.2-1b-instruct, mask: 128000}
sampling: {temperature: 1}
backend: {device: h200}
decode: """
FOREIGN = """
specplan: 1
models:
  target:  {source: gemma-3-270m}
  drafter: {source: smollm2-135m-instruct}
sampling: {temperature: 1}
prompt: {template: none}
decode: """
FORKS = """
specplan: 1
models:
  target:  {source: smollm2-135m-pasta}
  drafter: {source: smollm2-135m-pasta, mask: 4}
sampling: {temperature: 1}
decode: """

CHAIN = SAME + "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2), accept=rejection)"
GREEDY_DRAFTS = CHAIN.replace("tokens=2", "tokens=2, temperature=0")
TLI = FOREIGN + "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2, vocab=tli), accept=rejection)"
SLRS = TLI.replace("vocab=tli", "vocab=slrs(empty=reject)")
NESTED = SAME + (
    "speculate(target, draft=draft_model(speculate(drafter, draft=ngram(num_speculative_tokens=2)),"
    " num_speculative_tokens=2), accept=rejection)"
)
TREE = SAME + (
    "speculate(target, draft=draft_model(drafter, num_speculative_tokens=1, tree=static([3])), accept=rejection)"
)
PARD = SAME + "speculate(target, draft=pard(drafter, num_speculative_tokens=3), accept=rejection)"
PASTA = FORKS + "fork_join(pasta(max_forks=4), speculate(target, draft=ngram(num_speculative_tokens=4)))"

PASTA_DRAFTED = PASTA.replace("ngram(num_speculative_tokens=4)", "pard(drafter, num_speculative_tokens=4)").replace(
    "speculative_tokens=4))", "speculative_tokens=4), accept=exact_match)"
)


def test_softmax_of_a_greedy_draft(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, GREEDY_DRAFTS, Toy(temperature=None))
    warm = next(each.name for each in graph.declarations if getattr(each, "temperature", 0) == 1.0)
    assert distance(graph, world) < EXACT
    right = drafting._propose

    def softmax(node: Draft, seat: Any, seen: Any, ahead: int, ordinal: int) -> Proposed:
        return replace(right(node, seat, seen, ahead, ordinal), law=seat.setting.shaped(seat.law(seen), warm))

    monkeypatch.setattr(drafting, "_propose", softmax)
    monkeypatch.setattr("specplan.backends.reference.checks._certainty", lambda *_: None)
    assert distance(graph, world) > BIASED


def test_target_masked_to_the_intersection(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, TLI)
    assert distance(graph, world) < EXACT

    def masked(node: Accept, setting: Setting, law: tuple[float, ...]) -> tuple[float, ...]:
        images = {image for image in setting.table("shared").images if image is not None}
        return setting.shaped(law, node.sampling, tuple(token in images for token in range(len(law))))

    monkeypatch.setattr(judging, "target_law", masked)
    assert distance(graph, world) > BIASED


def test_overwriting_what_shares_an_image(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, SLRS)
    assert distance(graph, world) < EXACT

    def overwritten(law: Sequence[float], images: Sequence[int | None], size: int) -> tuple[float, ...]:
        moved = {image: p for image, p in zip(images, law, strict=True) if image is not None and p > 0}
        return tuple(moved.get(token, 0.0) for token in range(size))

    monkeypatch.setattr(words, "image_law", overwritten)
    assert distance(graph, world) > BIASED


def test_nulls_left_out_of_an_unnormalised_law(
    stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, world = graph_of(stages, SLRS)
    right = words._translated

    def without_nulls(*given: Any) -> Any:
        bush = right(*given)
        below = tuple(tuple(each for each in row if each.token is not None) for row in bush.proposals)
        return replace(bush, proposals=below)

    monkeypatch.setattr(words, "_translated", without_nulls)
    assert distance(graph, world) > BIASED


def test_draft_law_before_its_mask(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, TLI)
    right = drafting._propose

    def unmasked(node: Draft, seat: Any, seen: Any, ahead: int, ordinal: int) -> Proposed:
        return replace(right(node, seat, seen, ahead, ordinal), law=seat.setting.shaped(seat.law(seen), node.sampling))

    monkeypatch.setattr(drafting, "_propose", unmasked)
    assert distance(graph, world) > BIASED


def test_siblings_tested_against_the_first_ones_law(
    stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, world = graph_of(stages, TREE)
    assert distance(graph, world) < EXACT
    right = drafting._siblings

    def one_law(*given: Any) -> list[Proposed]:
        siblings = right(*given)
        return [replace(each, law=siblings[0].law) for each in siblings]

    monkeypatch.setattr(drafting, "_siblings", one_law)
    assert distance(graph, world) > BIASED


def test_nested_decoder_hands_on_its_drafters_law(
    stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, world = graph_of(stages, NESTED)
    assert distance(graph, world) < EXACT
    right = machine._guessed

    def flat(line: Line | None, root: Line | None, kind: Any) -> Any:
        even = None if line is None else replace(line, laws=tuple((1 / 3,) * 3 for _ in line.laws))
        return right(even, root, kind)

    monkeypatch.setattr(machine, "_guessed", flat)
    assert distance(graph, world) > BIASED


def test_ratio_test_on_lost_laws_is_refused(stages: Stages) -> None:
    slem = TLI.replace("vocab=tli", "vocab=slem").replace(", accept=rejection", "")
    graph, _ = graph_of(stages, slem)
    nodes = tuple(replace(node, rule=Rule.REJECTION) if isinstance(node, Accept) else node for node in graph.step.nodes)
    assert check_graph(replace(graph, step=replace(graph.step, nodes=nodes)))


def test_ratio_test_on_lost_laws_is_biased(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law made up for a draw is no law; to take the draw as certain would be slow, and exact."""
    graph, world = graph_of(stages, CHAIN)
    right = drafting._propose
    monkeypatch.setattr(drafting, "_propose", lambda *given: replace(right(*given), law=None))
    assert distance(graph, world) < EXACT
    monkeypatch.setattr(drafting, "_propose", lambda *given: replace(right(*given), law=(1 / 3,) * 3))
    assert distance(graph, world) > BIASED


def test_rows_of_masks_kept(stages: Stages, proved_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, PARD)
    proved_small(graph, world)
    right = machine.drafting.draft

    def keeps_masks(node: Draft, setting: Setting, source: Any, cache: Any, *rest: Any) -> Any:
        guess, learned = right(node, setting, source, cache, *rest)
        pool, line = learned.pools[0], source[0]
        ends = len(line.tokens) + line.start
        mask = setting.graph.named(node.by, Model).mask
        slots = [caches.Slot(mask, 0, ends, ends)]
        return guess, replace(learned, pools=(caches.settle(pool, slots),))

    monkeypatch.setattr(machine.drafting, "draft", keeps_masks)
    with pytest.raises(AssertionError):
        proved_small(graph, world)


def without_cut(graph: Graph) -> Graph:
    """The graph with its paths not cut behind tags."""
    place, cut = next((place, node) for place, node in enumerate(graph.step.nodes) if isinstance(node, Cut))
    heard, path = cut.results[0].name, cut.path
    nodes = []
    for node in (*graph.step.nodes[:place], *graph.step.nodes[place + 1 :]):
        if getattr(node, "path", None) is not None and node.path.name == heard:
            node = replace(node, path=path)
        nodes.append(node)
    return replace(graph, step=replace(graph.step, nodes=tuple(nodes)))


def test_no_cut_where_threads_fork(stages: Stages, distance: Distance) -> None:
    graph, world = graph_of(stages, PASTA_DRAFTED, Toy(new_tokens=6))
    assert distance(graph, world) < EXACT
    uncut = without_cut(graph)
    assert check_graph(uncut)
    assert distance(uncut, world) > BIASED


def test_dropping_a_sync_and_drawing_it_again(
    stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that is cut off is drawn twice before it counts, so it comes too seldom."""
    graph, world = graph_of(stages, PASTA, Toy(new_tokens=6))
    right = judging._cut_behind

    def before_sync(line: Line, ends: Any, vocabulary: Any) -> Line:
        kept = right(line, ends, vocabulary)
        is_sync = vocabulary.is_tag(kept.tokens[-1], judging.Tag.SYNC)
        return judging.shortened(kept, len(kept.tokens) - 1, vocabulary) if is_sync and len(kept.tokens) > 1 else kept

    monkeypatch.setattr(judging, "_cut_behind", before_sync)
    assert distance(graph, world) > BIASED


def test_forks_that_see_later_text(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, PASTA, Toy(new_tokens=8))
    right = caches._reading_order

    def later_too(known: Any, woven: Any, thread: int, last: int) -> Any:
        places = right(known, woven, thread, last)
        if not thread:
            return places
        return sorted({*places, *(place for place in known if place[0] == 0)})

    monkeypatch.setattr(caches, "_reading_order", later_too)
    assert distance(graph, world) > BIASED


def test_two_drafts_from_one_draw(stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch) -> None:
    merged = SAME + (
        "speculate(target, draft=merge(draft_model(drafter, num_speculative_tokens=1),"
        " draft_model(other, num_speculative_tokens=1)), accept=rejection)"
    )
    merged = merged.replace("sampling:", "  other:   {source: llama-3.2-1b-instruct}\nsampling:")
    graph, world = graph_of(stages, merged)
    assert distance(graph, world) < EXACT
    monkeypatch.setattr(machine, "_numbered", lambda graph: {id(node): 0 for node in graph.nodes()})
    with pytest.raises(AssertionError, match="the same draw"):
        distance(graph, world)


def test_committing_nothing_is_found(stages: Stages, proved_small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, world = graph_of(stages, CHAIN)
    right = caches.commit
    monkeypatch.setattr(caches, "commit", lambda pool, path, thread: right(pool, None, thread))
    with pytest.raises(AssertionError):
        proved_small(graph, world)
