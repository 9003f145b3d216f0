"""Drafters of other vocabularies: whatever they make of a text, the target says what it says alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.eager.network import TorchNetwork
from specplan.backends.models import ChatEncoder, TokenizerWords
from specplan.backends.runtime import (
    Cache,
    Clock,
    Finished,
    LoopDecoder,
    Prompt,
    Result,
    Scores,
    Stepped,
    Translation,
    Wanted,
    Words,
    whole_characters,
)
from specplan.backends.runtime import Path as Said
from specplan.backends.runtime.readable import Readable
from specplan.planner import CompiledPlan, compile_source

from .conftest import make_tiny, tiny_config
from .laws import contexts
from .reciting import Reciter, reciting
from .tables import check_tables
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
        tiny_config("llama", len(tokenizer) + PADDING, tokenizer.eos_token_id).save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    again = shutil.copytree(place / "ascii", place / "ascii again") / "tokenizer.json"
    again.write_text(again.read_text() + "\n")  # vocabularies are equal if their files are
    return place


@cache
def tokenizer_of(name: str) -> Any:
    return TOKENIZERS[name]()


def plan(
    houses: Path, pair: tuple[str, str], draft: str | None, *, batch: int = 1, more: str = "", new: int = 40
) -> CompiledPlan:
    target, drafter = pair
    decode = "autoregressive(target)" if draft is None else f"speculate(target, draft={draft})"
    second = "" if draft is None else f"  drafter: {{source: './{drafter}', dtype: float32}}\n"
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


DRAFTS = {
    "slem": SLEM.format(5),
    "slem_far": SLEM.format(20),
    "slem_tree": SLEM.format("3, tree=static([2, 2, 1])"),
    "slem_sure": SLEM.format("6, min_confidence=0.5"),
    "slem_nested": "draft_model(speculate(drafter, draft=ngram()), num_speculative_tokens=5, vocab=slem)",
    "tli": "draft_model(drafter, num_speculative_tokens=5, vocab=tli)",
    "tli_tree": "draft_model(drafter, num_speculative_tokens=3, tree=static([2, 2, 1]), vocab=tli)",
    "tli_nested": "draft_model(speculate(drafter, draft=ngram()), num_speculative_tokens=5, vocab=tli)",
    "slrs": "draft_model(drafter, num_speculative_tokens=4, vocab=slrs)",
    "slrs_mask": "draft_model(drafter, num_speculative_tokens=4, vocab=slrs(empty=mask))",
    "slrs_one_token": "draft_model(drafter, num_speculative_tokens=1, vocab=slrs(form=one_token))",
}
DRAWN = [name for name in DRAFTS if name.startswith(("tli", "slrs"))]
MIXED = [("merged", "pieces"), ("bytes", "merged"), ("pieces", "letters")]
GUARD = "guard: {min_speedup: 3.0, window: 2}\n"


@pytest.mark.parametrize("more", [COLD, GUARD], ids=["always", "guarded"])
@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("pair", MIXED, ids="-".join)
def test_greedily_every_draft_says_what_the_target_says_alone(
    houses: Path, pair: tuple[str, str], draft: str, more: str
) -> None:
    accepted = 0
    for text in ("words", "emoji", "broken"):
        alone = ids(recited(plan(houses, pair, None), pair, text).generate(PROMPTS))
        compiled = plan(houses, pair, DRAFTS[draft], batch=3, more=more)
        results = recited(compiled, pair, text).generate(PROMPTS)
        assert ids(results) == alone
        assert (sum(each.stats.rested for each in results) > 0) == bool(more)
        accepted += sum(each.stats.accepted for each in results)
    assert accepted > 0


@pytest.mark.parametrize("draft", DRAWN)
@pytest.mark.parametrize("pair", MIXED, ids="-".join)
def test_a_sampled_row_does_not_depend_on_its_batch(houses: Path, pair: tuple[str, str], draft: str) -> None:
    alone = ids(recited(plan(houses, pair, DRAFTS[draft], more=WARM), pair, "emoji").generate(PROMPTS))
    together = recited(plan(houses, pair, DRAFTS[draft], batch=3, more=WARM), pair, "emoji")
    assert ids(together.generate(PROMPTS)) == alone
    assert ids(together.generate(PROMPTS[::-1]))[::-1] == alone


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("draft", DRAFTS)
def test_what_a_drafter_has_read_spells_what_was_said(houses: Path, draft: str, text: str) -> None:
    """After every step, in bytes: all but a character that has only begun is read or owed, and nothing else."""
    for pair in (*MIXED, ("merged", "bytes")):
        look = Look(*(reciter(*each, text).words for each in zip(("target", "drafter"), pair, strict=True)))
        compiled = plan(houses, pair, DRAFTS[draft], batch=2, more=WARM if draft in DRAWN else COLD)
        recited(compiled, pair, text, look).generate(PROMPTS[:2])
        assert look.steps > 0


class Look:
    """Compares what a drafter's cache holds and owes with what was said."""

    def __init__(self, target: Words, drafter: Words) -> None:
        self._target, self._drafter, self._readable = target, drafter, Readable(drafter)
        self.steps = 0

    def __call__(self, path: Said, cache: Cache) -> None:
        prompt = path.row.prompt_sizes["drafter"]
        said = self._readable.of(self._target.bytes_of(path.row.said))
        held = cache.slots.tokens()[prompt:]
        kept = held[: path.start - prompt]
        assert cache.slots.levels == 0
        assert len(kept) == path.start - prompt
        assert self._drafter.bytes_of([*kept, *path.tokens]) == whole_characters(said)
        # What is behind that is forgotten before anything else is read.
        assert said.startswith(whole_characters(self._drafter.bytes_of(held)))
        self.steps += 1


