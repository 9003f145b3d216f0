"""What `run` shows of a decoder's events; real decoders have tests of their own."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from specplan import backends
from specplan.backends.runtime import (
    Event,
    Finished,
    Prompt,
    Refused,
    Result,
    Started,
    Stats,
    Stepped,
    Timing,
    Translation,
)
from specplan.cli.exits import Exit
from specplan.cli.program import program
from specplan.grammar import Diagnostic

NGRAM = str(Path(__file__).parents[2] / "specs" / "plans" / "ngram.yaml")


class Refusal(Diagnostic):
    title = "prompt `{id}` is not answered"
    code = "SP9999"
    id: str | int


class Parrot:
    """Says every prompt again, two letters a step; refuses to say nothing."""

    notes = ()

    def stream(self, prompts: Iterable[Prompt]) -> Iterator[Event]:
        for prompt in prompts:
            if not prompt.text:
                yield Refused(prompt.id, (Refusal(None, prompt.id),))
                continue
            yield Started(prompt.id, 5, 0.25)
            pieces = [prompt.text[start : start + 2] for start in range(0, len(prompt.text), 2)]
            for piece in pieces:
                timing = Timing(0.25, 0.2, {"verify target": 0.2, "accept": 0.05})
                yield Stepped(prompt.id, piece, (7,) * len(piece), 4, len(piece) - 1, timing)
            accepted = len(prompt.text) - len(pieces)
            histogram = (len(pieces) - accepted, accepted)
            stats = Stats(len(prompt.text), len(pieces), 4 * len(pieces), accepted, histogram, 0.25, 0.5)
            yield Finished(prompt.id, Result(prompt.id, prompt.text, (7,) * len(prompt.text), 5, stats))


class Duet(Parrot):
    """Says two prompts at once, turn by turn."""

    def stream(self, prompts: Iterable[Prompt]) -> Iterator[Event]:
        rows = [super(Duet, self).stream([prompt]) for prompt in prompts]
        while rows:
            for row in [*rows]:
                event = next(row, None)
                if event is None:
                    rows.remove(row)
                else:
                    yield event


class Guarded(Parrot):
    """Rests in all steps but the first."""

    def stream(self, prompts: Iterable[Prompt]) -> Iterator[Event]:
        for event in super().stream(prompts):
            if isinstance(event, Finished):
                stats = replace(event.result.stats, rested=event.result.stats.steps - 1)
                event = Finished(event.id, replace(event.result, stats=stats))
            yield event


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Exit]:
    def run(*words: str, decoder: object = None) -> Exit:
        monkeypatch.setattr(backends, "decoder", lambda plan, **options: decoder or Parrot())
        outcome = program.main(["run", NGRAM, *words], standalone_mode=False)
        assert isinstance(outcome, Exit)
        return outcome

    return run


def test_any_plan_runs_at_toy_size(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", NGRAM.replace("ngram", "pasta"), "--engine", "reference", "--prompt", "Hello", "--format", "json"]
    assert program.main(words, standalone_mode=False) is Exit.DONE
    said = capsys.readouterr()
    assert json.loads(said.out)["stats"]["steps"] > 0
    assert "SP0915" in said.err


def test_one_answer_is_bare_text(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prompt", "Hello") is Exit.DONE
    assert capsys.readouterr() == ("Hello\n", "")


def test_several_answers_have_their_ids(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prompt", "Hello", "--prompt", "Bye") is Exit.DONE
    assert capsys.readouterr().out == "--- 1\nHello\n--- 2\nBye\n"


def test_rows_that_run_together_are_told_one_by_one(
    run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--prompt", "Hi", "--prompt", "", "--prompt", "Hello", "--prompt", "Bye", decoder=Duet()) is Exit(1)
    assert capsys.readouterr().out == "--- 1\nHi\n--- 3\nHello\n--- 4\nBye\n"


def test_a_refused_prompt_does_not_stop_the_others(
    run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--prompt", "", "--prompt", "Bye") is Exit.DIAGNOSTICS
    said = capsys.readouterr()
    assert said.out == "--- 2\nBye\n"
    assert said.err.startswith("error[SP9999]: prompt `1` is not answered\n")


def test_statistics_go_to_standard_error(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prompt", "Hello", "--stats") is Exit.DONE
    said = capsys.readouterr()
    assert said.out == "Hello\n"
    assert said.err == (
        "\n"
        "prompt   5 tokens, read in 0.25 s\n"
        "answer   5 tokens in 0.50 s: 10.0 tokens/s\n"
        "steps    3: 1.67 tokens per step\n"
        "drafts   2 of 12 accepted (17 %); mean acceptance length 1.67; steps that kept so many: 1x 0, 2x 1\n"
        "time     verify target 80 %, accept 20 %\n"
    )


def test_statistics_tell_what_a_guard_did(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--prompt", "Hello", "--stats", decoder=Guarded()) is Exit.DONE
    assert "\nguard    2 of 3 steps without guesses\n" in capsys.readouterr().err
    run("--prompt", "Hello", "--format", "json", decoder=Guarded())
    assert json.loads(capsys.readouterr().out)["stats"]["rested"] == 2


class Bilingual(Parrot):
    """What it says was drafted in other words, its first step excepted."""

    def stream(self, prompts: Iterable[Prompt]) -> Iterator[Event]:
        crossed = (None, Translation(3, 1, 1, 17), Translation(2, 1, 0, 12))
        step = 0
        for event in super().stream(prompts):
            if isinstance(event, Stepped):
                timing = Timing(0.25, 0.2, {}, 0.005)
                event, step = replace(event, timing=timing, translation=crossed[step]), step + 1
            if isinstance(event, Finished):
                stats = replace(event.result.stats, translation=Translation(5, 2, 1, 29), translation_s=0.01)
                event = replace(event, result=replace(event.result, stats=stats))
            yield event


def test_statistics_tell_what_went_between_vocabularies(
    run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]
) -> None:
    run("--prompt", "Hello", "--stats", decoder=Bilingual())
    line = "words    5 candidates (1 of 2 times cut as the target would); 29 bytes spelled in other words, 2.0 % of the time"
    assert f"\n{line}\n" in capsys.readouterr().err
    run("--prompt", "Hello", "--format", "json", decoder=Bilingual())
    assert json.loads(capsys.readouterr().out)["stats"]["translation"] == {
        "candidates": 5,
        "respellings": 2,
        "canonical": 1,
        "encoded_bytes": 29,
        "seconds": 0.01,
    }


def test_rounds_are_shown_in_lines(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    run("--prompt", "Hel\no", "--show", "rounds", decoder=Bilingual())
    told = capsys.readouterr()
    assert told.out == "Hel\no\n"
    assert (
        told.err
        == """
