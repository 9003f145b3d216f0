"""Rows that fork on tiny models: the same text however it is decoded, read in order, and ended whatever a model does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.eager.network import TorchNetwork
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import (
    Clock,
    Finished,
    LoopDecoder,
    Network,
    Phase,
    Prompt,
    Reading,
    Result,
    Row,
    Seat,
    Stepped,
    Thread,
    Wanted,
    Woven,
)
from specplan.backends.runtime.forks import Fork
from specplan.backends.runtime.readings import side_by_side
from specplan.grammar import SourceFile, Tag, parse_pasta, strip_pasta

from .promising import DECODE, END, TAGS, Around, Biased, Script, Scripted, ids, plan, running
from .test_runners import recorded

Tagged = Callable[..., LoadedModel]
PROMPTS = [Prompt(number, text) for number, text in enumerate(["abcab", "Hello", "x", "one two one"])]
PROMISING = {tag: 12.0 for tag in TAGS.values()} | {END: -8.0}
"""A model that writes tags at random, if it may."""


def decoding(
    tagged: Tagged, folder: Path, decode: str, bias: Mapping[int, float] = PROMISING, kind: str = "llama", **facts: Any
) -> LoopDecoder:
    return running(
        plan(folder, decode, **facts),
        lambda name: tagged(kind, 0 if name == "target" else 1),
        lambda _, network: Biased(network, bias),  # type: ignore[return-value]
    )


def texts(results: list[Result]) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.text, each.token_ids) for each in results]


@pytest.mark.parametrize("kind", ["llama", "gemma3", "qwen2-windows"])
def test_greedy_text_is_the_same_however_threads_are_decoded(tagged: Tagged, promising: Path, kind: str) -> None:
    """One after the other or together, guessing ahead or not, alone or beside other rows."""
    plain = decoding(tagged, promising, "alone", kind=kind, new=120).generate(PROMPTS)
    assert sum(each.stats.threads.forks for each in plain if each.stats.threads) > 4
    assert sum(each.stats.threads.forked for each in plain if each.stats.threads) > 40
    for facts in ({"forks": 1}, {"forks": 2}, {"batch": 3}, {"forks": 1, "batch": 4}):
        assert texts(decoding(tagged, promising, "alone", kind=kind, new=120, **facts).generate(PROMPTS)) == texts(
            plain
        )
    for decode in DECODE:
        for facts in ({}, {"forks": 2, "batch": 3}):
            results = decoding(tagged, promising, decode, kind=kind, new=120, **facts).generate(PROMPTS)
            assert texts(results) == texts(plain)
            assert (sum(each.stats.accepted for each in results) > 0) == (decode != "alone")


@pytest.mark.parametrize("decode", DECODE)
def test_recorded_passes_on_a_device_say_the_same(
    tagged: Tagged, promising: Path, monkeypatch: pytest.MonkeyPatch, decode: str
) -> None:
    """The way of a GPU on the CPU: shapes are powers of two, and nobody looks at a guess before its verdict."""
    expected = texts(decoding(tagged, promising, decode, new=120, batch=2).generate(PROMPTS))
    runners = recorded(monkeypatch)
    monkeypatch.setattr(TorchNetwork, "looks_are_free", False)
    assert texts(decoding(tagged, promising, decode, new=120, batch=2).generate(PROMPTS)) == expected
    widths = {shape.width for runner in runners for _, shape, _, _ in runner._recordings}
    assert widths <= {1, 2, 4, 8, 16, 32, 64} and max(widths) >= 4


@pytest.mark.parametrize("grammar", ["strict", "free"])
@pytest.mark.parametrize("forks", [1, 2, 8])
@pytest.mark.parametrize("seed", range(4))
def test_a_hostile_model_ends_in_as_many_steps_as_were_planned(
    tagged: Tagged, promising: Path, seed: int, forks: int, grammar: str
) -> None:
    steps = running(
        plan(promising, "alone", forks=forks, new=90, tags=f", grammar={grammar}"),
        lambda _: tagged("llama", seed),
        lambda _, network: Biased(network, PROMISING | {END: -50.0}),  # type: ignore[return-value]
    )
    for result in steps.generate(PROMPTS):
        threads = result.stats.threads
        assert threads is not None
        assert result.stats.generated <= 90
        assert result.stats.steps == threads.critical_path <= 90
        assert grammar == "free" or threads.tags.malformed == threads.tags.idle_sync + threads.tags.unfinished + (
            threads.tags.unclosed
        )


@pytest.mark.parametrize("decode", ["alone", "ngram"])
def test_without_promises_it_is_plain_decoding(tagged: Tagged, promising: Path, decode: str) -> None:
    """A model that never promises says what it says without forks; other tags only end a text."""
    silent = dict.fromkeys(TAGS.values(), -torch.inf)
    for bias, grammar in ((silent, "strict"), (PROMISING | {TAGS[Tag.PROMISE]: -torch.inf}, "free")):
        forked = decoding(tagged, promising, decode, bias=bias, tags=f", grammar={grammar}").generate(PROMPTS)
        alone = decoding(tagged, promising, decode, bias=bias, forks=0).generate(PROMPTS)
        assert [each.token_ids for each in forked] == [each.token_ids for each in alone]
        assert [each.text for each in forked] == [each.text for each in alone] or grammar == "free"
        assert all(each.stats.threads and not each.stats.threads.forks for each in forked)


def promise(topic: str, tens: int) -> list[int]:
    return [TAGS[Tag.PROMISE], *ids(topic), TAGS[Tag.TOKENS], *ids(str(tens)), TAGS[Tag.END]]


def block(text: str) -> list[int]:
    return [TAGS[Tag.ASYNC], *ids(text), TAGS[Tag.ENDASYNC]]


def scripted(tagged: Tagged, folder: Path, threads: list[list[int]], **facts: Any) -> LoopDecoder:
    script = Script(threads)
    return running(
        plan(folder, "alone", **facts),
        lambda _: tagged("llama"),
        lambda _, network: Scripted(network, script),  # type: ignore[return-value]
    )


ANSWER = [
    [
        *ids("Q:"),
        *ids("One "),
        *promise("two", 1),
        *ids(" three "),
        *promise("four", 2),
        TAGS[Tag.SYNC],
        *ids(" five"),
        END,
    ],
    block("Two is long"),
    block("Four"),
]


def test_text_is_shown_in_reading_order_as_soon_as_all_before_it_is_there(tagged: Tagged, promising: Path) -> None:
    *steps, finished = [*scripted(tagged, promising, ANSWER).stream([Prompt(1, "Q:")])][1:]
    assert isinstance(finished, Finished)
    pieces = [each.text for each in steps if isinstance(each, Stepped)]
    assert finished.result.text == "".join(pieces) == "One Two is long three Four five"
    joined = [*ids("One "), *promise("two", 1), *ANSWER[1], *ids(" three "), *promise("four", 2), *ANSWER[2]]
    assert finished.result.token_ids == (*joined, TAGS[Tag.SYNC], *ids(" five"), END)
    assert finished.result.annotated == (
        'One <promise topic="two" tokens=1/><async>Two is long</async> three '
        '<promise topic="four" tokens=2/><async>Four</async><sync/> five'
    )
    # The first block is shown letter by letter. What comes behind it waits until it has ended, and then comes at once.
    assert "".join(pieces[: pieces.index("g") + 1]) == "One Two is long"
    assert pieces[pieces.index("g") + 1].startswith(" three")


def test_events_tell_what_every_thread_does(tagged: Tagged, promising: Path) -> None:
    phases: dict[int, list[tuple[int, Phase]]] = defaultdict(list)
    forks: dict[int, Fork] = {}
    steps = [
        e for e in scripted(tagged, promising, ANSWER, forks=1).stream([Prompt(1, "Q:")]) if isinstance(e, Stepped)
    ]
    for number, event in enumerate(steps, 1):
        for each in event.threads:
            if not phases[each.thread] or phases[each.thread][-1][1] is not each.phase:
                phases[each.thread].append((number, each.phase))
            if each.fork is not None:
                forks[each.thread] = each.fork
    opened = len("One ") + len(promise("two", 1))
    second = opened + len(" three ") + len(promise("four", 2))
    assert [phase for _, phase in phases[0]] == [Phase.RUNNING, Phase.WAITING, Phase.RUNNING, Phase.ENDED]
    assert phases[1][0] == (opened, Phase.RUNNING)
    assert phases[2][0] == (second, Phase.RUNNING)
    assert [phase for _, phase in phases[1]] == [Phase.RUNNING, Phase.ENDED, Phase.JOINED]
    assert (forks[1].topic, forks[1].tens, forks[2].topic, forks[2].tens) == ("two", 1, "four", 2)
    assert forks[1].made == len(ANSWER[1]) - 1


def test_a_promise_waits_where_no_more_may_run(tagged: Tagged, promising: Path) -> None:
    main = [*ids("Q:"), *promise("a", 1), *promise("b", 1), TAGS[Tag.SYNC], END]
    answer = scripted(tagged, promising, [main, block("x" * 19), block("y")], forks=1)
    (result,) = answer.generate([Prompt(1, "Q:")])
    assert result.text == "x" * 19 + "y"
    assert result.stats.threads is not None and result.stats.threads.tags.queued == 1
    assert result.stats.steps == result.stats.threads.critical_path == 6 + 20 + 2 + 1 - 1


def test_promises_that_are_kept_fit_a_limit_of_twice_the_text(tagged: Tagged, promising: Path) -> None:
    """Ten blocks of forty tokens, of which none is cut off, and what comes behind them."""
    main = [
        *ids("Q:"),
        *(token for number in range(10) for token in promise(str(number), 4)),
        *ids(" that is all"),
        END,
    ]
    blocks = [block(str(number) * 39) for number in range(10)]
    answer = scripted(tagged, promising, [main, *blocks], new=1024)
    (result,) = answer.generate([Prompt(1, "Q:")])
    assert result.text == "".join(str(number) * 39 for number in range(10)) + " that is all"
    assert result.stats.threads is not None and result.stats.threads.tags.malformed == 0


@pytest.mark.parametrize("strings", [["long t"], ["is"], ["five"], ["Four f"], ["nothing"]])
def test_stop_strings_are_those_of_the_text_that_is_read(tagged: Tagged, promising: Path, strings: list[str]) -> None:
    """They end it within a block, and across blocks, too."""
    whole = "One Two is long three Four five"
    more = f"stop: {{strings: {strings}}}\n"
    (result,) = scripted(tagged, promising, ANSWER, more=more).generate([Prompt(1, "Q:")])
    assert result.text == whole.split(strings[0])[0]


@pytest.mark.parametrize("string", ["ne", "e Two", "long t", "is", "five", "Four f", "r fi", "nothing"])
def test_what_a_stop_string_leaves_does_not_depend_on_how_many_fork(
    tagged: Tagged, promising: Path, string: str
) -> None:
    """Tokens up to the one that completed it, in the order of reading, and the tags of the text that is left."""
    more = f"stop: {{strings: [{string!r}]}}\n"
    one, eight = (
        scripted(tagged, promising, ANSWER, more=more, forks=forks).generate([Prompt(1, "Q:")])[0] for forks in (1, 8)
    )
    assert (one.text, one.token_ids, one.annotated) == (eight.text, eight.token_ids, eight.annotated)
    (whole,) = scripted(tagged, promising, ANSWER).generate([Prompt(1, "Q:")])
    assert one.token_ids == whole.token_ids[: len(one.token_ids)]
    assert [*_read(one.token_ids)] == ids(whole.text if string == "nothing" else one.text + string)
    assert one.annotated is not None and whole.annotated is not None
    answer, _ = parse_pasta(SourceFile("answer", one.annotated))
    assert answer is not None and strip_pasta(answer) == one.text


def _read(tokens: tuple[int, ...]) -> Iterator[int]:
    """Those that are read: no tags, no promises, no end."""
    in_promise = False
    for token in tokens:
        in_promise = token == TAGS[Tag.PROMISE] or (in_promise and token != TAGS[Tag.END])
        if not in_promise and token < END:
            yield token


class Positions(Around):
    """Notes the last position that is read."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.last = 0

    def read(self, caches: Any, readings: list[Reading], *rest: Any) -> Any:
        self.last = max(self.last, *(max(each.positions) for each in readings))
        return self.network.read(caches, readings, *rest)