@pytest.mark.parametrize("tokens", [5, 20])
@pytest.mark.parametrize("pair", MIXED, ids="-".join)
def test_all_drafts_may_be_rejected(houses: Path, pair: tuple[str, str], tokens: int) -> None:
    """The drafter recites another text, and what it guessed in vain leaves nothing behind."""
    networks = {"target": reciter("target", pair[0], "digits"), "drafter": reciter("drafter", pair[1], "words")}
    look = Look(networks["target"].words, networks["drafter"].words)
    compiled = plan(houses, pair, SLEM.format(tokens))
    results = reciting(compiled.graph, networks, look).generate(PROMPTS)
    assert ids(results) == ids(reciting(plan(houses, pair, None).graph, networks).generate(PROMPTS))
    assert sum(each.stats.drafted for each in results) > 10 * sum(each.stats.accepted for each in results)


@pytest.mark.parametrize("draft", ["slem", "tli", "slrs"])
def test_what_the_drafter_cannot_spell_does_not_silence_it(houses: Path, draft: str) -> None:
    """`letters` has no digit, no line end and no emoji: it drafts on behind them."""
    pair = ("merged", "letters")
    script = "the cat 🌍 sat on the mat 12 and\r\n the dog 🙂 sat on the cat. ".encode()
    networks = {
        name: Reciter(name, tokenizer_of(kind), script, errs=0.05)
        for name, kind in zip(("target", "drafter"), pair, strict=True)
    }
    (result,) = reciting(plan(houses, pair, DRAFTS[draft]).graph, networks).generate(["the"])
    (alone,) = reciting(plan(houses, pair, None).graph, networks).generate(["the"])
    assert result.token_ids == alone.token_ids
    first = next(place for place, character in enumerate(result.text) if character in "🌍🙂12\r\n")
    assert first < len(result.text) - 20
    seen, drafted_behind = "", 0
    for event in reciting(plan(houses, pair, DRAFTS[draft]).graph, networks).stream(["the"]):
        if isinstance(event, Stepped):
            drafted_behind += event.accepted if len(seen) > first else 0
            seen += event.text
    assert drafted_behind > 0


class Asked(Reciter):
    """Reads prompts as loaded models do."""

    def encoder(self, template: str, system: str | None) -> Any:
        return ChatEncoder(self.tokenizer, source=self.name, template="none")


@pytest.mark.parametrize("draft", ["slem", "slem_nested", "tli", "slrs", "slrs_one_token"])
@pytest.mark.parametrize(
    ("pair", "prompt"),
    [(("merged", "letters"), "🌍"), (("pieces", "unigram"), "a cat 12"), (("merged", "bytes"), " the cat" * 60)],
    ids=["empty", "unknown", "long"],
)
def test_prompts_that_a_drafter_cannot_read_are_answered(
    houses: Path, pair: tuple[str, str], prompt: str, draft: str
) -> None:
    """It reads a stand-in, or nothing of them, and guesses from what is said."""
    networks = {
        name: Asked(name, tokenizer_of(kind), TEXTS["words"])
        for name, kind in zip(("target", "drafter"), pair, strict=True)
    }
    (alone,) = reciting(plan(houses, pair, None).graph, networks).generate([prompt])
    (result,) = reciting(plan(houses, pair, DRAFTS[draft]).graph, networks).generate([prompt])
    assert result.token_ids == alone.token_ids and result.prompt_tokens == alone.prompt_tokens
    assert result.stats.drafted > 0


