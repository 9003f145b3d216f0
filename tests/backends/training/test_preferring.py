"""What is preferred: answers in threads are those that the interpreter ran, judged beside a reference, and pulled apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch

from specplan.backends.models import Detokenizer, LoadedModel, Silent, add_tags, load_model
from specplan.backends.runtime import Prompt
from specplan.backends.training import Pair, Recipe
from specplan.backends.training.candidates import Candidate, Sampling, write_candidates
from specplan.backends.training.judging import JudgedQuality, LikelihoodQuality, ModelJudge, judging_prompt, mean_nats
from specplan.backends.training.lessons import School
from specplan.backends.training.packing import pack
from specplan.backends.training.preferring import Preference, likelihoods, prefer, reference_likelihoods
from specplan.backends.training.scoring import WORST, Verdict
from specplan.grammar import strip_pasta

from ..joining import join_threads
from .schedule import replay

PROMPTS = [Prompt(number, f"Two of {number}?") for number in range(3)]
REFERENCE = "- One is said in five words.\n- Two is told in as many."
SAMPLING = Sampling(count=4, max_new_tokens=70, batch=5)


@pytest.fixture(scope="module")
def base(saved: Path) -> LoadedModel:
    return load_model(str(saved))


@pytest.fixture(scope="module")
def promising(saved: Path) -> LoadedModel:
    return likes_tags(saved)


def likes_tags(saved: Path) -> LoadedModel:
    """A tiny model that does."""
    loaded = add_tags(load_model(str(saved)))
    bias = torch.zeros(loaded.vocab_size)
    bias[-6:] = 4.0
    loaded.model.lm_head.bias = torch.nn.Parameter(bias, requires_grad=False)
    return loaded


def sampled(loaded: LoadedModel, file: Path, seed: int = 0) -> list[list[Candidate]]:
    machine = School.of(loaded, "chat", 1024).machine
    sampling = Sampling(count=4, max_new_tokens=70, batch=5, seed=seed)
    return write_candidates(PROMPTS, lambda: loaded, sampling, machine, file, {"policy": "tiny"}, Silent())


def test_candidates_are_what_their_threads_said(promising: LoadedModel, tmp_path: Path) -> None:
    found = sampled(promising, tmp_path / "a.jsonl")
    assert [len(each) for each in found] == [4, 4, 4]
    machine = School.of(promising, "chat", 1024).machine
    text = Detokenizer(promising.tokenizer).stream
    every = [candidate for each in found for candidate in each]
    for candidate in every:
        joined = join_threads(machine, text, candidate.threads.main, candidate.threads.blocks)
        assert strip_pasta(joined.answer) == candidate.text
        assert replay(candidate.threads, machine, 8).steps == candidate.steps
        assert candidate.forked == sum(len(block) for block in candidate.threads.blocks if block is not None)
    assert sum(len(each.threads.blocks) for each in every) > 6, "it has promised"
    assert len({each.text for each in every}) == 12, "each of them has draws of its own"
    assert sampled(promising, tmp_path / "a.jsonl") == found
    assert sampled(promising, tmp_path / "b.jsonl", seed=1) != found


def test_a_reference_answer_has_quality_1(base: LoadedModel) -> None:
    quality = LikelihoodQuality(base, {"Two?": REFERENCE}, "chat")
    other = "- One is said in five words."
    repeating = "\n".join(["- One is said in five words."] * 3)
    judged = quality("Two?", [REFERENCE, other, repeating])
    first, second = mean_nats(base, "Two?", [REFERENCE, other], "chat")
    assert first is not None and second is not None
    # Seven of fourteen words.
    assert judged == pytest.approx([1.0, max(WORST, exp(second - first - 1)), WORST])


def test_mean_nats_are_those_of_one_answer_alone(base: LoadedModel) -> None:
    answers = [REFERENCE, "short", REFERENCE[:20]]
    together = mean_nats(base, "Two?", answers, "chat")
    alone = [mean_nats(base, "Two?", [each], "chat")[0] for each in answers]
    assert together == pytest.approx(alone, abs=1e-5)


@dataclass
class Scripted:
    """Prefers longer answers, and is the surer the longer they are."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, prompt: str, first: str, second: str) -> Verdict:
        self.asked.append((first, second))
        return Verdict(len(first) > len(second), 0.8)


def test_a_judge_sees_both_orders() -> None:
    judge = Scripted()
    better, worse = JudgedQuality(judge, {"Two?": "middle"})("Two?", ["long answer", "no"])
    assert (better, worse) == (10.0, WORST)
    assert judge.asked == [("long answer", "middle"), ("middle", "long answer"), ("no", "middle"), ("middle", "no")]


def test_a_model_judges_by_the_letter_that_it_finds_likelier(base: LoadedModel) -> None:
    verdict = ModelJudge(base)("Two?", "one answer", "another answer")
    assert 0.5 <= verdict.confidence <= 1 and verdict == ModelJudge(base)("Two?", "one answer", "another answer")
    asked = judging_prompt("Two?", "one answer", "another answer")
    assert asked.index("Two?") < asked.index("one answer") < asked.index("another answer")


def pairs_of(loaded: LoadedModel, found: Sequence[Sequence[Candidate]]) -> list[Preference]:
    school = School.of(loaded, "chat", 1024)
    rows = [[pack(school.encoder.encode(prompt.text), each.threads, school.machine) for each in candidates[:2]]
            for prompt, candidates in zip(PROMPTS, found, strict=True)]  # fmt: skip
    return [Preference(str(number), best, worst) for number, (best, worst) in enumerate(rows)]


def test_preferring_pulls_the_best_and_the_worst_apart(saved: Path, promising: LoadedModel, tmp_path: Path) -> None:
    pairs = pairs_of(promising, sampled(promising, tmp_path / "a.jsonl"))
    references = reference_likelihoods(promising.model, pairs, tmp_path / "r.jsonl", {}, Silent())
    assert references == reference_likelihoods(promising.model, pairs, tmp_path / "r.jsonl", {}, Silent())
    with torch.no_grad():
        assert references == [Pair(found.best.item(), found.worst.item()) for found in pairs_seen(promising, pairs)]
    learner = likes_tags(saved)
    learner.model.requires_grad_(True)
    prefer(learner.model, pairs, references, 2, Recipe(0.003, epochs=12, answers=3), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    with torch.no_grad():
        gained = [
            float(found.margin) - reference.margin
            for found, reference in zip(pairs_seen(learner, pairs), references, strict=True)
        ]
    assert all(each > 0.2 for each in gained), gained


def pairs_seen(loaded: LoadedModel, pairs: Sequence[Preference]) -> list[Pair]:
    loaded.model.eval()
    return [likelihoods(loaded.model, each) for each in pairs]
