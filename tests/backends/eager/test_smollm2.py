"""Greedy decoding of a real model: every token is the argmax of one teacher-forced pass over prompt and output."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from specplan.backends import CAPABILITIES
from specplan.backends.eager.run import decoder
from specplan.backends.models import ChatEncoder, LoadedModel, load_model
from specplan.backends.runtime import LoopDecoder, Prompt, Result
from specplan.planner import compile_source, legalise
from specplan.planner.graph import read_graph

SPECS = Path(__file__).parents[3] / "specs"
FEW, PROMPTS, TOKENS, NEAR = 3, 12, 48, 1e-3


@pytest.fixture(scope="module")
def smollm2(smollm2_path: Path) -> LoadedModel:
    return load_model("smollm2-135m-instruct", dtype="float32")


@pytest.fixture(scope="module")
def untouched(smollm2_path: Path) -> LoadedModel:
    """The same weights as transformers has them: ours are laid out anew once they run."""
    return load_model("smollm2-135m-instruct", dtype="float32")


def prompts(count: int) -> list[Prompt]:
    """So many of the shipped ones, of all categories."""
    lines = [json.loads(line) for line in (SPECS / "prompts" / "quick.jsonl").read_text().splitlines()]
    return [Prompt(line["id"], line["prompt"]) for line in lines][:: len(lines) // count][:count]


def ready(name: str, model: LoadedModel) -> LoopDecoder:
    compiled = compile_source((SPECS / "plans" / f"{name}.yaml").read_bytes(), f"{name}.yaml", SPECS / "plans")
    graph, found = read_graph(str(compiled.graph).replace("max_new_tokens=256", f"max_new_tokens={TOKENS}"), name)
    assert graph is not None and not found
    assert legalise(graph, "eager", CAPABILITIES) == ()
    return decoder(graph, load=lambda _: model)


def teacher_forced(model: LoadedModel, prompt: Prompt, result: Result) -> list[str]:
    """Where a token is not the argmax, with the gap between the two likeliest scores; longer ones fail."""
    ids = ChatEncoder(model.tokenizer, source="smollm2").encode(prompt.text)
    assert len(ids) == result.prompt_tokens
    with torch.inference_mode():
        scores = model.model(torch.tensor([[*ids, *result.token_ids]])).logits[0, len(ids) - 1 : -1]
    best = scores.topk(2)
    near = []
    for position, token in enumerate(result.token_ids):
        gap = float(best.values[position, 0] - best.values[position, 1])
        if token != int(best.indices[position, 0]):
            assert token == int(best.indices[position, 1]) and gap < NEAR, f"{prompt.id} at {position}: gap {gap}"
            near.append(f"{prompt.id} at {position}: gap {gap:.2e}")
    return near


@pytest.mark.parametrize("count", [FEW, pytest.param(PROMPTS, marks=pytest.mark.slow)])
def test_every_token_is_the_argmax_and_drafts_change_nothing(
    count: int, smollm2: LoadedModel, untouched: LoadedModel, record_property: Callable[[str, object], None]
) -> None:
    plain = ready("autoregressive", smollm2).generate(prompts(count))
    drafted = ready("ngram", smollm2).generate(prompts(count))
    ties = []
    for prompt, alone, sped in zip(prompts(count), plain, drafted, strict=True):
        here = teacher_forced(untouched, prompt, alone)
        if sped.token_ids != alone.token_ids:
            here += teacher_forced(untouched, prompt, sped)
            assert here, f"{prompt.id}: both are the argmax everywhere, and they differ"
        ties += here
    record_property("ties", ties)
    if ties:
        warnings.warn(f"near-ties: {'; '.join(ties)}", stacklevel=1)
    assert all(len(each.token_ids) == TOKENS or each.token_ids[-1] in smollm2.eos_ids for each in plain)
    assert sum(each.stats.steps for each in drafted) < sum(each.stats.steps for each in plain)
