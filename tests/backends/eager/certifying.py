"""Real models decode as themselves: what an answer is compared with, and the models that this takes."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from specplan.backends.eager.run import decoder
from specplan.backends.models import ChatEncoder, LoadedModel, load_model
from specplan.backends.runtime import LoopDecoder, Prompt, Result
from specplan.planner import CompiledPlan, compile_source
from specplan.planner.graph import Model

PROMPTS = Path(__file__).parents[3] / "specs" / "prompts" / "quick.jsonl"
NEAR = 1e-3
"""A gap between the two likeliest logits that rounding may close."""


@dataclass(frozen=True)
class Target:
    """A model, and on how much it is tested."""

    source: str
    template: str
    prompts: int
    tokens: int
    drafter: str | None = None
    """Where it is not the target's own model."""
    judge: str = "untouched"
    """Whose pass over the whole text says what is right: weights as transformers has them or, where two do not fit in
    memory, those that decode (`test_weights.py` compares both)."""
    texts: tuple[str, ...] = ()
    """What to answer; without any, shipped prompts of all categories."""

    def plan(self, decode: str, *, batch: int, drafts: str = "bfloat16", more: str = "") -> CompiledPlan:
        source = self.drafter or self.source
        drafter = f"  drafter: {{source: {source}, dtype: {drafts}}}\n" if "drafter" in decode else ""
        text = (
            f"specplan: 1\nmodels:\n  target: {{source: {self.source}, dtype: float32}}\n{drafter}"
            f"decode: {decode}\nprompt: {{template: {self.template}}}\n"
            f"limits: {{batch: {batch}, max_new_tokens: {self.tokens}, context: 512}}\n{more}"
        )
        compiled = compile_source(text.encode(), "plan.yaml", Path())
        assert not [each for each in compiled.diagnostics if each.severity.value == "error"]
        return compiled

    def asked(self) -> list[Prompt]:
        """The texts, or shipped prompts at even distances."""
        if self.texts:
            return [Prompt(number, text) for number, text in enumerate(self.texts, 1)]
        lines = [json.loads(line) for line in PROMPTS.read_text().splitlines()]
        return [Prompt(line["id"], line["prompt"]) for line in lines][:: len(lines) // self.prompts][: self.prompts]


class Household:
    """The models of one target, each loaded once; those of the target before are let go."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._own: dict[tuple[str, str, str], LoadedModel] = {}

    def judge(self, target: Target) -> LoadedModel:
        """The model that says what is right."""
        return self._loaded(target.judge, self.source, "float32")

    def decoder(self, plan: CompiledPlan) -> LoopDecoder:
        return decoder(plan.graph, load=self._of)

    def _of(self, model: Model) -> LoadedModel:
        return self._loaded(model.name, model.source, str(model.dtype))

    def _loaded(self, name: str, source: str, dtype: str) -> LoadedModel:
        if (name, source, dtype) not in self._own:
            self._own[name, source, dtype] = load_model(source, dtype=dtype)  # type: ignore[arg-type]
        return self._own[name, source, dtype]


@cache
def alone(household: Household, target: Target) -> list[Result]:
    """What the target says without anybody's help, prompt by prompt."""
    return household.decoder(target.plan("autoregressive(target)", batch=1)).generate(target.asked())


@torch.inference_mode()
def near_ties(model: LoadedModel, template: str, prompt: Prompt, result: Result) -> dict[int, str]:
    """Where a token is not the argmax, with the gap between the two likeliest logits; wider ones fail."""
    ids = ChatEncoder(model.tokenizer, source="target", template=template).encode(prompt.text)  # type: ignore[arg-type]
    assert len(ids) == result.prompt_tokens
    said = [*ids, *result.token_ids]
    logits = model.model(torch.tensor([said]), logits_to_keep=len(result.token_ids) + 1).logits[0, :-1]
    best, near = logits.topk(2), {}
    gaps = (best.values[:, 0] - best.values[:, 1]).tolist()
    for place, (token, ranked, gap) in enumerate(zip(result.token_ids, best.indices.tolist(), gaps, strict=True)):
        assert token == ranked[0] or (token == ranked[1] and gap < NEAR), f"{prompt.id} at {place}: gap {gap}"
        if gap < NEAR:
            near[place] = f"{prompt.id} at {place}: gap {gap:.1e}"
    return near


def check(household: Household, target: Target, decode: str, batch: int) -> int:
    """Every token is the argmax, and answers differ from the target's own only behind a near-tie; how many drafts were right?"""
    decoding = household.decoder(target.plan(decode, batch=batch))
    results, judge = decoding.generate(target.asked()), household.judge(target)
    for prompt, result, own in zip(target.asked(), results, alone(household, target), strict=True):
        near = near_ties(judge, target.template, prompt, result)
        if result.token_ids != own.token_ids:
            pairs = enumerate(zip(result.token_ids, own.token_ids, strict=False))
            first = next(place for place, (one, other) in pairs if one != other)
            assert first in near, f"{prompt.id} differs at {first}, where there is no tie"
            warnings.warn(f"a near-tie turned over: {near[first]}", stacklevel=1)
        ended = result.token_ids[-1] in judge.eos_ids
        assert ended or len(result.token_ids) == target.tokens
    return sum(each.stats.accepted for each in results)


def check_rows(household: Household, target: Target, decode: str) -> None:
    """A sampled answer does not depend on the rows beside it."""
    asked = target.asked()[:6]

    def said(batch: int, prompts: list[Prompt]) -> dict[str | int, tuple[int, ...]]:
        warm = "sampling: {temperature: 0.8, top_p: 0.95, seed: 3}\n"
        plan = target.plan(decode, batch=batch, drafts="float32", more=warm)
        return {each.id: each.token_ids for each in household.decoder(plan).generate(prompts)}

    alone = said(1, asked)
    assert said(2, asked[::-1]) == alone
    assert said(4, asked[::-1]) == alone