@pytest.mark.parametrize("draft", ["slem", "slem_tree", "tli", "slrs", "tli_nested"])
@pytest.mark.parametrize("ending", ["string", "token", "end"])
def test_texts_end_where_the_targets_own_end(houses: Path, draft: str, ending: str) -> None:
    pair, ended = ("merged", "pieces"), 0
    for text, word in (("words", b" sat"), ("emoji", "🙂".encode())):
        target = reciter("target", "merged", text).words
        more = {
            "string": f"stop: {{strings: ['{word.decode()}']}}\n",
            "token": f"stop: {{token_ids: {[*(target.encode(word) or ())][-1:]}}}\n",
            "end": "",
        }[ending]
        facts = {} if more else {"ends": 0.8}
        alone = recited(plan(houses, pair, None, more=more), pair, text, **facts).generate(PROMPTS)
        results = recited(plan(houses, pair, DRAFTS[draft], batch=2, more=more), pair, text, **facts).generate(PROMPTS)
        assert [(each.token_ids, each.text) for each in results] == [(each.token_ids, each.text) for each in alone]
        ended += sum(each.stats.generated < 40 for each in results)
    assert ended > 0


@pytest.mark.parametrize("draft", ["slem", "slem_nested", "tli", "slrs", "tli_tree"])
def test_a_drafter_whose_context_is_full_falls_silent(houses: Path, draft: str) -> None:
    """Bytes fill the drafter's context long before words fill the target's."""
    pair = ("merged", "bytes")
    compiled = plan(houses, pair, DRAFTS[draft], new=300)
    (alone,) = recited(plan(houses, pair, None, new=300), pair, "words").generate(["the"])
    said, drafted = [], []
    for event in recited(compiled, pair, "words").stream(["the"]):
        if isinstance(event, Stepped):
            said += event.token_ids
            drafted.append(event.drafted)
    assert tuple(said) == alone.token_ids
    assert sum(drafted[:20]) > 0 and sum(drafted[-20:]) == 0


@pytest.mark.parametrize("more", [COLD, WARM, WARM.replace("1.0", "0.7, top_p: 0.9")], ids=["greedy", "warm", "shaped"])
@pytest.mark.parametrize("shape", ["", ", tree=static([2, 2, 1])"], ids=["line", "tree"])
def test_tli_between_equal_vocabularies_is_ordinary_speculation(houses: Path, more: str, shape: str) -> None:
    """Draw by draw: the same drafts, of which the same are accepted."""
    draft = f"draft_model(drafter, num_speculative_tokens=3{shape}, vocab={{}})"
    steps = []
    for other, vocab in (("ascii", "same"), ("ascii again", "tli")):
        pair = ("ascii", other)
        decoding = recited(plan(houses, pair, draft.format(vocab), batch=2, more=more), ("ascii", "ascii"), "words")
        events = [each for each in decoding.stream(PROMPTS) if isinstance(each, Stepped)]
        assert any(each.translation for each in events) == (vocab == "tli")
        steps.append([replace(each, timing=None, translation=None) for each in events])
    assert steps[0] == steps[1]
    assert sum(each.accepted for each in steps[0]) > 0


@pytest.mark.parametrize("draft", [None, *DRAFTS])
def test_steps_tell_what_went_between_the_words(houses: Path, draft: str | None) -> None:
    """Steps add up to the statistics, and candidates are what the target scored."""
    pair = ("merged", "pieces")
    compiled = plan(houses, pair, None if draft is None else DRAFTS[draft], batch=2)
    events = [*recited(compiled, pair, "emoji").stream(PROMPTS)]
    steps = {each.id: [step for step in events if isinstance(step, Stepped) and step.id == each.id] for each in PROMPTS}
    for result in (each.result for each in events if isinstance(each, Finished)):
        mine, told = steps[result.id], result.stats.translation
        assert [each for each in mine if each.translation is not None] if draft else told is None
        if told is None:
            continue
        assert told == sum((each.translation or Translation() for each in mine), Translation())
        assert told.candidates >= result.stats.drafted > 0
        assert (
            0 < told.canonical <= told.respellings <= len(mine) if draft and "slem" in draft else told.respellings == 0
        )
        assert told.encoded_bytes > 0
        assert 0 < result.stats.translation_s < result.stats.decode_s


