"""A decoder that lives long: who stops listening leaves nothing behind, and nothing grows with requests or tokens."""

from __future__ import annotations

import gc
import resource
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.eager.run import decoder
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Event, LoopDecoder, Prompt, Stepped
from specplan.planner import CompiledPlan, compile_source

from .conftest import byte_tokenizer, tiny_config

Tiny = Callable[..., LoadedModel]
MODEL = "speculate(target, draft=draft_model(drafter, num_speculative_tokens={}))"
DRAFTS = {
    "ngram": "speculate(target, draft=ngram(max_ngram=2, num_speculative_tokens=4))",
    "chain": MODEL.format(3),
    "dynamic": MODEL.format("3, tree=dynamic(width=4, children=3, depth=3)"),
    "nested": MODEL.replace("(drafter,", "(speculate(drafter, draft=ngram(num_speculative_tokens=3)),").format(4),
}
PROMPTS = [Prompt(number, text) for number, text in enumerate(["abcabc", "Hello", "x", "one two one", "aa"])]


def plan(folder: Path, draft: str, *, new: int = 12, context: int = 128) -> CompiledPlan:
    drafter = "  drafter: {source: ./drafter, dtype: float32}\n" if "drafter" in DRAFTS[draft] else ""
    text = (
        f"specplan: 1\nmodels:\n  target: {{source: ./target, dtype: float32}}\n{drafter}decode: {DRAFTS[draft]}\n"
        "prompt: {template: none}\nstop: {ignore_eos: true}\nguard: {min_speedup: 1.5, window: 4}\n"
        f"limits: {{batch: 3, max_new_tokens: {new}, context: {context}}}\n"
    )
    return compile_source(text.encode(), "plan.yaml", folder)


def running(tiny: Tiny, compiled: CompiledPlan) -> LoopDecoder:
    return decoder(compiled.graph, load=lambda model: tiny("llama", 0 if model.name == "target" else 1))


def open_rows(running: LoopDecoder) -> int:
    """Rows whose caches are not given back."""
    machine: Any = running.program._machine  # type: ignore[attr-defined]
    members = [len(pool._members) for network in machine._networks.values() for pool in network._pools]
    return len(machine._open) + sum(members)


def break_off(events: Iterator[Event]) -> None:
    for event in events:
        if isinstance(event, Stepped):
            break


def close(events: Any) -> None:
    break_off(events)
    events.close()


def fail(events: Iterator[Event]) -> None:
    with pytest.raises(ZeroDivisionError):
        for event in events:
            if isinstance(event, Stepped):
                raise ZeroDivisionError


def throw(events: Any) -> None:
    break_off(events)
    with pytest.raises(ZeroDivisionError):
        events.throw(ZeroDivisionError)


def forget(events: Any) -> None:
    """Keep it in a ring, which only the garbage collector finds."""
    break_off(events)
    ring: list[Any] = [events]
    ring.append(ring)


@pytest.mark.parametrize("leave", [break_off, close, fail, throw, forget])
@pytest.mark.parametrize("draft", DRAFTS)
def test_who_stops_listening_gives_everything_back(
    tiny: Tiny, folder: Path, draft: str, leave: Callable[[Iterator[Event]], None]
) -> None:
    decoding = running(tiny, plan(folder, draft))
    expected = [each.token_ids for each in decoding.generate(PROMPTS)]
    leave(decoding.stream(PROMPTS))
    gc.collect()
    assert open_rows(decoding) == 0
    assert [each.token_ids for each in decoding.generate(PROMPTS)] == expected


def test_a_prompt_that_cannot_be_had_gives_everything_back(tiny: Tiny, folder: Path) -> None:
    def prompts() -> Iterator[Prompt]:
        yield PROMPTS[0]
        raise ZeroDivisionError

    decoding = running(tiny, plan(folder, "chain"))
    with pytest.raises(ZeroDivisionError):
        [*decoding.stream(prompts())]
    assert open_rows(decoding) == 0


