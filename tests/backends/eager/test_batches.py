"""Rows that decode together say what each says alone, whatever drafts for them and however long they go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from specplan.backends.eager.network import TorchNetwork
from specplan.backends.eager.run import decoder
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import LoopDecoder, Prompt, Result, Stepped
from specplan.backends.runtime.nodes import accepting
from specplan.planner import CompiledPlan, compile_source

Tiny = Callable[..., LoadedModel]
PROMPTS = [
    Prompt(name, text) for name, text in enumerate(["abcabcabc", "Hello", "x", "one two one two", "aa", "zyx", "b"])
]
EOS = 256
WARM = "sampling: {temperature: 1.0, top_p: 0.95, seed: 5}\n"
COLD = ""
MODEL = "speculate(target, draft=draft_model(drafter, num_speculative_tokens={}))"
DRAFTS = {
    "alone": "autoregressive(target)",
    "ngram": "speculate(target, draft=ngram(max_ngram=2, num_speculative_tokens=4))",
    "chain": MODEL.format(3),
    "sure": MODEL.format("4, min_confidence=0.01"),
    "merge": (
        "speculate(target, draft=merge(draft_model(drafter, num_speculative_tokens=3), ngram(num_speculative_tokens=3)))"
    ),
    "static": MODEL.format("3, tree=static([3, 2, 1])"),
    "dynamic": MODEL.format("3, tree=dynamic(width=4, children=3, depth=3)"),
    "nested": MODEL.replace("(drafter,", "(speculate(drafter, draft=ngram(num_speculative_tokens=3)),").format(4),
}
SAMPLED = [name for name in DRAFTS if name != "dynamic"]


def plan(folder: Path, decode: str, *, batch: int, more: str = "", new: int = 20) -> CompiledPlan:
    drafter = "  drafter: {source: ./drafter, dtype: float32}\n" if "drafter" in decode else ""
    text = (
        f"specplan: 1\nmodels:\n  target: {{source: ./target, dtype: float32}}\n{drafter}decode: {decode}\n"
        f"prompt: {{template: none}}\nlimits: {{batch: {batch}, max_new_tokens: {new}, context: 128}}\n{more}"
    )
    compiled = compile_source(text.encode(), "plan.yaml", folder)
    assert not [each for each in compiled.diagnostics if each.severity.value == "error"]
    return compiled


def running(tiny: Tiny, compiled: CompiledPlan, kind: str = "llama") -> LoopDecoder:
    """Other weights draft than the target's, of the same kind."""
    return decoder(compiled.graph, load=lambda model: tiny(kind, 0 if model.name == "target" else 1))


def generated(loaded: LoadedModel, prompt: str, new: int) -> list[int]:
    ids = torch.tensor([loaded.tokenizer(prompt)["input_ids"]])
    made = loaded.model.generate(ids, do_sample=False, max_new_tokens=new, eos_token_id=EOS, pad_token_id=0)
    return [*made[0, ids.shape[1] :].tolist()]


def ids(results: list[Result]) -> list[tuple[int, ...]]:
    return [each.token_ids for each in results]


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
@pytest.mark.parametrize("draft", DRAFTS)
def test_greedy_rows_say_what_transformers_generates(tiny: Tiny, folder: Path, draft: str, kind: str) -> None:
    results = running(tiny, plan(folder, DRAFTS[draft], batch=3), kind).generate(PROMPTS)
    for prompt, result in zip(PROMPTS, results, strict=True):
        assert [*result.token_ids] == generated(tiny(kind), prompt.text, 20)


@pytest.mark.parametrize("draft", SAMPLED)
def test_a_sampled_row_does_not_depend_on_its_batch(tiny: Tiny, folder: Path, draft: str) -> None:
    alone = ids(running(tiny, plan(folder, DRAFTS[draft], batch=1, more=WARM)).generate(PROMPTS))
    for batch in (2, 4, 8):
        together = running(tiny, plan(folder, DRAFTS[draft], batch=batch, more=WARM))
        assert ids(together.generate(PROMPTS)) == alone
        assert ids(together.generate(PROMPTS[::-1]))[::-1] == alone


