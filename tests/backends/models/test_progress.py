"""Long work shows how far it is: bars where somebody looks, lines where something listens."""

from __future__ import annotations

import io

import pytest

from specplan.backends.models import Lines, Silent, shown_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_for_a_log() -> None:
    times = iter([0.0, 3.0, 12.0, 12.0, 13.0, 30.0, 31.0])
    stream = io.StringIO()
    lines = Lines(stream, clock=lambda: next(times))
    lines.stage("downloading x", 200_000_000, of_bytes=True)
    for done in (50_000_000, 100_000_000, 110_000_000):
        lines.reached(done)
    lines.stage("unpacking x")
    lines.reached(1)
    assert stream.getvalue().splitlines() == [
        "downloading x: 200 MB",
        "downloading x: 100 MB of 200 MB",
        "unpacking x",
    ]


def test_lines_count_on_behind_what_was_done_before() -> None:
    stream, seconds = io.StringIO(), iter([0.0, 5.0, 20.0, 20.0, 25.0, 60.0, 60.0])
    lines = Lines(stream, clock=lambda: next(seconds))
    lines.stage("steps", 9, done=2)
    for _ in range(2):
        lines.step("loss 1.0")
    lines.say("held out: 3")
    lines.stage("unpacking")
    lines.reached(5)
    assert stream.getvalue().splitlines() == [
        "steps: 9, 2 of them done before",
        "steps: 4 of 9, loss 1.0",
        "held out: 3",
        "unpacking",
        "unpacking: 5",
    ]


def test_a_pipe_gets_lines_and_no_control_characters() -> None:
    stream = io.StringIO()
    with shown_on(stream) as progress:
        progress.stage("downloading x", 10, of_bytes=True)
        progress.reached(10)
    assert stream.getvalue() == "downloading x: 10 bytes\n"


def test_a_terminal_gets_bars() -> None:
    pytest.importorskip("rich")
    stream = Terminal()
    with shown_on(stream) as progress:
        progress.stage("downloading x", 10)
        progress.reached(5)
        progress.stage("steps [x]", 9, done=4)
        progress.step("loss [1.0]")
        progress.say("half [of] it")
        progress.stage("unpacking x")
    said = stream.getvalue()
    assert "\x1b" in said and "unpacking x" in said and "half [of] it\n" in said


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.stage("x", 1)
    silent.reached(1)
    silent.step("x")
    silent.say("x")
    assert capsys.readouterr() == ("", "")