def test_promises_never_lead_beyond_the_last_position(tagged: Tagged, promising: Path) -> None:
    """Ninety-nine tens each: there is room for one of them, and what may be said fits behind."""
    text = [*promise("a", 99), *ids("b")] * 6
    watched = []

    def around(_: str, network: Network) -> Any:
        watched.append(Positions(network))
        return Scripted(watched[0], Script([[*ids("Q:"), *text, *ids("c" * 400)]]))  # type: ignore[arg-type]

    result = running(plan(promising, "alone", new=300), lambda _: tagged("llama"), around).generate([Prompt(1, "Q:")])
    assert result[0].stats.threads is not None and result[0].stats.threads.forks > 3
    assert 1600 < watched[0].last < 2048


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_threads_are_apart_to_the_last_bit(tagged: Tagged, kind: str) -> None:
    """Whatever stands in the slots of a fork, others compute the same, until a sync has joined it."""
    row = Row(Prompt(1, ""))
    woven = Woven(row, (fork(5, None), fork(5, None), fork(5, 7)))
    joined = Woven(row, (fork(5, 8), fork(5, None), fork(5, 7)))
    scores = []
    for noise in (0.0, 3.0):
        network = TorchNetwork(tagged(kind), 512)
        cache = network.open(row, 64, 1)
        network.read([cache], [cache.slots.append(ids("abcdef"))], Wanted.NONE, Clock())
        seats = {number: Seat(cache, Thread(row, number), 6 if number else 0, woven) for number in range(4)}
        for tokens in ("x", "yz"):
            readings = [seats[number].append(ids(tokens)) for number in (1, 2, 3)]
            network.read([cache], [side_by_side(readings, lasts_last=False)], Wanted.NONE, Clock())
        for layer in cache.pool.layers:
            for slot in cache.slots._strands[1].slots:
                layer.keys[cache.place, :, slot] += noise
                layer.values[cache.place, :, slot] += noise
        found = []
        for number in (0, 2, 3):
            reading = seats[number].append(ids("qr"))
            found.append(network.read([cache], [reading], Wanted.ALL, Clock()))
        seat = Seat(cache, Thread(row), 0, joined)
        found.append(network.read([cache], [seat.append(ids("s"))], Wanted.ALL, Clock()))
        scores.append([each.of(0) for each in found if each is not None])
    apart, main = zip(*scores, strict=True), scores
    for one, other in [*apart][:3]:
        assert torch.equal(one, other)
    assert not torch.equal(main[0][3], main[1][3])


def fork(end: int, joined: int | None) -> Fork:
    return Fork(end, end, 40, "", 1, phase=Phase.RUNNING, joined=joined)
