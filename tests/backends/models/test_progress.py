"""Long work shows how far it is: bars where somebody looks, lines where something listens."""

from __future__ import annotations

import io

import pytest

from specplan.backends.models import Lines, Silent, shown_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_for_a_log() -> None:
    times = iter([0.0, 3.0, 12.0, 12.0, 13.0, 30.0])
    stream = io.StringIO()
    lines = Lines(stream, clock=lambda: next(times))
    lines.stage("downloading x", 200_000_000)
    for done in (50_000_000, 100_000_000, 110_000_000):
        lines.reached(done)
    lines.stage("unpacking x")
    lines.reached(1)
    assert stream.getvalue().splitlines() == ["downloading x (200 MB)", "downloading x: 50 %", "unpacking x"]


def test_a_pipe_gets_lines_and_no_control_characters() -> None:
    stream = io.StringIO()
    with shown_on(stream) as progress:
        progress.stage("downloading x", 10)
        progress.reached(10)
    assert stream.getvalue() == "downloading x (10 bytes)\n"


def test_a_terminal_gets_bars() -> None:
    pytest.importorskip("rich")
    stream = Terminal()
    with shown_on(stream) as progress:
        progress.stage("downloading x", 10)
        progress.reached(5)
        progress.stage("unpacking x")
    assert "\x1b" in stream.getvalue()
    assert "unpacking x" in stream.getvalue()


def test_silence() -> None:
    silent = Silent()
    silent.stage("x", 1)
    silent.reached(1)
