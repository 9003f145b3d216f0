"""Statistics of rows that run side by side."""

from __future__ import annotations

import pytest

from specplan.backends.runtime import Event, Finished, Result, Started, Stats, Stepped, Timing
from specplan.cli.answers import Shown, show_answers
from specplan.cli.output import Output

STATS = Stats(generated=1, steps=1, drafted=0, accepted=0, acceptance_histogram=(1,), prefill_s=0.1, decode_s=0.2)


def test_every_row_of_a_batch_tells_where_the_time_of_its_steps_went(capsys: pytest.CaptureFixture[str]) -> None:
    timing = Timing(0.2, 0.1, {"verify target": 0.15, "accept": 0.05})
    events: list[Event] = [Started(1, 3, 0.1), Started(2, 3, 0.1)]
    events += [Stepped(1, "a", (1,), 0, 0, timing), Stepped(2, "b", (2,), 0, 0, None)]
    events += [Finished(name, Result(name, "a", (name,), 3, STATS)) for name in (1, 2)]
    show_answers(events, Output("text", colour=False), Shown(headed=True, stats=True))
    assert capsys.readouterr().err.count("time     verify target 75 %, accept 25 %") == 2
