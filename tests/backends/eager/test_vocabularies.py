"""Drafters of other vocabularies: whatever they make of a text, the target says what it says alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from specplan.backends.runtime import LoopDecoder, Prompt, Result
from specplan.planner import CompiledPlan, compile_source

from .conftest import tiny_config
from .reciting import Reciter, reciting
from .vocabularies import PADDING, TEXTS, TOKENIZERS

PROMPTS = [Prompt(name, text) for name, text in enumerate(["a cat", "the", "on the mat and", "that dog"])]
WARM = "sampling: {temperature: 1.0, seed: 5}\n"
COLD = ""
SLEM = "draft_model(drafter, num_speculative_tokens={}, vocab=slem)"
PAIRS = [
    ("merged", "pieces"),
    ("pieces", "merged"),
    ("bytes", "merged"),
    ("merged", "bytes"),
    ("digits", "merged"),
    ("merged", "letters"),
    ("pieces", "unigram"),
    ("bytes", "digits"),
]
"""A target's tokenizer and a drafter's."""


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for every tokenizer, as far as compiling looks at it."""
    place = tmp_path_factory.mktemp("vocabularies")
    for name in TOKENIZERS:
        tokenizer = tokenizer_of(name)
        config = tiny_config("llama")
        config.vocab_size, config.eos_token_id = len(tokenizer) + PADDING, tokenizer.eos_token_id
        config.save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    return place


@cache
def tokenizer_of(name: str) -> Any:
    return TOKENIZERS[name]()


def plan(
    houses: Path, pair: tuple[str, str], draft: str | None, *, batch: int = 1, more: str = "", new: int = 40
) -> CompiledPlan:
    target, drafter = pair
    decode = "autoregressive(target)" if draft is None else f"speculate(target, draft={draft})"
    second = "" if draft is None else f"  drafter: {{source: ./{drafter}, dtype: float32}}\n"
    text = (
        f"specplan: 1\nmodels:\n  target: {{source: ./{target}, dtype: float32}}\n{second}decode: {decode}\n"
        f"prompt: {{template: none}}\nlimits: {{batch: {batch}, max_new_tokens: {new}, context: 400}}\n{more}"
    )
    compiled = compile_source(text.encode(), "plan.yaml", houses)
    assert not [each for each in compiled.diagnostics if each.severity.value == "error"], compiled.diagnostics
    return compiled


def recited(compiled: CompiledPlan, pair: tuple[str, str], text: str, look: Any = None, **facts: Any) -> LoopDecoder:
    """Target and drafter recite the same text, each with errors of its own."""
    names = zip(("target", "drafter"), pair, strict=True)
    return reciting(compiled.graph, {name: reciter(name, kind, text, **facts) for name, kind in names}, look)


@cache
def reciter(name: str, kind: str, text: str, **facts: Any) -> Reciter:
    return Reciter(name, tokenizer_of(kind), TEXTS[text], **facts)


def ids(results: Sequence[Result]) -> list[tuple[int, ...]]:
    return [each.token_ids for each in results]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_slem_says_what_the_target_says_alone(houses: Path, pair: tuple[str, str], text: str) -> None:
    """Draws of the target are keyed by position, so that sampled answers are equal token for token, too."""
    accepted = 0
    for more, settings in ((COLD, ((1, 1), (20, 3))), (WARM, ((2, 3), (5, 1)))):
        alone = ids(recited(plan(houses, pair, None, more=more), pair, text).generate(PROMPTS))
        for tokens, batch in settings:
            compiled = plan(houses, pair, SLEM.format(tokens), batch=batch, more=more)
            results = recited(compiled, pair, text).generate(PROMPTS)
            assert ids(results) == alone
            accepted += sum(each.stats.accepted for each in results)
    assert accepted > 0 or pair[1] in ("letters", "unigram")