def live_tensors() -> tuple[int, int]:
    """How many tensors there are, and their bytes."""
    gc.collect()
    found = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor) and not each.is_mkldnn]
    return len(found), sum(each.nbytes for each in found)


def lengths(value: object, seen: set[int]) -> int:
    """How many things all lists, dictionaries and sets hold that are reached from an object of ours."""
    if id(value) in seen:
        return 0
    seen.add(id(value))
    match value:
        case dict():
            return len(value) + sum(lengths(each, seen) for each in value.values())
        case list() | tuple() | set() | frozenset():
            return len(value) + sum(lengths(each, seen) for each in value)
        case _ if type(value).__module__.startswith("specplan."):
            names = [*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ())]
            return sum(lengths(getattr(value, name), seen) for name in names if hasattr(value, name))
    return 0


@pytest.mark.parametrize("draft", DRAFTS)
def test_two_hundred_requests_grow_nothing(tiny: Tiny, folder: Path, draft: str) -> None:
    decoding = running(tiny, plan(folder, draft, new=4))
    held = []
    for _ in range(3):
        decoding.generate([Prompt(number, f"prompt {number}") for number in range(70)])
        held.append((live_tensors(), lengths(decoding, set())))
    assert held[0] == held[1] == held[2]


def test_memory_stays_where_it_is(tiny: Tiny, folder: Path) -> None:
    """Python's own allocations, over a hundred requests."""
    decoding = running(tiny, plan(folder, "chain", new=4))

    def ask(count: int) -> int:
        for number in range(count):
            decoding.generate([Prompt(number, f"prompt {number}")])
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    ask(20)
    tracemalloc.start()
    try:
        before = ask(20)
        assert ask(100) - before < 64 << 10
    finally:
        tracemalloc.stop()


def test_a_long_answer_grows_nothing_but_itself(tiny: Tiny, tmp_path: Path) -> None:
    """Two thousand tokens: what is alive after the hundredth step is alive after the last, beside the tokens themselves."""
    config = tiny_config("llama")
    config.max_position_embeddings = 4096
    config.save_pretrained(tmp_path / "target")
    byte_tokenizer().save_pretrained(tmp_path / "target")
    compiled = plan(tmp_path, "ngram", new=2000, context=2048)
    decoding = decoder(compiled.graph, load=lambda _: replace(tiny(), context=4096))
    counts, said = [], 0
    for step, event in enumerate(each for each in decoding.stream(["abc"]) if isinstance(each, Stepped)):
        said += len(event.token_ids)
        if step in (100, 1000):
            counts.append(live_tensors())
    (few, early), (many, late) = counts
    # As many tensors; the ids and scores of one pass are a little more or less than those of another.
    assert few == many and abs(late - early) < 64 << 10
    assert said == 2000
    assert open_rows(decoding) == 0


@pytest.mark.slow
def test_a_real_model_grows_nothing(smollm2_path: Path) -> None:
    text = (
        "specplan: 1\nmodels: {target: {source: smollm2-135m-instruct, dtype: float32}}\n"
        "decode: speculate(target, draft=ngram(max_ngram=3, num_speculative_tokens=4))\n"
        "stop: {ignore_eos: true}\nlimits: {max_new_tokens: %d, context: 2300}\n"
    )
    decoding = decoder(compile_source((text % 4).encode(), "short.yaml", Path()).graph)
    decoding.generate(["What is one and one?"] * 20)
    before = most_memory()
    decoding.generate([f"What is {number} and {number}?" for number in range(200)])
    assert most_memory() - before < 16 << 20
    longer = decoder(compile_source((text % 2000).encode(), "long.yaml", Path()).graph)
    events = (each for each in longer.stream(["Tell a very long story."]) if isinstance(each, Stepped))
    said = 0
    for event in events:
        said += len(event.token_ids)
        if said < 200:
            before = most_memory()
    assert said == 2000
    # Attention's own scores grow with the text: nine tokens, nine heads, 2300 places, a few times over.
    assert most_memory() - before < 32 << 20


def most_memory() -> int:
    """The most bytes that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
