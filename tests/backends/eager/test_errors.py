"""What a person sees when a graph cannot run on real models: each mistake provoked, its text a golden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.eager import emit
from specplan.backends.eager.kv_cache import SlotLayer
from specplan.backends.eager.network import TorchNetwork
from specplan.backends.eager.run import decoder, load_program
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import LoopDecoder, Refused
from specplan.grammar import DiagnosticError, render
from specplan.planner import ModelMemory
from specplan.planner.graph import Graph, read_graph

Tiny = Callable[..., LoadedModel]
GraphOf = Callable[..., Graph]
Golden = Callable[[str, str], None]


def check(golden: Golden, code: str, told: str, cause: Callable[[], object]) -> None:
    """The golden says in words what was done, and then what a person sees."""
    with pytest.raises(DiagnosticError) as caught:
        cause()
    assert {each.code for each in caught.value.diagnostics} == {code}
    golden(f"diagnostics/{code}.txt", f"{told}\n\n----\n\n{render(caught.value.diagnostics, colour=False)}")


def test_prompt_too_long(golden: Golden, decode: Callable[..., LoopDecoder]) -> None:
    running = decode("none", longest=8)
    check(golden, "SP0801", "A prompt of 12 tokens where 8 are read.", lambda: running.generate(["abcdefghijkl"]))


def test_nothing_to_read(golden: Golden, decode: Callable[..., LoopDecoder]) -> None:
    running = decode("none")
    check(golden, "SP0802", "An empty prompt without a template.", lambda: running.generate([""]))


def test_cache_full(golden: Golden, tiny: Tiny, graph_of: GraphOf, tmp_path: Path) -> None:
    """Only a program that was edited can commit more than it stops."""
    graph = graph_of("none", capacity=20, longest=20)
    program = tmp_path / "decode.py"
    text = emit(graph)["decode.py"].replace("commit(machine, held, said)", "commit(machine, held, path)")
    program.write_text(text.replace("(said, kept), done", "(path, kept), ()"))
    running = decoder(graph, program=program, load=lambda _: tiny())
    check(golden, "SP0803", "An edited program that never ends a row.", lambda: running.generate(["abc"]))


def test_not_a_program(golden: Golden) -> None:
    text = "def start(machine, prompt):\n    return prompt,\n\n\ndef step(machine, fresh:\n    return (fresh,), True\n"
    check(golden, "SP0804", text, lambda: load_program(text, "decode.py"))


def test_weights_differ(golden: Golden, tiny: Tiny, graph_of: GraphOf) -> None:
    text = str(graph_of("none")).replace("size=257", "size=300").replace("positions=512", "positions=4096")
    graph, _ = read_graph(text, "graph.txt")
    assert graph is not None
    told = "A graph for 300 tokens and 4096 positions, weights of 257 and 512."
    check(golden, "SP0805", told, lambda: decoder(graph, load=lambda _: tiny()))


def refuse(*_: Any, **__: Any) -> Any:
    raise RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "3221225472 bytes. Error code 12 (Cannot allocate memory)"
    )


PLANNED = (ModelMemory("target", weights=100 << 20, slots=2057, rows=4, cache=3 << 30),)


def test_out_of_memory(golden: Golden, tiny: Tiny, graph_of: GraphOf, monkeypatch: pytest.MonkeyPatch) -> None:
    running = decoder(graph_of("none"), load=lambda _: tiny(), memory=PLANNED)
    alone = running.generate(["abc"])[0].token_ids
    with monkeypatch.context() as patched:
        patched.setattr(SlotLayer, "lazy_initialization", refuse)
        fresh = decoder(graph_of("none"), load=lambda _: tiny(), memory=PLANNED)
        check(golden, "SP0807", "A cache that the system has no room for.", lambda: fresh.generate(["abc"]))
    assert fresh.generate(["abc"])[0].token_ids == alone


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")]
)
def test_memory_that_is_refused_in_a_step_or_for_weights(
    tiny: Tiny, graph_of: GraphOf, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    with pytest.raises(DiagnosticError, match="not enough memory for the weights of `target`"):
        decoder(graph_of("none"), load=fail)
    running = decoder(graph_of("none"), load=lambda _: tiny())
    monkeypatch.setattr(TorchNetwork, "_pass", fail)
    refused = [each for each in running.stream(["abc"]) if isinstance(each, Refused)]
    assert [[found.code for found in each.diagnostics] for each in refused] == [["SP0807"]]


def test_what_else_goes_wrong_is_left_as_it_is(tiny: Tiny, graph_of: GraphOf, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    running = decoder(graph_of("none"), load=lambda _: tiny())
    monkeypatch.setattr(TorchNetwork, "_pass", fail)
    with pytest.raises(RuntimeError, match="mat1"):
        running.generate(["abc"])


def test_attention_unknown(golden: Golden, tiny: Tiny) -> None:
    loaded = tiny("qwen2-windows")

    class Odd:
        layer_types = ("full_attention", "linear_attention")
        sliding_window = None

    class OddModel:
        class config:
            @staticmethod
            def get_text_config(**_: Any) -> type[Odd]:
                return Odd

    odd = replace(loaded, model=OddModel())
    check(golden, "SP0806", "Weights with recurrent layers.", lambda: TorchNetwork(odd, 512))
