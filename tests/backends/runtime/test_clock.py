"""Times of nodes leave out what runs inside them; passes that a device is still at are asked for when the step is over."""

from __future__ import annotations

from time import sleep

import pytest

from specplan.backends.runtime import Clock


def test_a_node_is_charged_for_itself_alone() -> None:
    clock = Clock()
    with clock.node("repeat"), clock.node("draft"):
        sleep(0.02)
    found = clock.read(1.0).nodes
    assert found["draft"] >= 0.02 > found["repeat"]


def test_what_runs_on_a_device_is_asked_for_once_and_late() -> None:
    clock, asked = Clock(), []

    def seconds() -> float:
        asked.append(1)
        return 0.25

    clock.runs_on(seconds)
    clock.runs_on(seconds)
    assert not asked
    assert clock.read(1.0).passes_s == pytest.approx(0.5)
    assert clock.read(1.0).passes_s == 0
    assert len(asked) == 2
