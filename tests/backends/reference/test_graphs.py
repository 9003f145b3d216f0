"""Graphs written by hand: the text is the program, so editing a line changes what comes out and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from math import exp

import pytest

from specplan.backends.decoding import Sampling, Typical
from specplan.backends.reference import (
    TableVocabulary,
    World,
    law_distance,
    output_law,
    random_table,
    typical_law,
)
from specplan.backends.runtime import continuation
from specplan.planner.graph import Graph, check_graph, read_graph

Prove = Callable[..., dict[tuple[int, ...], float]]

WORDS = TableVocabulary((b"a", b"b", None), end=2)
WORLD = World(
    {"target": random_table("t", 3), "drafter": random_table("d", 3, order=2), "other": random_table("o", 3, order=1)},
    {"small": WORDS},
)

HEAD = """graph written : exact by {rule}
  vocab small size=3
  model target = "t" vocab=small, dtype=float64, positions=64
  model drafter = "d" vocab=small, dtype=float64, positions=64, mask=3
  model other = "o" vocab=small, dtype=float64, positions=64, mask=3
  lookup recent max_ngram=2
  shape bushy = static(2, 1)
  shape best = product nodes=3
  sampling warm temperature=1.0, seed=7
  sampling cold

  start(prompt: chat)
    ids = encode(prompt) by=target : tokens[1..2]
    fresh, cache = prefill(ids) by=target : path[1], kv[target, 9]
    last, memory = prefill(ids) by=drafter : path[1], kv[drafter, 9]
    last.2, notes = prefill(ids) by=other : path[1], kv[other, 9]
    yield fresh, cache, memory, notes

"""
CHAIN = (
    HEAD.format(rule="rejection")
    + """  step(fresh: path[1..3], cache: kv[target, 9], memory: kv[drafter, 9], notes: kv[other, 9])
    guess, ahead = draft(fresh, memory) by=drafter, tokens=2, sampling=warm : guess[2, drawn], kv[drafter, 9+1]
    tree = chain(fresh, guess) : tree[1+2, drawn]
    scores, held = verify(tree, cache) by=target : logits[3], kv[target, 9+3]
    path = accept(tree, scores) rule=rejection, sampling=warm : path[1..3]
    said, done = stop(path) max_new_tokens=3 : path[1..3], done
    kept = commit(held, said) : kv[target, 9]
    recall = commit(ahead, said) : kv[drafter, 9]
    emit said
    yield said, kept, recall, notes until done
"""
)
PARD = (
    HEAD.format(rule="exact_match")
    + """  step(fresh: path[1..3], cache: kv[target, 9], memory: kv[drafter, 9], notes: kv[other, 9])
    guess, learned = draft(fresh, memory) by=drafter, tokens=2, masks=1, top=2 : guess[2, top=2], kv[drafter, 9]
    tree = spread(fresh, guess) by=best : tree[1+3, depth=2]
    scores, held = verify(tree, cache) by=target : logits[4], kv[target, 9+4]
    path = accept(tree, scores) rule=exact_match, sampling=warm : path[1..3]
    said, done = stop(path) max_new_tokens=3 : path[1..3], done
    kept = commit(held, said) : kv[target, 9]
    emit said
    yield said, kept, learned, notes until done
"""
)
THREE = (
    HEAD.format(rule="rejection")
    + """  step(fresh: path[1..3], cache: kv[target, 9], memory: kv[drafter, 9], notes: kv[other, 9])
    guess, learned = draft(fresh, memory) by=drafter, tokens=1, masks=0, sampling=warm : guess[1, drawn], kv[drafter, 9]
    tree = chain(fresh, guess) : tree[1+1, drawn]
    more, ahead = draft(fresh, notes) by=other, tokens=2, shape=bushy, sampling=cold : guess[4, depth=2], kv[other, 9+2]
    bush = branch(fresh, more) : tree[1+4, depth=2]
    found = lookup(fresh, cache) by=recent, tokens=2 : guess[0..2]
    line = chain(fresh, found) : tree[1+0..2]
    all = merge(tree, bush, line) : tree[1+4..7, depth=2, drawn]
    scores, held = verify(all, cache) by=target : logits[5..8], kv[target, 9+8]
    path = accept(all, scores) rule=rejection, sampling=warm : path[1..3]
    said, done = stop(path) max_new_tokens=3 : path[1..3], done
    kept = commit(held, said) : kv[target, 9]
    recall = commit(ahead, said) : kv[other, 9]
    emit said
    yield said, kept, learned, recall until done
"""
)
TYPICAL = HEAD.replace("exact by {rule}", "approximate by typical").replace("temperature=1.0", "temperature=0.8")
ACCEPTED = """    scores, held = verify(tree, cache) by=target : logits[LOGITS], kv[target, 17+LAST]
    path = accept(tree, scores) rule=typical, sampling=warm, epsilon=EPSILON, delta=DELTA : path[1..3]
    said, done = stop(path) max_new_tokens=8 : path[1..3], done
    kept = commit(held, said) : kv[target, 17]
    emit said