def test_rows_of_two_streams_may_share_a_decoder(tiny: Tiny, folder: Path) -> None:
    compiled = plan(folder, DRAFTS["chain"], batch=2, more=WARM)
    alone = ids(running(tiny, compiled).generate(PROMPTS[:4]))
    shared = running(tiny, compiled)
    streams = [shared.stream(PROMPTS[:2]), shared.stream(PROMPTS[2:4])]
    said: dict[str | int, list[int]] = {prompt.id: [] for prompt in PROMPTS[:4]}
    while streams:
        for stream in [*streams]:
            event = next(stream, None)
            if event is None:
                streams.remove(stream)
            elif isinstance(event, Stepped):
                said[event.id] += event.token_ids
    assert [tuple(each) for each in said.values()] == alone
    (pool,) = shared.program._machine.target._pools  # type: ignore[attr-defined]
    assert pool.rows == 2 and not pool.taken


@pytest.mark.parametrize("guard", ["{min_speedup: 4.0, window: 2}", "{window: 2}"])
@pytest.mark.parametrize("draft", ["ngram", "chain", "static", "nested"])
def test_a_guard_changes_how_fast_and_never_what(tiny: Tiny, folder: Path, draft: str, guard: str) -> None:
    plain = running(tiny, plan(folder, DRAFTS[draft], batch=2)).generate(PROMPTS)
    guarded = plan(folder, DRAFTS[draft], batch=2, more=f"guard: {guard}\n")
    results = running(tiny, guarded).generate(PROMPTS)
    assert ids(results) == ids(plain)
    assert sum(each.stats.rested for each in results) > 0
    assert sum(each.stats.drafted for each in results) < sum(each.stats.drafted for each in plain)


class Looks(TorchDispatchMode):
    """Counts the single numbers that are looked at."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("more", [WARM, COLD], ids=["sampled", "greedy"])
@pytest.mark.parametrize("draft", ["alone", "ngram", "chain", "static"])
def test_where_looking_is_dear_a_step_looks_once(
    tiny: Tiny, folder: Path, monkeypatch: pytest.MonkeyPatch, draft: str, more: str
) -> None:
    """The way of a GPU on the CPU: the same tokens, and nothing but the verdict is fetched."""
    compiled = plan(folder, DRAFTS[draft], batch=2, more=more.replace(", top_p: 0.95", ""))
    expected = ids(running(tiny, compiled).generate(PROMPTS))
    fetched: list[int] = []
    fetch = accepting.fetch

    def counted(arrays: Any, tokens: Any = ()) -> Any:
        fetched.append(len(arrays))
        return fetch(arrays, tokens)

    monkeypatch.setattr(accepting, "fetch", counted)
    monkeypatch.setattr(TorchNetwork, "looks_are_free", False)
    with Looks() as looks:
        events = [*running(tiny, compiled).stream(PROMPTS)]
    said: dict[str | int, list[int]] = {prompt.id: [] for prompt in PROMPTS}
    for event in events:
        if isinstance(event, Stepped):
            said[event.id] += event.token_ids
    assert [tuple(each) for each in said.values()] == expected
    assert len(fetched) == sum(isinstance(each, Stepped) and each.timing is not None for each in events)
    assert looks.count == 0


@pytest.mark.parametrize("draft", DRAFTS)
def test_keys_and_values_take_what_was_planned_and_never_more(tiny: Tiny, folder: Path, draft: str) -> None:
    """Slots by the graph's types; three layers of two heads of eight numbers in float64, keys and values."""
    compiled = plan(folder, DRAFTS[draft], batch=3)
    networks = running(tiny, compiled)
    machine = networks.program._machine  # type: ignore[attr-defined]
    held = []
    for _ in range(3):
        networks.generate(PROMPTS)
        held.append({name: [pool.nbytes for pool in each._pools] for name, each in machine._networks.items()})
    assert held[0] == held[1] == held[2]
    for name, pools in held[0].items():
        slots = max(value.type.slots for value in values(compiled) if getattr(value.type, "model", None) == name)
        assert pools == [3 * slots * 3 * 2 * 8 * 2 * 8]


def values(compiled: CompiledPlan) -> list[Any]:
    regions = [*compiled.graph.regions()]
    results = [value for region in regions for node in region.nodes for value in node.results]
    return [
        each
        for each in [*(p for region in regions for p in region.parameters), *results]
        if hasattr(each.type, "slots")
    ]
