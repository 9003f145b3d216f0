"""Drafters of other vocabularies leave the target's law exactly as it is: the emitted program, enumerated.

Tables take the place of transformers. Their vocabularies have few tokens, and every way to fall apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from specplan.backends.decoding import Draws, Repeats, law_of, total_variation
from specplan.backends.decoding import Sampling as Law
from specplan.backends.reference import TOY, TableVocabulary, Toy, World, autoregressive_law, random_table, shrink
from specplan.backends.runtime import Prompt
from specplan.planner import compile_source
from specplan.planner.graph import Graph, Sampling, Vocab, check_graph

from .laws import decoder_of
from .test_against_reference import reference_says

MODEL = "draft_model({}, num_speculative_tokens={}, vocab={})"
DRAFTS = {
    "slem": MODEL.format("drafter", 2, "slem"),
    "slem_tree": MODEL.format("drafter", 2, "slem, tree=static([2, 1])"),
    "tli": MODEL.format("drafter", 2, "tli"),
    "tli_tree": MODEL.format("drafter", 2, "tli, tree=static([2, 1])"),
    "tli_nested": MODEL.format("speculate(drafter, draft=ngram())", 2, "tli"),
    "slrs": MODEL.format("drafter", 2, "slrs(form=chain, empty=reject)"),
    "slrs_mask": MODEL.format("drafter", 2, "slrs(form=chain, empty=mask)"),
    "slrs_one_token": MODEL.format("drafter", 1, "slrs(form=one_token)"),
}
ACCENT = "é".encode()


@dataclass(frozen=True)
class Pair:
    """A target's vocabulary and a drafter's; the last token of each ends a text."""

    target: tuple[bytes, ...]
    drafter: tuple[bytes, ...]
    prompt: bytes = b"a"

    @property
    def words(self) -> tuple[TableVocabulary, TableVocabulary]:
        return tuple(TableVocabulary((*each, None), end=len(each)) for each in (self.target, self.drafter))  # type: ignore[return-value]


PAIRS = {
    "overlap": Pair((b"a", b"b", b"ab"), (b"b", b"a", b"ba")),
    "drafter within target": Pair((b"a", b"ab", b"b"), (b"b", b"a")),
    "target within drafter": Pair((b"a", b"b"), (b"ba", b"b", b"a")),
    "one token": Pair((b"bb", b"a", b"b"), (b"a", b"ab", b"abb")),
    "unspelled": Pair((b"a", b"b", b"c"), (b"ba", b"b", b"a")),
    "words": Pair((b" ", b"a", b"b"), (b" a", b"a", b" ", b"b")),
    "begun": Pair((ACCENT[:1], ACCENT[1:], b"a"), (ACCENT, b"a")),
    "whole": Pair((ACCENT, b"a"), (ACCENT[:1], ACCENT[1:], b"a")),
}


def toy(draft: str, pair: Pair, size: Toy = TOY) -> tuple[Graph, World]:
    """The plan at toy size, between these vocabularies."""
    text = (
        "specplan: 1\nmodels:\n  target: {source: qwen2.5-coder-1.5b-instruct}\n"
        f"  drafter: {{source: smollm2-135m-instruct}}\ndecode: speculate(target, draft={DRAFTS[draft]})\n"
        "sampling: {temperature: 1, seed: 7}\n"
    )
    compiled = compile_source(text.encode(), f"{draft}.yaml", Path())
    graph, _ = shrink(compiled.graph, size)
    names = [each.name for each in graph.all(Vocab)]
    target, drafter = pair.words
    words = {name: target if name == graph.target.vocab else drafter for name in names}
    declared = tuple(
        replace(each, size=words[each.name].size) if isinstance(each, Vocab) else each for each in graph.declarations
    )
    graph = replace(graph, declarations=declared)
    assert not check_graph(graph)
    tables = {
        name: random_table(name, words.size, order=3)
        for name, words in zip(("target", "drafter"), pair.words, strict=True)
    }
    return graph, World(tables, words)


# What takes long is enumerated where it says something new: text is spelled anew in `words`, trees are nothing else.
LONG = {("words", draft) for draft in DRAFTS if draft not in ("tli", "tli_nested")}
LONG |= {(name, draft) for name in PAIRS for draft in ("slem_tree", "tli_tree") if name not in ("one token", "whole")}
CASES = [(name, draft) for name in PAIRS for draft in DRAFTS if (name, draft) not in LONG]


@pytest.mark.parametrize(("name", "draft"), CASES)
def test_the_law_is_the_targets(name: str, draft: str) -> None:
    pair = PAIRS[name]
    graph, world = toy(draft, pair)
    running, machine = decoder_of(graph, world)
    (declared,) = graph.all(Sampling)
    drafted = 0

    def run(draws: Draws) -> tuple[int, ...]:
        nonlocal drafted
        machine._samplers[declared] = replace(machine.sampler(declared), draws=draws)  # type: ignore[arg-type]
        (result,) = running.generate([pair.prompt.decode()])
        drafted += result.stats.drafted
        return result.token_ids

    exact = autoregressive_law(
        world.models["target"], world.vocabularies[graph.target.vocab], pair.prompt, Law(1.0), TOY.new_tokens
    )
    assert total_variation(law_of(run, repeats=Repeats.SHARED), exact) < 1e-12
    assert drafted > 0


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("name", ["words", "drafter within target", "target within drafter"])
def test_the_reference_says_the_same(name: str, draft: str) -> None:
    """Draw by draw, also where text that is spelled anew has fewer tokens than before."""
    graph, world = toy(draft, PAIRS[name], Toy(guesses=3, new_tokens=12, prompt=8))
    running, _ = decoder_of(graph, world)
    prompts = [Prompt(number, text) for number, text in enumerate(["ab", "aa", "b", "abaab"] * 8)]
    accepted = 0
    for prompt, result in zip(prompts, running.generate(prompts), strict=True):
        assert [*result.token_ids] == reference_says(graph, world, [prompt])[0].tokens
        accepted += result.stats.accepted
    assert accepted > 0
