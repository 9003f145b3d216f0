"""Real drafters of other vocabularies: every token is the target's own, and rows do not depend on each other.

As in `test_real_models.py`; a drafter is another model here, whose tokenizer shares nothing with the target's but bytes.
Whatever loads the largest model is in one group: two processes with it do not fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

from specplan.backends.models import TokenizerWords, load_tokenizer, path

from .certifying import Household, Target, alone, check, check_rows, near_ties
from .tables import check_tables

MODEL = "speculate(target, draft=draft_model({}))"
DRAFTS = {
    "slem": MODEL.format("drafter, num_speculative_tokens=5, vocab=slem"),
    "slem_tree": MODEL.format(
        "drafter, num_speculative_tokens=3, tree=static([3, 2, 1]), vocab=slem(max_candidates=12)"
    ),
    "tli": MODEL.format("drafter, num_speculative_tokens=5, vocab=tli"),
    "slrs": MODEL.format("drafter, num_speculative_tokens=4, vocab=slrs"),
    "slrs_one_token": MODEL.format("drafter, num_speculative_tokens=1, vocab=slrs(form=one_token)"),
    "slem_sure": MODEL.format("drafter, num_speculative_tokens=8, min_confidence=0.4, vocab=slem"),
    "slem_nested": MODEL.format("speculate(drafter, draft=ngram()), num_speculative_tokens=5, vocab=slem"),
    "tli_nested": MODEL.format("speculate(drafter, draft=ngram()), num_speculative_tokens=5, vocab=tli"),
}
SMOLLM2, GEMMA, QWEN = "smollm2-135m-instruct", "gemma-3-270m", "qwen2.5-coder-1.5b-instruct"
FOR_GEMMA = Target(GEMMA, "none", 20, 64, SMOLLM2)
FOR_QWEN = Target(QWEN, "chat", 6, 48, SMOLLM2, judge="target")
BAD_PAIR = Target(GEMMA, "none", 4, 32, QWEN)
STRANGE = "\U00050000"
"""SmolLM2's tokens spell every character but those of planes that Unicode has left empty."""
SPELLS_STRANGELY = Target(
    GEMMA,
    "none",
    3,
    48,
    SMOLLM2,
    texts=(
        f"{STRANGE} one {STRANGE} two {STRANGE} one {STRANGE} two {STRANGE} one {STRANGE} two {STRANGE} one",
        f"a{STRANGE}b, a{STRANGE}b, a{STRANGE}b, a{STRANGE}b, a{STRANGE}b, a{STRANGE}",
        "The cat 🐈\u200d⬛ sat.\r\n\r\nThe cat 🐈\u200d⬛ sat.\r\n\r\nThe cat 🐈\u200d⬛ sat.\r\n\r\nThe",
    ),
)


@pytest.mark.slow
@pytest.mark.xdist_group("gemma")
@pytest.mark.parametrize("draft", DRAFTS)
def test_smollm2_drafts_for_gemma(household_of: Callable[[Target], Household], draft: str) -> None:
    assert check(household_of(FOR_GEMMA), FOR_GEMMA, DRAFTS[draft], 4) > 0


@pytest.mark.slow
@pytest.mark.xdist_group("gemma")
@pytest.mark.parametrize("draft", ["slem", "tli", "slrs"])
def test_text_that_the_drafter_cannot_spell(household_of: Callable[[Target], Household], draft: str) -> None:
    household = household_of(SPELLS_STRANGELY)
    assert sum(STRANGE in each.text for each in alone(household, SPELLS_STRANGELY)) > 0
    assert check(household, SPELLS_STRANGELY, DRAFTS[draft], 3) > 0


@pytest.mark.slow
@pytest.mark.xdist_group("gemma")
@pytest.mark.parametrize("draft", ["tli", "slrs"])
def test_sampled_rows_of_gemma_do_not_depend_on_each_other(
    household_of: Callable[[Target], Household], draft: str
) -> None:
    check_rows(household_of(FOR_GEMMA), FOR_GEMMA, DRAFTS[draft])


@pytest.mark.slow
@pytest.mark.xdist_group("qwen")
def test_a_guard_lets_a_bad_pair_rest(household_of: Callable[[Target], Household]) -> None:
    household, guard = household_of(BAD_PAIR), "guard: {min_speedup: 3.0, window: 4}\n"
    guarded = household.decoder(BAD_PAIR.plan(DRAFTS["slem"], batch=2, more=guard)).generate(BAD_PAIR.asked())
    assert sum(each.stats.rested for each in guarded) > 0
    for prompt, result in zip(BAD_PAIR.asked(), guarded, strict=True):
        near_ties(household.judge(BAD_PAIR), BAD_PAIR.template, prompt, result)


@pytest.mark.slow
@pytest.mark.xdist_group("qwen")
@pytest.mark.parametrize("draft", ["slem", "slem_tree", "tli", "slrs"])
def test_qwen_drafts_for_gemma(household_of: Callable[[Target], Household], draft: str) -> None:
    assert check(household_of(BAD_PAIR), BAD_PAIR, DRAFTS[draft], 2) > 0


@pytest.mark.slow
@pytest.mark.xdist_group("qwen")
@pytest.mark.parametrize("draft", ["slem", "slem_tree", "tli", "slrs"])
def test_smollm2_drafts_for_qwen(household_of: Callable[[Target], Household], draft: str) -> None:
    assert check(household_of(FOR_QWEN), FOR_QWEN, DRAFTS[draft], 3) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("target", "drafter"), [(GEMMA, SMOLLM2), (QWEN, SMOLLM2), (GEMMA, QWEN)])
def test_tables_between_real_vocabularies(target: str, drafter: str) -> None:
    """With 64 columns of padding in the logits of both."""
    tokenizers = [load_tokenizer(each, path(each)) for each in (drafter, target)]
    words = [
        TokenizerWords(each, len(each) + 64, source=name)
        for name, each in zip((drafter, target), tokenizers, strict=True)
    ]
    check_tables(*words, *tokenizers)
