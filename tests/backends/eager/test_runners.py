"""Passes that are filled up to the shapes of recordings: the same answers, few recordings, and no row beside them is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.eager import network as networks
from specplan.backends.eager.kv_cache import KvPool
from specplan.backends.eager.network import TorchNetwork
from specplan.backends.eager.passes import Shape
from specplan.backends.eager.runners import Direct, Record, Recorded, Runner, record_cuda_graph, rerun, runner_for
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Clock, Prompt, Row, Wanted

from .conftest import make_tiny
from .test_batches import DRAFTS, PROMPTS, WARM, ids, plan, running

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
KINDS = ("llama", "gemma3")
Tiny = Callable[..., LoadedModel]


def recorded(monkeypatch: pytest.MonkeyPatch, record: Record = rerun) -> list[Recorded]:
    """Have every network record its passes."""
    made: list[Recorded] = []

    def runner(model: Any, *_: Any) -> Runner:
        made.append(Recorded(Direct(model), record))
        return made[-1]

    monkeypatch.setattr(networks, "runner_for", runner)
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [WARM, ""], ids=["sampled", "greedy"])
@pytest.mark.parametrize("draft", DRAFTS)
def test_recorded_passes_say_the_same(
    tiny: Tiny, folder: Path, monkeypatch: pytest.MonkeyPatch, draft: str, more: str, kind: str
) -> None:
    if draft == "dynamic":
        more = ""
    compiled = plan(folder, DRAFTS[draft], batch=3, more=more)
    expected = ids(running(tiny, compiled, kind).generate(PROMPTS))
    runners = recorded(monkeypatch)
    monkeypatch.setattr(TorchNetwork, "looks_are_free", False)
    assert ids(running(tiny, compiled, kind).generate(PROMPTS)) == expected
    shapes = [shape for runner in runners for _, shape, _, _ in runner._recordings]
    assert shapes and all(shape.rows in (1, 2, 3) and shape.width in (1, 2, 4, 8, 16, 32) for shape in shapes)


def pool_of(rows: int, size: int) -> KvPool:
    return KvPool(1, rows, size)


@pytest.mark.parametrize(
    ("asked", "pool", "shape"),
    [
        ((1, 1, 5), (8, 2057), Shape(1, 1, 256)),
        ((3, 9, 257), (8, 2057), Shape(4, 16, 512)),
        ((5, 64, 2050), (6, 2057), Shape(6, 64, 2057)),
        ((2, 2, 100), (2, 128), Shape(2, 2, 128)),
        ((1, 65, 70), (8, 2057), Shape(1, 65, 128)),
    ],
)
def test_shapes_are_powers_of_two_as_far_as_there_is_room(
    asked: tuple[int, int, int], pool: tuple[int, int], shape: Shape
) -> None:
    runner = Recorded(Direct(torch.nn.Identity()), rerun)
    rows, width, end = asked
    assert runner.shape(rows, width, end, pool_of(*pool)) == shape


def test_the_shapes_of_a_long_text_are_few(tiny: Tiny) -> None:
    loaded = tiny("llama")
    runner = Recorded(Direct(loaded.model), rerun)
    network = TorchNetwork(loaded, 2048, runner)
    cache = network.open(Row(Prompt(1, "")), 2048, 1)
    with torch.inference_mode():
        for count in range(900):
            reading = cache.slots.append([count % 200] * (1 + count % 3))
            network.read([cache], [reading], Wanted.LAST, Clock())
    assert {(shape.width, shape.seen) for _, shape, _, _ in runner._recordings} == {
        (width, seen) for width in (1, 2, 4) for seen in (256, 512, 1024, 2048)
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reading", [(0, 1, 2), (1,), (0, 2), (1, 2, 3), (0, 1, 2, 3, 4)])
@torch.inference_mode()
def test_rows_that_do_not_read_stay_as_they_are(tiny: Tiny, kind: str, reading: tuple[int, ...]) -> None:
    """Five rows share eight places: what fills a pass up is free, or a row that reads."""
    loaded = tiny(kind)
    network = TorchNetwork(loaded, 512, Recorded(Direct(loaded.model), rerun))
    plain = TorchNetwork(loaded, 512)
    texts = [[7, 80, 33], [120], [250, 91, 14, 66], [3, 200, 5, 6, 9], [44, 45]]
    found = []
    for each in (network, plain):
        caches = [each.open(Row(Prompt(number, "")), 64, 8) for number in range(len(texts))]
        for cache, text in zip(caches, texts, strict=True):
            each.read([cache], [cache.slots.append(text)], Wanted.NONE, Clock())
        some = [caches[place] for place in reading]
        readings = [cache.slots.append(range(10, 11 + place)) for place, cache in enumerate(some)]
        scores = each.read(some, readings, Wanted.ALL, Clock())
        assert scores is not None
        found.append(([scores.of(place) for place in range(len(some))], [cache.pool.held(cache) for cache in caches]))
    (ours, held), (theirs, truly) = found
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)
    for row, true_row in zip(held, truly, strict=True):
        for layer, true_layer in zip(row, true_row, strict=True):
            for one, other in zip(layer, true_layer, strict=True):
                torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


def test_models_whose_positions_look_at_numbers_are_not_recorded() -> None:
    loaded = make_tiny("llama")
    cuda = torch.device("cuda")
    loaded.model.config.rope_parameters = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    assert isinstance(runner_for(loaded.model, cuda, loaded.config), Direct)


def test_nothing_is_recorded_on_a_cpu(tiny: Tiny) -> None:
    loaded = tiny("llama")
    assert isinstance(runner_for(loaded.model, loaded.device, loaded.config), Direct)


@needs_gpu
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draft", DRAFTS)
def test_cuda_graphs_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, draft: str, kind: str) -> None:
    from dataclasses import replace

    def on_gpu(kind: str, seed: int) -> LoadedModel:
        loaded = make_tiny(kind, seed)
        return replace(loaded, model=loaded.model.to("cuda"), device=torch.device("cuda"))

    compiled = plan(folder, DRAFTS[draft], batch=3)
    expected = ids(running(make_tiny, compiled, kind).generate(PROMPTS))
    runners = recorded(monkeypatch, record_cuda_graph())
    assert ids(running(on_gpu, compiled, kind).generate(PROMPTS)) == expected
    assert any(runner._recordings for runner in runners)


@needs_gpu
@pytest.mark.parametrize("draft", ["alone", "ngram", "chain", "static"])
def test_a_step_waits_for_the_device_once(folder: Path, monkeypatch: pytest.MonkeyPatch, draft: str) -> None:
    """Whatever makes the host wait raises an error, the one fetch of the verdict excepted."""
    from dataclasses import replace

    from specplan.backends.runtime.nodes import accepting

    def on_gpu(kind: str, seed: int) -> LoadedModel:
        loaded = make_tiny(kind, seed)
        return replace(loaded, model=loaded.model.to("cuda"), device=torch.device("cuda"))

    decoder = running(on_gpu, plan(folder, DRAFTS[draft], batch=3))
    decoder.generate(PROMPTS)
    fetch = accepting.fetch

    def allowed(arrays: Any, tokens: Any = ()) -> Any:
        torch.cuda.set_sync_debug_mode("default")
        found = fetch(arrays, tokens)
        torch.cuda.set_sync_debug_mode("error")
        return found

    monkeypatch.setattr(accepting, "fetch", allowed)
    torch.cuda.set_sync_debug_mode("error")
    try:
        decoder.generate(PROMPTS)
    finally:
        torch.cuda.set_sync_debug_mode("default")
