"""The interpreter computes what training computes: one teacher-forced pass with PASTA's mask and positions.

What threads say is fixed by a script, whatever the weights are; what the weights would have said at each place is compared
with a pass of the unmodified model over the joined text (PASTA sections 3.4, 4.2 and 5).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Prompt, Stepped
from specplan.grammar import Tag

from .promising import DECODE, END, TAGS, Script, Scripted, ids, plan, running

PROMPT = "abcab"
SPECULATION = [name for name in DECODE if name != "alone"]


@dataclass(frozen=True)
class Written:
    """A token of the joined text."""

    token: int
    thread: int
    index: int
    position: int


def text(dice: random.Random, least: int, most: int) -> list[int]:
    """A few letters, so that what was said once is guessed again."""
    return [dice.choice(ids("abc")) for _ in range(dice.randint(least, most))]


def script(seed: int) -> Script:
    """Several promises and syncs, promises behind syncs, blocks from none at all to such as never end."""
    dice = random.Random(seed)
    main, blocks = [*ids(PROMPT), *text(dice, 0, 3)], []
    for _ in range(dice.randint(2, 6)):
        main += [TAGS[Tag.PROMISE], *ids("ab"), TAGS[Tag.TOKENS], *ids(str(dice.randint(1, 3))), TAGS[Tag.END]]
        closing = [TAGS[Tag.ENDASYNC]] if dice.random() < 0.8 else []
        blocks.append([TAGS[Tag.ASYNC], *text(dice, 0, 12 if closing else 0), *closing])
        blocks[-1] += [] if closing else text(dice, 200, 200)
        main += text(dice, 0, 9)
        main += [TAGS[Tag.SYNC], *text(dice, 0, 4)] if dice.random() < 0.5 else []
    return Script([[*main, *text(dice, 1, 5), END], *blocks])


def joined(threads: list[list[int]], prompt: int) -> list[Written]:
    """The text as it is read, each block behind its promise, at the positions of section 3.4."""
    written: list[Written] = []
    position, blocks = 0, iter(range(1, len(threads)))
    main = threads[0]
    for index, token in enumerate(main):
        written.append(Written(token, 0, index, position))
        position += 1
        if token == TAGS[Tag.END] and index >= prompt:
            thread = next(blocks, 0)
            if thread:
                written += [Written(each, thread, at, position + at) for at, each in enumerate(threads[thread])]
            position += 10 * [*map(ids, "0123456789")].index([main[index - 1]])
    return written


def sees(written: list[Written], one: int, other: int) -> bool:
    """May a token see another one? Section 4.2; a block's closing tag is never read, so nobody sees it."""
    mine, theirs = written[one], written[other]
    if other > one:
        return False
    if theirs.thread in (0, mine.thread):
        return True
    between = [each for each in written[other : one + 1] if each.thread == 0 and each.token == TAGS[Tag.SYNC]]
    return bool(between) and theirs.token != TAGS[Tag.ENDASYNC]


def teacher_forced(loaded: LoadedModel, written: list[Written]) -> torch.Tensor:
    """What the model says behind each token, `[tokens, V]`, in one pass of its own."""
    size = len(written)
    positions = torch.tensor([each.position for each in written])
    visible = torch.tensor([[sees(written, one, other) for other in range(size)] for one in range(size)])
    near = positions[:, None] - positions < (getattr(loaded.config, "sliding_window", None) or 1 << 30)
    masks = {
        kind: torch.zeros(size, size, dtype=torch.float64).masked_fill(~mask, -torch.inf)[None, None]
        for kind, mask in (("full_attention", visible), ("sliding_attention", visible & near))
    }
    kinds = set(getattr(loaded.config, "layer_types", None) or ["full_attention"])
    with torch.inference_mode():
        logits: torch.Tensor = loaded.model(
            input_ids=torch.tensor([[each.token for each in written]]),
            position_ids=positions[None],
            attention_mask=masks if len(kinds) > 1 else masks["full_attention"],
            use_cache=False,
        ).logits[0]
    return logits


@pytest.mark.parametrize("seed", [0, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))])
@pytest.mark.parametrize("decode", DECODE)
@pytest.mark.parametrize("kind", ["llama", "gemma3", pytest.param("qwen2-windows", marks=pytest.mark.slow)])
def test_the_interpreter_is_the_training_mask(
    tagged: Callable[..., LoadedModel], promising: Path, kind: str, decode: str, seed: int
) -> None:
    wanted = script(100 * seed + len(decode))
    compiled = plan(promising, decode, forks=(1, 2, 8)[seed % 3])
    decoding = running(
        compiled,
        lambda name: tagged(kind, 0 if name == "target" else 1),
        lambda name, network: (
            Scripted(network, wanted) if name == "target" else Scripted(network, Script(wanted.threads), errs=0.3)
        ),
    )
    threads = {0: ids(PROMPT)}
    accepted = 0
    for event in decoding.stream([Prompt(1, PROMPT)]):
        if isinstance(event, Stepped):
            accepted += event.accepted
            for each in event.threads:
                threads.setdefault(each.thread, [TAGS[Tag.ASYNC]]).extend(each.token_ids)
    said = [threads[number] for number in sorted(threads)]
    assert said[0] == wanted.threads[0]
    assert all(line[:-1] == script_[: len(line) - 1] for line, script_ in zip(said, wanted.threads, strict=True))
    assert (accepted > 0) == (decode != "alone")
    written = joined(said, len(PROMPT))
    expected = teacher_forced(tagged(kind), written)
    compared = 0
    for place, each in enumerate(written):
        last = each.index == len(said[each.thread]) - 1
        if not last and (each.thread or each.index >= len(PROMPT) - 1):
            torch.testing.assert_close(wanted.scores[each.thread, each.index], expected[place], rtol=0, atol=1e-9)
            compared += 1
    assert compared == sum(len(line) - 1 for line in said) - len(PROMPT) + 1