"""
LINE = (
    TYPICAL
    + """  step(fresh: path[1..3], cache: kv[target, 9], memory: kv[drafter, 9], notes: kv[other, 9])
    found = lookup(fresh, cache) by=recent, tokens=2 : guess[0..2]
    tree = chain(fresh, found) : tree[1+0..2]
"""
    + ACCEPTED.replace("LOGITS", "1..3").replace("LAST", "3")
    + "    yield said, kept, memory, notes until done\n"
).replace(", 9", ", 17")
BUSH = (
    TYPICAL
    + """  step(fresh: path[1..3], cache: kv[target, 9], memory: kv[drafter, 9], notes: kv[other, 9])
    more, ahead = draft(fresh, notes) by=other, tokens=2, shape=bushy, sampling=cold : guess[4, depth=2], kv[other, 9+2]
    tree = branch(fresh, more) : tree[1+4, depth=2]
"""
    + ACCEPTED.replace("LOGITS", "5").replace("LAST", "5")
    + """    recall = commit(ahead, said) : kv[other, 9]
    yield said, kept, memory, recall until done
"""
).replace(", 9", ", 17")


def read(text: str) -> Graph:
    graph, found = read_graph(text)
    assert graph is not None, found
    assert not (wrong := check_graph(graph)), wrong[0].message()
    return graph


@pytest.mark.parametrize("text", [CHAIN, PARD, THREE], ids=["chain", "pard", "three"])
def test_law(text: str, proved_small: Prove) -> None:
    proved_small(read(text), WORLD)


@pytest.mark.parametrize("kept", ["top_k=2", "top_p=0.7", "top_k=2, top_p=0.9, min_p=0.3"])
@pytest.mark.parametrize("text", [CHAIN, PARD], ids=["rejection", "exact_match"])
def test_law_of_what_sampling_keeps(text: str, kept: str, proved_small: Prove) -> None:
    every = proved_small(read(text), WORLD)
    law = proved_small(read(text.replace("temperature=1.0,", f"temperature=1.0, {kept},")), WORLD)
    assert 1 < len(law) < len(every)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.05, 0.1), (0.25, 0.9), (0.35, 0.5), (0.45, 1.0)])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", [LINE, BUSH], ids=["line", "bush"])
def test_law_of_typical_acceptance(text: str, seed: int, epsilon: float, delta: float) -> None:
    assert typical_distance(text, seed, epsilon, delta) == 0


@pytest.mark.parametrize("text", [LINE, BUSH], ids=["line", "bush"])
def test_typical_acceptance_by_the_higher_threshold(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def higher(rule: Typical, entropy: float) -> float:
        return max(rule.epsilon, rule.delta * exp(-entropy))

    monkeypatch.setattr(Typical, "threshold", higher)
    assert any(typical_distance(text, seed, 0.05, 1.0) == 1 for seed in range(6))


def typical_distance(text: str, seed: int, epsilon: float, delta: float) -> float:
    """How far a graph is from the definition of typical acceptance, on tables of a seed."""
    target, other = random_table(f"t{seed}", 3, sharp=2), random_table(f"o{seed}", 3, order=1)
    graph = read(text.replace("EPSILON", str(epsilon)).replace("DELTA", str(delta)))

    def branches(seen: tuple[int, ...]) -> list[tuple[int, ...]]:
        if text is LINE:
            return [continuation(seen, 2, 2)]
        firsts = best(other.law(seen), 2)
        return [(first, *best(other.law((*seen, first)), 1)) for first in firsts]

    right = typical_law(target, WORDS, b"ab", Sampling(0.8), 8, epsilon=epsilon, delta=delta, guesses=branches)
    world = World({**WORLD.models, "target": target, "other": other}, WORLD.vocabularies)
    return law_distance(output_law(graph, world, b"ab"), right)


def best(law: tuple[float, ...], count: int) -> tuple[int, ...]:
    return tuple(sorted(range(len(law)), key=lambda token: (-law[token], token))[:count])


def test_an_edited_limit(proved_small: Prove) -> None:
    graph = read(CHAIN.replace("max_new_tokens=3", "max_new_tokens=1"))
    assert set(map(len, proved_small(graph, WORLD))) == {1}


def test_an_edited_end() -> None:
    law = output_law(read(CHAIN.replace("max_new_tokens=3", "max_new_tokens=3, token_ids=[0]")), WORLD, b"ab")
    assert all(text.index(0) == len(text) - 1 for text in law if 0 in text)
    law = output_law(read(CHAIN.replace("max_new_tokens=3", 'max_new_tokens=3, strings=["ba"]')), WORLD, b"ab")
    assert all(not WORDS.spell(text[:-1]).endswith(b"ba") for text in law)
    law = output_law(read(CHAIN.replace("max_new_tokens=3", "max_new_tokens=3, ignore_eos=true")), WORLD, b"ab")
    assert set(map(len, law)) == {3}
