"""A packed row is what the interpreter reads: the same tokens, positions, views and targets, and the same logits."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from specplan.backends.runtime.pasta import Threads, threads_of
from specplan.backends.training import IGNORED, Packed, batch, fill_rows, log_likelihoods, logits_of, losses, pack
from specplan.grammar import SourceFile, Tag, parse_pasta

from .scripts import END, LETTERS, MACHINE, SPELLED, TAGS, VOCABULARY, Fed, Interpreter, Script, Slot, encode, scripts

PROMISE, TOKENS, CLOSE, ASYNC, ENDASYNC, SYNC = (TAGS[tag] for tag in Tag)


def packed_of(script: Script) -> Packed:
    return pack(script.prompt, script.threads, MACHINE)


def slots_of(packed: Packed) -> list[Slot]:
    """Which thread's how-manieth token each token of a row is."""
    counters = {thread: count() for thread in packed.threads.tolist()}
    return [(thread, next(counters[thread])) for thread in packed.threads.tolist()]


def row_of(text: str, prompt: str = "a", ends: bool = True) -> Packed:
    answer, mistakes = parse_pasta(SourceFile("answer", text))
    assert answer is not None, mistakes
    threads = threads_of(answer, VOCABULARY, encode)
    prompt_ids = encode(prompt.encode())
    assert threads is not None and prompt_ids is not None
    return pack(prompt_ids, Threads((*threads.main, *([END] if ends else [])), threads.blocks), MACHINE)


def letters(ids: list[int]) -> str:
    """One character for each token: tags are P T > [ ] S, the end of text is $, and no target is a dot."""
    names = dict(enumerate("PT>[]S$")) | {IGNORED: "."}
    return "".join(names.get(each) or (SPELLED[each] or b"?").decode() for each in ids)


def test_by_hand() -> None:
    packed = row_of('b<promise topic="c" tokens=2/><async>def</async>g<sync/>h', prompt="aa")
    assert letters(packed.ids.tolist()) == "aabPcT2>[defgSh"
    assert letters(packed.labels.tolist()) == ".bPcT2>gdef]Sh$"
    assert packed.positions.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 29, 30]
    assert packed.threads.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert ["".join("#" if each else "." for each in row) for row in packed.sees[7:]] == [
        "########.......",
        "#########......",
        "##########.....",
        "###########....",
        "############...",
        "########....#..",
        "##############.",
        "###############",
    ]


def test_two_forks_and_one_behind_the_sync() -> None:
    packed = row_of(
        '<promise topic="a" tokens=1/><async>bc</async><promise topic="d" tokens=3/><async></async>'
        '<sync/><promise topic="e" tokens=1/><async>f</async>',
    )
    assert letters(packed.ids.tolist()) == "aPaT1>[bcPdT3>[SPeT1>[f"
    assert letters(packed.labels.tolist()) == "PaT1>Pbc]dT3>S]PeT1>$f]"
    first, second, third = ([*packed.threads].index(fork) for fork in (1, 2, 3))
    assert packed.positions[[first, second, third]].tolist() == [6, 21, 57]  # 6 + 10 + 5, and 21 + 30 + 6
    assert not packed.sees[second, first] and packed.sees[third, [first, second]].all()


def test_what_follows_an_end_is_left_out() -> None:
    a, b = LETTERS[0], LETTERS[1]
    block = (a, ENDASYNC, b)
    packed = pack((a,), Threads((PROMISE, a, TOKENS, 8, CLOSE, END, b), (block,)), MACHINE)
    assert letters(packed.ids.tolist()) == "aPaT1>[a" and letters(packed.labels.tolist()) == "PaT1>$a]"


def test_threads_that_a_limit_cut_off_and_promises_that_open_none() -> None:
    a = LETTERS[0]
    vow = (PROMISE, a, TOKENS, 8, CLOSE)
    packed = pack((a,), Threads((*vow, *vow, a), (None, (a, a))), MACHINE)
    assert letters(packed.ids.tolist()) == "aPaT1>PaT1>[aaa"
    assert letters(packed.labels.tolist()) == "PaT1>PaT1>aaa.."
    assert packed.positions[[6, 11, 14]].tolist() == [16, 21, 31]


@settings(max_examples=100, deadline=None)
@given(scripts)
def test_tokens_positions_views_and_targets_are_the_interpreters(script: Script) -> None:
    packed = packed_of(script)
    slots = slots_of(packed)
    sees = packed.sees
    fed = {each.slot: each for step in Interpreter(script).run() for each in step}
    row = {
        slot: Fed(
            slot,
            int(packed.ids[place]),
            int(packed.positions[place]),
            frozenset(slots[other] for other in numpy.flatnonzero(sees[place])),
            None if packed.labels[place] == IGNORED else int(packed.labels[place]),
        )
        for place, slot in enumerate(slots)
    }
    assert row == fed


@settings(max_examples=100, deadline=None)
@given(scripts, st.integers(1, 2))
def test_where_forks_queue_nobody_sees_otherwise(script: Script, most: int) -> None:
    def fed(max_forks: int) -> dict[Slot, Fed]:
        return {each.slot: each for step in Interpreter(script, max_forks).run() for each in step}

    assert fed(most) == fed(1000)


