"""What a step of forked decoding costs by the number of threads, beside our own plain pass over as many tokens.

`python bench/fork_time.py smollm2-135m-instruct bfloat16` prints a table. A step is all that the emitted program does in it:
masks, the pass over a token of each thread, the verdict, and what becomes of promises. The plain pass scores as many tokens
of one text, in a cache that holds as much. Runs of both alternate; the ratio is the median over pairs. A figure to read on a
quiet machine, and no test.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, cast

import torch

from specplan.backends.eager import PROGRAM, emit
from specplan.backends.eager.network import TorchNetwork
from specplan.backends.eager.run import EmittedProgram, load_program
from specplan.backends.models import Dtype, LoadedModel, add_tags, load_model, tag_ids
from specplan.backends.runtime import Clock, Network, Prompt, Row, Scores, Wanted
from specplan.backends.runtime.nodes import Machine
from specplan.grammar import Tag
from specplan.planner import compile_source

THREADS = (1, 2, 4, 9)
SLOTS, RUNS = 4105, 40
PLAN = """
specplan: 1
models: {target: {source: smollm2-135m-pasta}}
decode: fork_join(pasta(max_forks=8), autoregressive(target))
stop: {ignore_eos: true}
limits: {max_new_tokens: 2048, context: 4096}
"""
HEADER = f"{'threads':>7} {'step ms':>9} {'plain ms':>9} {'ratio':>7} {'of it in the pass':>18}"


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def text(tokens: int) -> list[int]:
    """Ordinary tokens of any vocabulary."""
    return [100 + 37 * place % 800 for place in range(tokens)]


class Prompting:
    """A network whose main thread is made to say some tokens first."""

    def __init__(self, network: TorchNetwork, script: list[int]) -> None:
        self._network, self.script = network, script

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def read(self, *given: Any) -> Scores | None:
        scores = self._network.read(*given)
        if scores is not None and self.script:
            row, first, _ = scores.spans[0]
            scores.padded[row, first, self.script.pop(0)] = 1e9
        return scores


class Forked:
    """The emitted program in the middle of an answer that has forked."""

    def __init__(self, loaded: LoadedModel, threads: int) -> None:
        graph = compile_source(PLAN.encode(), "plan.yaml", Path()).graph
        tags = tag_ids(loaded.tokenizer, source=loaded.source)
        topic, number = (loaded.tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("words", "4"))
        promise = [tags[Tag.PROMISE], *topic, tags[Tag.TOKENS], *number, tags[Tag.END]]
        network = Prompting(TorchNetwork(loaded, SLOTS), promise * (threads - 1))
        self._program = EmittedProgram(
            load_program(emit(graph)[PROGRAM], "<forks>"), Machine({"target": cast(Network, network)}, "target")
        )
        self._row = Row(Prompt(1, "A text of some words, " * 60))
        self._state = self._program.start(self._row)
        while network.script:
            self.step()
        self.step()
        assert len(self._state[0]) == threads, "all threads are running"

    @property
    def held(self) -> int:
        """How many slots are used."""
        used: int = self._state[1][0].slots.used
        return used

    def step(self) -> None:
        """One token of each thread."""
        self._state, ended = self._program.step(self._state)
        assert not ended, "there is enough to say"

    def pass_s(self) -> float:
        """Seconds of the step since the last call that the model itself took."""
        return self._program.clock.read(0).passes_s


class Plain:
    """A text in a cache of as many slots."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._network, self._clock = TorchNetwork(loaded, SLOTS), Clock()
        self._cache = self._network.open(Row(Prompt(1, "")), SLOTS, 1)

    def hold(self, count: int) -> None:
        """So many slots are used."""
        more = text(count - self._cache.slots.used)
        if more:
            self._network.read([self._cache], [self._cache.slots.append(more)], Wanted.NONE, self._clock)

    def score(self, width: int) -> None:
        """One pass over a chain, all of which is rejected."""
        reading = self._cache.slots.open(text(width), range(width - 1))
        self._network.read([self._cache], [reading], Wanted.ALL, self._clock)
        self._cache.slots.commit({})


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("model")
    arguments.add_argument("dtype", choices=("float32", "bfloat16"))
    given = arguments.parse_args()
    loaded = add_tags(load_model(given.model, dtype=cast(Dtype, given.dtype)))
    print(f"{given.model} {given.dtype}, {torch.get_num_threads()} threads of the CPU")
    print(HEADER)
    with torch.inference_mode():
        for threads in THREADS:
            print(row_of(loaded, threads))


def row_of(loaded: LoadedModel, threads: int) -> str:
    forked, plain = Forked(loaded, threads), Plain(loaded)
    pairs, passes = [], []
    for _ in range(RUNS):
        plain.hold(forked.held)
        forked.pass_s()
        step = seconds(forked.step)
        passes.append(forked.pass_s() / step)
        pairs.append((step, seconds(lambda: plain.score(threads))))
    ours, theirs = (1000 * median(each) for each in zip(*pairs, strict=True))
    ratio = median(step / alone for step, alone in pairs)
    return f"{threads:>7} {ours:>9.2f} {theirs:>9.2f} {ratio:>7.3f} {median(passes):>18.3f}"


if __name__ == "__main__":
    main()
