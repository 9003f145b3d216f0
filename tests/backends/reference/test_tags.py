"""Promises that are spelled out: topics, numbers, and a model that would like to say malformed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import pytest

from specplan.backends.reference import FORK, TableModel, TableVocabulary, Toy, World, output_law, shrink
from specplan.backends.reference.language import Language, tag_vocabulary
from specplan.backends.runtime.pasta import FORK as IN_FORK
from specplan.backends.runtime.pasta import MAIN, Fault, Place, TokenMachine, Wrong
from specplan.grammar import Tag
from specplan.planner.graph import Graph, Tags, Vocab, retype

Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]
Distance = Callable[[Graph, World], float]

LETTER, DIGIT, PROMISE, TOKENS, END, ASYNC, ENDASYNC, SYNC, EOS = range(9)
WORDS = TableVocabulary(
    (b"a", b"1", *[None] * 7), end=EOS, tags={tag: number for number, tag in enumerate(Tag, start=PROMISE)}
)
PLAN = """
specplan: 1
models:
  target:  {source: smollm2-135m-pasta}
  drafter: {source: smollm2-135m-pasta}
sampling: {temperature: 1}
decode: fork_join(pasta(max_forks=2), DECODER)
"""
DECODERS = {
    "alone": "autoregressive(target)",
    "ngram": "speculate(target, draft=ngram(num_speculative_tokens=2))",
    "drafter": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2), accept=rejection)",
    "tree": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2, tree=static([2, 2]), temperature=0))",
}
SAID_NEXT = {
    LETTER: (LETTER, TOKENS, SYNC, ENDASYNC, PROMISE),
    DIGIT: (END, DIGIT),
    PROMISE: (LETTER,),
    TOKENS: (DIGIT,),
    END: (LETTER, PROMISE, SYNC),
    ASYNC: (LETTER, ENDASYNC),
    SYNC: (LETTER, EOS),
}
"""What a text goes on with, mostly as it should."""


def wilful(seed: str) -> TableModel:
    """A table that speaks the language, and now and then any other tag."""

    def rule(seen: Sequence[int]) -> list[int]:
        digest = blake2b(repr((seed, seen)).encode(), digest_size=12).digest()
        last = next((token for token in reversed(seen) if token >= 0), LETTER)
        may = [*SAID_NEXT.get(last, (LETTER,)), PROMISE + digest[10] % 6]
        weights = [1 + digest[token] % 8 if token in may else 0 for token in range(9)]
        if last == LETTER:  # say what leads somewhere, and a few other things
            dropped = SAID_NEXT[LETTER][1 + digest[11] % 4]
            weights[dropped] = 0
        return weights

    return TableModel(9, rule)


def spelled_out(graph: Graph, toy: Toy) -> tuple[Graph, World]:
    """A small graph over a vocabulary that has all six tags."""
    small, world = shrink(graph, toy)
    declared = tuple(replace(each, size=9) if isinstance(each, Vocab) else each for each in small.declarations)
    models = {name: wilful(name) for name in world.models}
    return retype(replace(small, declarations=declared)), World(models, dict.fromkeys(world.vocabularies, WORDS))


def compiled(stages: Stages, decoder: str, grammar: str = "strict") -> Graph:
    return [*stages(PLAN.replace("DECODER", decoder).replace("=2)", f"=2, grammar={grammar})", 1)).values()][-1]


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_law_of_promises_that_are_spelled_out(decoder: str, stages: Stages, proved_small: Prove) -> None:
    graph, world = spelled_out(compiled(stages, DECODERS[decoder]), Toy(new_tokens=11, guesses=2))
    law = proved_small(graph, world)
    machine = TokenMachine(tag_vocabulary(WORDS))
    for text in law:
        assert faults_of(machine, text) <= {Fault.IDLE_SYNC, Fault.UNFINISHED, Fault.UNCLOSED}
    forked = [text for text in law if FORK in text]
    assert any(
        text.index(FORK) - text.index(SYNC) > 1 for text in forked if SYNC in text[text.index(END) : text.index(FORK)]
    )
    assert any(len(text) - text.index(FORK) > 2 for text in forked)


def faults_of(machine: TokenMachine, text: Sequence[int]) -> set[Fault]:
    found: set[Fault] = set()
    place: Place = MAIN
    for token in text:
        if token == FORK:
            found |= {each.fault for each in machine.end(place)[1] if isinstance(each, Wrong)}
            place = IN_FORK
        else:
            place, said = machine.read(place, [token])
            found |= {each.fault for each in said if isinstance(each, Wrong)}
    return found


def test_numbers_that_are_larger_make_longer_jumps(stages: Stages, proved_small: Prove) -> None:
    """One and eleven tens are two lengths: with a table that counts gaps, a machine that misread them would be found."""
    graph, world = spelled_out(compiled(stages, DECODERS["alone"]), Toy(new_tokens=9))
    text = next(text for text in proved_small(graph, world) if (TOKENS, DIGIT, DIGIT, END) in windows(text))
    machine = TokenMachine(tag_vocabulary(WORDS))
    promise = text[: next(place for place, token in enumerate(text) if token == END) + 1]
    assert machine.read(MAIN, promise)[1][-1].tens == 11  # type: ignore[union-attr]


def windows(text: Sequence[int]) -> set[tuple[int, ...]]:
    return {tuple(text[place : place + 4]) for place in range(len(text))}


@pytest.mark.parametrize("grammar", ["strict", "free"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_whole_promises_in_either_grammar(decoder: str, grammar: str, stages: Stages, proved: Prove) -> None:
    graph = compiled(stages, DECODERS[decoder], grammar)
    assert graph.all(Tags)[0].grammar == grammar
    law = proved(graph, Toy(new_tokens=5, guesses=1))
    stray = 3  # an end of a block, which a table's main thread may say in a free grammar alone
    main = [text[: text.index(FORK)] if FORK in text else text for text in law]
    assert any(stray in text for text in main) is (grammar == "free")


def test_a_main_thread_that_is_not_held_back_is_found(
    stages: Stages, distance: Distance, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, world = spelled_out(compiled(stages, DECODERS["ngram"]), Toy(new_tokens=6))
    assert distance(graph, world) < 1e-12
    restricted = Language.restricted
    monkeypatch.setattr(
        Language, "restricted", lambda self, law, seen, thread: restricted(self, law, seen, thread) if thread else law
    )
    assert distance(graph, world) > 1e-3


def test_in_a_free_grammar_anything_goes_and_ends(stages: Stages) -> None:
    """Nobody has a law to compare it with, but its texts end, add up, and have malformed tags."""
    graph, world = spelled_out(compiled(stages, DECODERS["ngram"], "free"), Toy(new_tokens=6))
    law = output_law(graph, world, b"a")
    assert sum(law.values()) == pytest.approx(1)
    machine = TokenMachine(tag_vocabulary(WORDS))
    found: set[Any] = set().union(*(faults_of(machine, text) for text in law))
    assert {Fault.STRAY, Fault.OWN_ASYNC, Fault.UNFINISHED} <= found