any_tokens = st.lists(st.one_of(st.sampled_from(range(6)), st.sampled_from(range(len(SPELLED)))), max_size=30).map(
    tuple
)


@settings(max_examples=100, deadline=None)
@given(any_tokens, st.lists(st.none() | any_tokens, max_size=4).map(tuple))
def test_whatever_threads_say_is_packed(main: tuple[int, ...], blocks: tuple[tuple[int, ...] | None, ...]) -> None:
    packed = pack((20,), Threads(main, blocks), MACHINE)
    own = packed.threads == 0
    said = main[: main.index(END)] if END in main else main
    assert packed.ids[own].tolist() == [20, *said]
    assert packed.labels[own].tolist() == [*said, END if END in main else IGNORED]
    assert (numpy.diff(packed.positions[own]) % 10 == 1).all()
    assert packed.sees.diagonal().all() and not numpy.triu(packed.sees, 1).any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(scripts, min_size=1, max_size=3), min_size=1, max_size=3))
def test_answers_of_a_batch_do_not_meet(rows: list[list[Script]]) -> None:
    packed = [[packed_of(script) for script in row] for row in rows]
    made = batch(packed, padding=3)
    for number, row in enumerate(packed):
        start = 0
        for each in row:
            place = slice(start, start + len(each))
            assert (made.sees[number, place, place] == each.sees).all()
            assert made.sees[number, place].sum() == each.sees.sum() == made.sees[number, :, place].sum()
            columns = ((made.ids, each.ids), (made.positions, each.positions), (made.labels, each.labels))
            assert all((whole[number, place] == part).all() for whole, part in columns)
            start += len(each)
        assert (made.labels[number, start:] == IGNORED).all() and (made.ids[number, start:] == 3).all()
        assert (made.sees[number, start:].sum(axis=1) == 1).all() and made.sees[number].diagonal().all()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(10, 40))
def test_rows_are_filled(lengths: list[int], width: int) -> None:
    answers = [pack([20] * length, Threads((), ()), MACHINE) for length in lengths]
    rows = fill_rows(answers, width)
    assert sorted(map(id, answers)) == sorted(id(each) for row in rows for each in row)
    assert all(sum(map(len, row)) <= width or len(row) == 1 for row in rows)
    loads = [sum(map(len, row)) for row in rows]
    assert all(one + other > width for place, one in enumerate(loads) for other in loads[:place])


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(SPELLED),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        initializer_range=0.4,
    )
    return LlamaForCausalLM(config).to(torch.float64).eval()


@settings(max_examples=15, deadline=None)
@given(st.lists(scripts, min_size=1, max_size=3))
def test_one_pass_gives_the_logits_of_the_steps(model: Any, few: list[Script]) -> None:
    """Token by token, in one pool of keys and values, as threads are decoded; float64. The second row is padded."""
    rows = [packed_of(script) for script in few]
    with torch.no_grad():
        together, padded = logits_of(model, batch([rows, rows[:1]]))
        start = 0
        for script, row in zip(few, rows, strict=True):
            steps = stepwise(model, script)
            expected = torch.stack([steps[slot] for slot in slots_of(row)])
            assert (together[start : start + len(row)] - expected).abs().max() < 1e-9
            assert start or (padded[: len(row)] - expected).abs().max() < 1e-9
            start += len(row)


def test_losses_are_those_of_the_labels(model: Any) -> None:
    rows = [row_of('b<promise topic="c" tokens=2/><async>def</async>g<sync/>h'), row_of("ab")]
    made = batch([[row] for row in rows])
    with torch.no_grad():
        logits = logits_of(model, made)
        found, sums = losses(logits, made), log_likelihoods(logits, made)
    log_p = torch.log_softmax(logits, dim=-1)
    by_hand = [
        [0.0 if label == IGNORED else -log_p[row, place, label].item() for place, label in enumerate(labels)]
        for row, labels in enumerate(made.labels.tolist())
    ]
    assert torch.allclose(found, torch.tensor(by_hand, dtype=torch.float64), rtol=0, atol=1e-12)
    assert torch.allclose(sums, -torch.tensor(by_hand, dtype=torch.float64).sum(dim=1), rtol=0, atol=1e-12)


def stepwise(model: Any, script: Script) -> dict[Slot, Any]:
    cache, pool, found = DynamicCache(), list[Slot](), dict[Slot, Any]()
    for step in Interpreter(script).run():
        pool += [each.slot for each in step]
        visible = torch.tensor([[slot in each.sees for slot in pool] for each in step])
        mask = torch.zeros(visible.shape, dtype=torch.float64).masked_fill(~visible, -torch.inf)
        logits = model(
            input_ids=torch.tensor([[each.token for each in step]]),
            position_ids=torch.tensor([[each.position for each in step]]),
            attention_mask=mask[None, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[0]
        found |= {each.slot: row for each, row in zip(step, logits, strict=True)}
    return found
