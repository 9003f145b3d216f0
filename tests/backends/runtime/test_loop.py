"""The stream of events around any program, and what becomes of it when something ends early."""

import json
from dataclasses import dataclass, field

import pytest

from specplan.backends.runtime import (
    Clock,
    Finished,
    LoopDecoder,
    NothingToRead,
    Prompt,
    Refused,
    Result,
    Row,
    Started,
    State,
    Stats,
    Stepped,
    row_key,
)
from specplan.grammar import DiagnosticError


@dataclass
class Spelling:
    """Answers a prompt with its own letters, two drafts and one own token a step."""

    rows: int = 1
    released: list[object] = field(default_factory=list)
    steps: int = 0
    clock: Clock = field(default_factory=Clock)

    def start(self, row: Row) -> State:
        if not row.prompt.text:
            raise DiagnosticError([NothingToRead(None, row.prompt.id)])
        row.prompt_tokens = len(row.prompt.text)
        return ((row, row.prompt.text),)

    def join(self, state: State, started: State) -> State:
        return (*state, *started)

    def step(self, state: State) -> tuple[State, list[Row]]:
        self.steps += 1
        left: list[tuple[Row, str]] = []
        with self.clock.node("verify target"), self.clock.running():
            for row, text in state:
                said, rest = text[:3], text[3:]
                row.say([*map(ord, said)], said, drafted=4, accepted=min(2, len(said)))
                left += [(row, rest)]
        return tuple(each for each in left if each[1]), [row for row, rest in left if not rest]

    def release(self, row: Row) -> None:
        self.released.append(row.prompt.id)


def test_events_come_in_order_and_the_texts_of_steps_are_the_text() -> None:
    program = Spelling()
    events = [*LoopDecoder(program).stream(["abcd", Prompt("x", "efg")])]
    assert [type(each) for each in events] == [Started, Stepped, Stepped, Finished, Started, Stepped, Finished]
    assert [each.id for each in events] == [1, 1, 1, 1, "x", "x", "x"]
    assert [each.text for each in events if isinstance(each, Stepped)] == ["abc", "d", "efg"]
    assert program.released == [1, "x"]
    first = events[1]
    assert isinstance(first, Stepped)
    assert (first.token_ids, first.drafted, first.accepted) == ((97, 98, 99), 4, 2)
    assert first.timing is not None and [*first.timing.nodes] == ["verify target"]
    assert 0 <= first.timing.passes_s <= first.timing.nodes["verify target"] <= first.timing.wall_s


def test_a_result_is_what_the_steps_add_up_to() -> None:
    (result,) = LoopDecoder(Spelling()).generate(["abcd"])
    assert (result.text, result.token_ids, result.prompt_tokens) == ("abcd", (97, 98, 99, 100), 4)
    # Of the second step's path one token was left, and that was a draft.
    assert (result.stats.steps, result.stats.drafted, result.stats.accepted) == (2, 8, 3)
    assert result.stats.acceptance_histogram == (0, 1, 1)
    assert result.stats.tokens_per_step == 2.0
    assert result.stats.mean_acceptance_length == 2.5


def test_json_has_exactly_the_documented_fields() -> None:
    stats = Stats(4, 2, 8, 3, (0, 1, 1), 0.5, 2.0)
    shown = Result("a", "text", (1, 2), 3, stats).to_json()
    assert json.loads(json.dumps(shown)) == {
        "id": "a",
        "text": "text",
        "annotated": None,
        "token_ids": [1, 2],
        "prompt_tokens": 3,
        "stats": {
            "steps": 2,
            "drafted": 8,
            "accepted": 3,
            "tokens_per_step": 2.0,
            "mean_acceptance_length": 2.5,
            "acceptance_histogram": [0, 1, 1],
            "rested": 0,
            "translation": None,
            "threads": None,
            "prefill_s": 0.5,
            "decode_s": 2.0,
            "tokens_per_s": 2.0,
        },
    }


def test_a_row_without_steps_divides_by_nothing() -> None:
    stats = Stats(0, 0, 0, 0, (), 0.0, 0.0)
    assert (stats.tokens_per_step, stats.mean_acceptance_length, stats.tokens_per_s) == (0.0, 0.0, 0.0)


def test_a_prompt_that_cannot_be_answered_leaves_the_others_alone() -> None:
    program = Spelling()
    events = [*LoopDecoder(program).stream(["", "abc"])]
    assert isinstance(events[0], Refused)
    assert [each.code for each in events[0].diagnostics] == ["SP0802"]
    assert isinstance(events[-1], Finished)
    assert program.released == [1, 2]
    with pytest.raises(DiagnosticError, match="SP0802"):
        LoopDecoder(program).generate(["abc", ""])


def test_whoever_stops_iterating_has_ended_the_rest() -> None:
    program = Spelling()
    events = LoopDecoder(program).stream(["abcdefghi", "xyz"])
    for event in events:
        if isinstance(event, Stepped):
            break
    assert program.released == []
    events.close()  # type: ignore[attr-defined]
    assert (program.released, program.steps) == ([1], 1)


def test_rows_step_together_and_one_that_ends_makes_room() -> None:
    program = Spelling(rows=2)
    events = [*LoopDecoder(program).stream(["abcd", "efghijk", "lm"])]
    told = [(type(each).__name__, each.id) for each in events]
    assert told == [
        *[("Started", 1), ("Started", 2)],
        *[("Stepped", 1), ("Stepped", 2)],
        *[("Stepped", 1), ("Finished", 1), ("Stepped", 2), ("Started", 3)],
        *[("Stepped", 2), ("Finished", 2), ("Stepped", 3), ("Finished", 3)],
    ]
    assert [each.timing is not None for each in events if isinstance(each, Stepped)] == [True, False] * 3
    assert (program.released, program.steps) == ([1, 2, 3], 3)
    assert [each.text for each in LoopDecoder(Spelling(rows=2)).generate(["abcd", "e", "fg"])] == ["abcd", "e", "fg"]


def test_whoever_stops_iterating_has_ended_the_batch() -> None:
    program = Spelling(rows=3)
    events = LoopDecoder(program).stream(["abcdefghi", "xyz", "uvw"])
    next(each for each in events if isinstance(each, Stepped))
    events.close()  # type: ignore[attr-defined]
    assert sorted(map(str, program.released)) == ["1", "2", "3"]


def test_prompts_are_read_one_by_one_as_they_are_needed() -> None:
    asked = []

    def prompts():  # type: ignore[no-untyped-def]
        for text in ("abc", "def"):
            asked.append(text)
            yield text

    events = LoopDecoder(Spelling()).stream(prompts())
    next(events)
    assert asked == ["abc"]


def test_draws_are_keyed_by_the_id_alone() -> None:
    assert row_key(12) == 12
    assert row_key("12") != 12
    assert 0 <= row_key(-1) < 1 << 32
    assert 0 <= row_key(1 << 40) < 1 << 32
