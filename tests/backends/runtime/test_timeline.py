"""Timelines from events that are written down: who did what in which steps."""

from __future__ import annotations

from dataclasses import replace

from specplan.backends.runtime import Fork, Phase, Stepped, Stretch, ThreadStep, Timeline

FORK = Fork(end=7, position=7, budget=80, topic="copper wires", tens=2)


def told(thread: int, tokens: int, phase: Phase) -> ThreadStep:
    fork = None if not thread else replace(FORK, end=6 + thread, phase=phase)
    return ThreadStep(thread, (1,) * tokens, phase, fork)


def timeline(*steps: list[ThreadStep]) -> Timeline:
    made = Timeline()
    for each in steps:
        made.add(Stepped("a", "", (), 0, 0, None, threads=tuple(each)))
    return made


MADE = timeline(
    [told(0, 1, Phase.RUNNING), told(1, 0, Phase.RUNNING)],
    [told(0, 1, Phase.RUNNING), told(1, 3, Phase.RUNNING), told(2, 0, Phase.QUEUED)],
    [told(0, 2, Phase.WAITING), told(1, 1, Phase.ENDED), told(2, 0, Phase.RUNNING)],
    [told(0, 0, Phase.WAITING), told(2, 1, Phase.RUNNING)],
    [told(0, 0, Phase.RUNNING), told(1, 0, Phase.JOINED), told(2, 1, Phase.JOINED)],
    [told(0, 1, Phase.ENDED)],
)


def test_stretches_of_the_main_thread() -> None:
    assert MADE.main.stretches == (
        Stretch(Phase.RUNNING, 1, 3),
        Stretch(Phase.WAITING, 4, 5),
        Stretch(Phase.RUNNING, 6, 6),
    )
    assert (MADE.main.said, MADE.main.phase, MADE.main.joined) == (5, Phase.ENDED, None)


def test_stretches_of_forks() -> None:
    first, second = MADE.forks
    assert first.stretches == (Stretch(Phase.RUNNING, 2, 3), Stretch(Phase.ENDED, 4, 5))
    assert second.stretches == (Stretch(Phase.QUEUED, 3, 3), Stretch(Phase.RUNNING, 4, 5))
    assert [(each.opened, each.joined, each.said) for each in MADE.forks] == [(1, 5, 4), (2, 5, 2)]


def test_a_row_that_never_forks_is_one_lane() -> None:
    made = timeline([told(0, 1, Phase.RUNNING)], [told(0, 1, Phase.ENDED)])
    assert (made.forks, made.steps) == ((), 2)
    assert made.main.stretches == (Stretch(Phase.RUNNING, 1, 2),)


def test_json() -> None:
    value = MADE.to_json()
    assert value["steps"] == 6
    main, first, _ = value["threads"]
    assert (main["thread"], main["said"], "topic" in main) == (0, 5, False)
    assert first == {
        "thread": 1,
        "topic": "copper wires",
        "promised": 20,
        "budget": 80,
        "opened": 1,
        "joined": 5,
        "said": 4,
        "stretches": [{"phase": "running", "first": 2, "last": 3}, {"phase": "ended", "first": 4, "last": 5}],
    }