step  drafted  accepted     ms  candidates        cut  bytes  translating ms  text
   1        4         1  250.0           -          -      -               -  "He"
   2        4         1  250.0           3  canonical     17            5.00  "l\\x0a"
   3        4         0  250.0           2      other     12            5.00  "o"
"""
    )
    run("--prompt", "Hello", "--show", "rounds")
    assert "candidates" not in capsys.readouterr().err


def test_rounds_are_part_of_an_answers_object(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str]) -> None:
    run("--prompt", "Hello", "--show", "rounds", "--format", "json", decoder=Bilingual())
    first, second, third = json.loads(capsys.readouterr().out)["rounds"]
    assert first == {
        "text": "He",
        "token_ids": [7, 7],
        "drafted": 4,
        "accepted": 1,
        "seconds": 0.25,
        "translation": None,
    }
    assert second["translation"] == {
        "candidates": 3,
        "respellings": 1,
        "canonical": 1,
        "encoded_bytes": 17,
        "seconds": 0.005,
    }
    assert third["translation"]["canonical"] == 0


def test_an_object_per_answer(run: Callable[..., Exit], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"id": "a", "prompt": "Hällo"}\n{"prompt": "Bye"}\n')
    assert run("--prompts", str(tmp_path / "prompts.jsonl"), "--format", "json") is Exit.DONE
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "id": "a",
        "text": "Hällo",
        "annotated": None,
        "token_ids": [7, 7, 7, 7, 7],
        "prompt_tokens": 5,
        "stats": {
            "steps": 3,
            "drafted": 12,
            "accepted": 2,
            "tokens_per_step": 5 / 3,
            "mean_acceptance_length": 1 + 2 / 3,
            "acceptance_histogram": [1, 2],
            "rested": 0,
            "translation": None,
            "threads": None,
            "prefill_s": 0.25,
            "decode_s": 0.5,
            "tokens_per_s": 10.0,
        },
    }
    assert second["id"] == 2


def test_a_terminal_is_not_told_what_to_do(
    run: Callable[..., Exit], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--prompt", "\x1b[2J\tgone")
    assert capsys.readouterr().out == "\x1b[2J\tgone\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run("--prompt", "\x1b[2J\tgone")
    assert capsys.readouterr().out == "\\x1b[2J\tgone\n"