def test_every_round_tells_its_own_candidates(houses: Path) -> None:
    """A drafter of bytes: five of its guesses are at most five tokens, of the bytes that the guesses have."""
    pair = ("merged", "bytes")
    networks = {
        name: reciter(name, kind, "words", errs=0.0) for name, kind in zip(("target", "drafter"), pair, strict=True)
    }
    steps = reciting(plan(houses, pair, SLEM.format(5)).graph, networks).stream(["the"])
    rounds = [each for each in steps if isinstance(each, Stepped) and each.drafted]
    assert rounds
    for each in rounds:
        assert each.translation is not None
        assert each.drafted == each.translation.candidates <= 5
        assert each.translation.respellings == 1
        # The guesses, and at least what was said before them that the drafter had not read.
        assert each.translation.encoded_bytes >= 5


class FromScratch:
    """A network whose every pass is compared with one of transformers over all that each token sees."""

    looks_are_free = True

    def __init__(self, inner: TorchNetwork, untouched: Any) -> None:
        self._inner, self._untouched = inner, untouched
        self.compared = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, caches: Any, readings: Any, wanted: Wanted, clock: Clock) -> Scores | None:
        scores = self._inner.read(caches, readings, wanted, clock)
        for place, (held, reading) in enumerate(zip(caches, readings, strict=True)):
            for row, seen in enumerate(contexts(held, reading, wanted) if scores is not None else ()):
                expected = self._untouched(torch.tensor([seen])).logits[0, -1]
                assert torch.allclose(scores.of(place)[row], expected, rtol=0, atol=1e-9)
                self.compared += 1
        return scores


@pytest.mark.parametrize("draft", [name for name in DRAFTS if name != "slem_far"])
@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_a_drafters_cache_is_worth_a_pass_from_scratch(houses: Path, draft: str, kind: str) -> None:
    """Whatever was kept, moved, rewound and spelled anew; the target recites what the drafter would say, and errs."""
    tokenizer, accepted = tokenizer_of("ascii"), 0
    for prompt in PROMPTS[:2]:
        ours, untouched = (make_tiny(kind, tokenizer=tokenizer) for _ in range(2))
        drafter = FromScratch(TorchNetwork(ours, 512), untouched.model)
        script = own_words(untouched.model, tokenizer, prompt.text)
        target = TorchReciter("target", tokenizer_of("merged"), script, errs=0.1)
        compiled = plan(houses, ("merged", "ascii"), DRAFTS[draft], more=WARM, new=16)
        (result,) = reciting(compiled.graph, {"target": target, "drafter": drafter}).generate([prompt])
        accepted += result.stats.accepted
        assert drafter.compared > 8
    assert accepted > 0


class TorchReciter(Reciter):
    """Recites in torch's numbers, as whoever drafts for it speaks."""

    def read(self, caches: Any, readings: Any, wanted: Wanted, clock: Clock) -> Scores | None:
        scores = super().read(caches, readings, wanted, clock)
        return None if scores is None else Scores(torch.from_numpy(scores.padded), scores.spans)


def own_words(model: Any, tokenizer: Any, prompt: str) -> bytes:
    """What a model says on its own."""
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    made = model.generate(ids, do_sample=False, max_new_tokens=40, eos_token_id=None, pad_token_id=0)
    return TokenizerWords(tokenizer, len(tokenizer), source="drafter").bytes_of(made[0, ids.shape[1] :].tolist())


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_tables_between_small_vocabularies(pair: tuple[str, str]) -> None:
    target, drafter = (words_of(name) for name in pair)
    check_tables(drafter, target, tokenizer_of(pair[1]), tokenizer_of(pair[0]))


def words_of(name: str) -> TokenizerWords:
    tokenizer = tokenizer_of(name)
    return TokenizerWords(tokenizer, len(tokenizer) + PADDING, source=name)
