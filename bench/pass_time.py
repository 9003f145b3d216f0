"""What one pass of a model costs by the number of its tokens: ours, transformers', and the floor of the machine.

`python bench/pass_time.py smollm2-135m-instruct bfloat16` prints a table. The cache holds 300 tokens; ours has 2048 slots,
transformers' grows with the text. Both score every token. Runs of both alternate; the ratio is the median over pairs. The
floor is the longer of reading all weights once and of their multiplications, at the speeds that torch reaches here in a sum
and in a product of large matrices. A figure to read on a quiet machine, and no test.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from transformers import DynamicCache

from specplan.backends.eager.network import TorchNetwork
from specplan.backends.models import LoadedModel, load_model
from specplan.backends.runtime import Clock, Prompt, Row, Wanted

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
HELD, SLOTS, RUNS = 300, 2048, 15
HEADER = f"{'tokens':>6} {'ours ms':>9} {'transformers ms':>16} {'ratio':>7} {'floor ms':>9} {'of floor':>9}"


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def text(tokens: int) -> list[int]:
    """Ordinary tokens of any vocabulary."""
    return [100 + 37 * place % 800 for place in range(tokens)]


class Ours:
    """The eager engine's network, with a prompt in its cache."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._network, self._clock = TorchNetwork(loaded, SLOTS), Clock()
        self._cache = self._network.open(Row(Prompt(1, "")), SLOTS, 1)
        self._network.read([self._cache], [self._cache.slots.append(text(HELD))], Wanted.NONE, self._clock)

    def score(self, width: int) -> None:
        """One pass over a chain, all of which is rejected."""
        reading = self._cache.slots.open(text(width), range(width - 1))
        self._network.read([self._cache], [reading], Wanted.ALL, self._clock)
        self._cache.slots.commit({})


class Theirs:
    """transformers with the cache that `generate` uses."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._model, self._cache = loaded.model, DynamicCache(config=loaded.model.config)
        self._read(text(HELD))

    def score(self, width: int) -> None:
        """One pass over as many tokens, taken off again."""
        self._read(text(width))
        self._cache.crop(-width)

    def _read(self, ids: list[int]) -> None:
        self._model(input_ids=torch.tensor([ids]), past_key_values=self._cache, use_cache=True)


@dataclass(frozen=True)
class Machine:
    """How fast torch reads memory and multiplies matrices here."""

    bytes_per_s: float
    flop_per_s: float

    @staticmethod
    def measured(dtype: torch.dtype) -> Machine:
        block = torch.ones(1 << 27)
        side = 2048
        one, other = (torch.randn(side, side).to(dtype) for _ in range(2))
        reading = min(seconds(block.sum) for _ in range(5))
        product = min(seconds(lambda: one @ other) for _ in range(5))
        return Machine(block.nbytes / reading, 2 * side**3 / product)

    def floor(self, weights: int, size: int, width: int) -> float:
        """Seconds for a pass over so many tokens with so many weights of so many bytes."""
        return max(weights * size / self.bytes_per_s, 2 * weights * width / self.flop_per_s)


def weights_read(loaded: LoadedModel) -> int:
    """All weights but a table of embeddings that is not the head's, too."""
    tied = bool(loaded.config.tie_word_embeddings)
    return sum(each.numel() for name, each in loaded.model.named_parameters() if tied or "embed_tokens" not in name)


def measured(one: Callable[[int], None], other: Callable[[int], None], width: int) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn, after two runs that do not count."""
    pairs = [(seconds(lambda: one(width)), seconds(lambda: other(width))) for _ in range(RUNS + 2)]
    return [first for first, _ in pairs[2:]], [second for _, second in pairs[2:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("dtype", choices=("float32", "bfloat16"))
    asked = parser.parse_args()
    plain = load_model(asked.model, dtype=asked.dtype)
    weights, machine = weights_read(plain), Machine.measured(plain.dtype)
    print(f"{asked.model} {asked.dtype}, {weights / 1e6:.0f} M weights, {torch.get_num_threads()} threads:")
    print(f"reads {machine.bytes_per_s / 1e9:.0f} GB/s, multiplies at {machine.flop_per_s / 1e9:.0f} GFLOP/s")
    print(HEADER)
    with torch.inference_mode():
        ours, theirs = Ours(load_model(asked.model, dtype=asked.dtype)), Theirs(plain)
        for width in WIDTHS:
            fast, slow = measured(ours.score, theirs.score, width)
            ratio = median(other / mine for mine, other in zip(fast, slow, strict=True))
            floor = machine.floor(weights, plain.dtype.itemsize, width)
            figures = f"{1e3 * median(fast):>9.1f} {1e3 * median(slow):>16.1f} {ratio:>7.2f} {1e3 * floor:>9.1f}"
            print(f"{width:>6} {figures} {median(fast) / floor:>8.1f}x", flush=True)


if __name__ == "__main__":
    main()
