"""Tiny models that promise: real weights and a tokenizer with PASTA's tags, biased towards them, or made to say a script."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from specplan.backends.eager.run import decoder
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import (
    Cache,
    Clock,
    LoopDecoder,
    Network,
    Prompt,
    Reading,
    Scores,
    Slots,
    Stepped,
    Wanted,
)
from specplan.grammar import Tag
from specplan.planner import CompiledPlan, compile_source

from .vocabularies import byte_tokenizer

Place = tuple[int, int]
"""A token of a row: its thread, and its number in that."""
Load = Callable[[str], LoadedModel]


def tagged_tokenizer() -> PreTrainedTokenizerFast:
    """A token per byte, one that ends a text, and the six tags."""
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens([AddedToken(tag.token, special=True, normalized=False) for tag in Tag], special_tokens=True)
    return tokenizer


_TOKENIZER = tagged_tokenizer()


def ids(text: str) -> list[int]:
    """The tokens of a text."""
    found: list[int] = _TOKENIZER(text, add_special_tokens=False)["input_ids"]
    return found


END = 256
TAGS: Mapping[Tag, int] = {tag: 257 + number for number, tag in enumerate(Tag)}
SIZE = 263
POSITIONS = 2048
"""More than any test needs, gaps included."""

DECODE = {
    "alone": "autoregressive(target)",
    "ngram": "speculate(target, draft=ngram(max_ngram=2, num_speculative_tokens=4))",
    "chain": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3))",
    "static": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, tree=static([2, 2, 1])))",
    "dynamic": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, "
    "tree=dynamic(width=3, children=2, depth=3)))",
    "merge": "speculate(target, draft=merge(draft_model(drafter, num_speculative_tokens=2), "
    "ngram(num_speculative_tokens=3)))",
}


def plan(
    folder: Path, decode: str, *, forks: int = 8, batch: int = 1, new: int = 480, tags: str = "", more: str = ""
) -> CompiledPlan:
    """A plan that forks, unless there may be none, on models of a folder."""
    how = f"fork_join(pasta(max_forks={forks}{tags}), {DECODE[decode]})" if forks else DECODE[decode]
    drafter = "  drafter: {source: ./drafter, dtype: float32}\n" if "drafter" in DECODE[decode] else ""
    text = (
        f"specplan: 1\nmodels:\n  target: {{source: ./target, dtype: float32}}\n{drafter}"
        f"decode: {how}\nprompt: {{template: none}}\n"
        f"limits: {{batch: {batch}, max_new_tokens: {new}, context: {new + 64}}}\n{more}"
    )
    compiled = compile_source(text.encode(), "plan.yaml", folder)
    wrong = [each for each in compiled.diagnostics if each.severity.value == "error"]
    assert not wrong, [each.message() for each in wrong]
    return compiled


class Around:
    """A network with something between it and the program."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)


class Biased(Around):
    """Likes some tokens more than its weights do."""

    def __init__(self, network: Network, bias: Mapping[int, float]) -> None:
        super().__init__(network)
        self._bias = torch.zeros(SIZE, dtype=torch.float64)
        for token, more in bias.items():
            self._bias[token] = more

    def read(self, *given: Any) -> Scores | None:
        scores = self.network.read(*given)
        return None if scores is None else Scores(scores.padded + self._bias, scores.spans)


@dataclass
class Script:
    """What the threads of a row are made to say, and what the model would have said: main thread first, then forks."""

    threads: list[list[int]]
    """By number in the thread: the main thread's begin with the prompt, a fork's with its opening tag."""
    scores: dict[Place, torch.Tensor] = field(default_factory=dict)

    def said(self, thread: int, index: int) -> int | None:
        """The token with that number in a thread."""
        line = self.threads[thread] if thread < len(self.threads) else []
        return line[index] if index < len(line) else None


class Scripted(Around):
    """Says what a script says, but for some guesses; what its weights would have said there is noted."""

    def __init__(self, network: Network, script: Script, *, errs: float = 0.0) -> None:
        super().__init__(network)
        self._script, self._errs, self._dice = script, errs, random.Random(3)

    def read(self, caches: Sequence[Cache], readings: Sequence[Reading], wanted: Wanted, clock: Clock) -> Scores | None:
        scores = self.network.read(caches, readings, wanted, clock)
        if scores is None:
            return None
        padded = scores.padded.clone()
        for (row, first, end), cache, reading in zip(scores.spans, caches, readings, strict=True):
            for column, slot in zip(range(first, end), reading.slots[first - end :], strict=True):
                places = places_of(cache.slots, slot)
                thread, index = places[-1][:2]
                if all(self._script.said(*place) == token for *place, token in places):
                    self._script.scores[thread, index] = scores.padded[row, column].clone()
                following = self._script.said(thread, index + 1)
                if following is not None and self._dice.random() >= self._errs:
                    padded[row, column, following] = 1e6
        return Scores(padded, scores.spans)


def places_of(slots: Slots, slot: int) -> list[tuple[int, int, int]]:
    """A token in a slot behind those that await a verdict with it: thread, number in it, and the token."""
    for thread, strand in slots._strands.items():
        if slot in strand.slots:
            return [(thread, strand.slots.index(slot), int(slots._tokens[slot]))]
    found: list[tuple[int, int, int]] = []
    for thread, rows in slots._levels[-1].rows.items():
        at = next((place for place, row in enumerate(rows) if row.slot == slot), None)
        while at is not None:
            found.insert(
                0, (thread, len(slots._strand(thread).slots) + rows[at].depth, int(slots._tokens[rows[at].slot]))
            )
            at = rows[at].parent
    return found


def steps_of(running: LoopDecoder, prompts: Sequence[Prompt]) -> Iterator[Stepped]:
    """The steps of some prompts."""
    return (event for event in running.stream(prompts) if isinstance(event, Stepped))


def running(compiled: CompiledPlan, load: Load, around: Callable[[str, Network], Network]) -> LoopDecoder:
    """A decoder on loaded models, with something between each and the program, by their names."""
    return decoder(
        compiled.graph,
        load=lambda model: load(model.name),
        around=lambda model, network: around(model.name, network),
    )
