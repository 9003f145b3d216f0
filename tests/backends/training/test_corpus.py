"""Prompts and answers of a model itself: sampled by our runtime, kept row by row, and judged before they are learned from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from specplan.backends.models import Silent, load_tokenizer
from specplan.backends.runtime import Finished, Prompt
from specplan.backends.training.answering import Answered, Open, Speaker, answer, opening_on
from specplan.backends.training.corpus import CorpusRecipe, gather_corpus
from specplan.backends.training.openings import OPENINGS
from specplan.backends.training.prompting import Useless, useful, users_turn
from specplan.backends.training.rows import Rows, told
from specplan.backends.training.unfit import Unfit, fit, unfit, whole_part
from specplan.grammar import DiagnosticError
from specplan.planner import CompiledPlan

PROMPTS = [Prompt(f"p{number}", f"say {number}") for number in range(7)]


def refusal(error: pytest.ExceptionInfo[DiagnosticError]) -> str:
    (found,) = error.value.diagnostics
    return f"{found.code}: {found.message()}"


class Interrupting:
    """Opens plans as ever, but stops behind so many answers."""

    def __init__(self, after: int) -> None:
        self.left, self.opened = after, 0

    def __call__(self, plan: CompiledPlan) -> Interrupting:
        self.opened += 1
        self.decoder = opening_on("cpu")(plan)
        return self

    def stream(self, prompts: list[Prompt]) -> Iterator[object]:
        for event in self.decoder.stream(prompts):
            yield event
            self.left -= isinstance(event, Finished)
            if self.left == 0:
                raise KeyboardInterrupt


def speaking(saved: Path, **changes: object) -> Speaker:
    return Speaker(str(saved), max_new_tokens=12, batch=3, **changes)  # type: ignore[arg-type]


def said(speaker: Speaker, file: Path, open_plan: Open | None = None) -> list[Answered]:
    return answer(PROMPTS, speaker, file, open_plan or opening_on("cpu"), Silent(), "answers")


def test_answers_are_the_same_behind_any_interruption(saved: Path, tmp_path: Path) -> None:
    whole = said(speaking(saved), tmp_path / "whole.jsonl")
    assert [each.id for each in whole] == [prompt.id for prompt in PROMPTS]
    assert len({each.text for each in whole}) == 7 and not any(each.ended for each in whole)
    with pytest.raises(KeyboardInterrupt):
        said(speaking(saved), tmp_path / "parts.jsonl", Interrupting(4))  # type: ignore[arg-type]
    assert 4 <= len((tmp_path / "parts.jsonl").read_text().splitlines()) < 8
    with (tmp_path / "parts.jsonl").open("a") as file:
        file.write('{"id": "p9", "tex')  # killed while it wrote
    assert said(speaking(saved), tmp_path / "parts.jsonl") == whole
    rows = [{*(tmp_path / name).read_text().splitlines()} for name in ("whole.jsonl", "parts.jsonl")]
    assert rows[0] == rows[1]


def test_what_is_known_is_not_answered_again(saved: Path, tmp_path: Path) -> None:
    first = said(speaking(saved), tmp_path / "a.jsonl")
    never = Interrupting(0)
    assert said(speaking(saved), tmp_path / "a.jsonl", never) == first  # type: ignore[arg-type]
    assert never.opened == 0
    # How many write together changes nothing that is said.
    assert said(speaking(saved, template="chat"), tmp_path / "b.jsonl") == first


def test_other_settings_are_refused(saved: Path, tmp_path: Path) -> None:
    said(speaking(saved), tmp_path / "a.jsonl")
    with pytest.raises(DiagnosticError) as error:
        said(speaking(saved, seed=1), tmp_path / "a.jsonl")
    assert refusal(error).startswith("SP0850") and "seed 0, and not 1" in refusal(error)


def test_another_prompt_of_the_same_id_is_answered(saved: Path, tmp_path: Path) -> None:
    first = said(speaking(saved), tmp_path / "a.jsonl")
    other = [Prompt(PROMPTS[0].id, "something else"), *PROMPTS[1:]]
    again = answer(other, speaking(saved), tmp_path / "a.jsonl", opening_on("cpu"), Silent(), "answers")
    assert again[0].prompt == "something else" and again[0].text != first[0].text and again[1:] == first[1:]


def test_prompts_that_are_too_long_are_left_out(saved: Path, tmp_path: Path) -> None:
    found = said(speaking(saved, longest_prompt=4), tmp_path / "a.jsonl")
    assert found == [] and said(speaking(saved, longest_prompt=4), tmp_path / "a.jsonl") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"made_by": {}}\noops\n', "line 2 of `{file}` is not what training wrote there: not JSON"),
        (b'{"made_by": {}}\n\xff\xfe\n', "line 2 of `{file}` is not what training wrote there: not JSON"),
        (b"oops\n", "line 1 of `{file}`"),
        (b'{"made_by": {}}\n[1]\n', "not an object"),
        (b'{"id": 1}\n', "line 1 of `{file}` is not what training wrote there: it has no `made_by`"),
        (b'{"made_by": 3}\n', "`made_by` is 3"),
        (b'{"made_by": {}}\n{"size": 3}\n', "line 2 of `{file}` is not what training wrote there: it has no `id`"),
        (b'{"made_by": {}}\n{"id": [1], "size": 3}\n', "`id` is [1]"),
        (b'{"made_by": {}}\n{"id": 1, "size": 3}\n{"id": 2}\n', "line 3 of `{file}`"),
        (b'{"made_by": {}}\n{"id": 1, "size": "big"}\n', '`size` is "big"'),
    ],
)
def test_a_file_that_somebody_changed_is_refused(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(text)
    with pytest.raises(DiagnosticError) as error:
        Rows(file, {}, lambda row: int(told(row, "size", int)))
    assert refusal(error).startswith("SP0855") and words.format(file=file) in refusal(error)
    assert error.value.diagnostics[0].help() == (f"delete `{file}`, and it is made again",)
    assert file.read_bytes() == text and [*tmp_path.iterdir()] == [file]


ANSWER = {"id": "p0", "prompt": "say 0", "text": "0", "ids": [1, 2], "ended": True}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": None}, "`text` is null"),
        ({"ids": ["a"]}, '`ids` is ["a"]'),
        ({"ids": 3}, "`ids` is 3"),
        ({"ended": "yes"}, '`ended` is "yes"'),
        ({"prompt": 7}, "`prompt` is 7"),
    ],
)
def test_an_answer_that_is_none_is_refused(saved: Path, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    head = json.dumps({"made_by": speaking(saved).made_by()})
    (tmp_path / "a.jsonl").write_text(f"{head}\n{json.dumps(ANSWER)}\n{json.dumps(ANSWER | changes)}\n")
    with pytest.raises(DiagnosticError) as error:
        said(speaking(saved), tmp_path / "a.jsonl")
    assert refusal(error).startswith("SP0855: line 3 of") and words in refusal(error)


def test_a_turn_is_begun_and_not_ended(saved: Path) -> None:
    tokenizer = load_tokenizer("tiny", saved)
    tokenizer.chat_template = users_turn(tokenizer)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "List five"}], tokenize=False) == "[List five"


def test_without_a_chat_template_there_are_no_own_prompts(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "mute")
    (tmp_path / "mute" / "chat_template.jinja").unlink()
    recipe = CorpusRecipe(str(tmp_path / "mute"), count=2, max_new_tokens=4)
    with pytest.raises(DiagnosticError) as error:
        gather_corpus(recipe, None, tmp_path, opening_on("cpu"), Silent())
    assert refusal(error).startswith("SP0853")
    # Prompts that are given are then read as they are.
    found = gather_corpus(recipe, PROMPTS, tmp_path, opening_on("cpu"), Silent())
    assert recipe.speaker.template == "none" and len(found.answers) == 7


def test_a_model_that_makes_up_nothing_of_use_is_asked_so_often_and_no_more(saved: Path, tmp_path: Path) -> None:
    recipe = CorpusRecipe(str(saved), count=2, max_new_tokens=4, dtype="float32", batch=2)
    corpus = gather_corpus(recipe, None, tmp_path, opening_on("cpu"), Silent())
    assert corpus.prompts == 0 and corpus.answers == () and corpus.useless.total() == 8
    assert corpus.to_json()["useless_prompts"] == {"garbled": 1, "unended": 7}
    made = [json.loads(line) for line in (tmp_path / "prompts.jsonl").read_text().splitlines()[1:]]
    assert sorted(each["id"] for each in made) == [*range(8)]
    assert {each["prompt"] for each in made} == {*OPENINGS[:8]}


def test_the_same_prompt_under_two_ids_is_answered_once(saved: Path, tmp_path: Path) -> None:
    recipe = CorpusRecipe(str(saved), max_new_tokens=4, dtype="float32")
    prompts = [*PROMPTS[:2], Prompt("again", PROMPTS[0].text), PROMPTS[2]]
    corpus = gather_corpus(recipe, prompts, tmp_path, opening_on("cpu"), Silent())
    assert [each.id for each in corpus.answers] == ["p0", "p1", "p2"]
    assert corpus.to_json() == {
        "prompts": 4,
        "useless_prompts": {},
        "repeated_prompts": 1,
        "refused_prompts": 0,
    }


def test_what_a_prompt_is() -> None:
    tried = [
        ("List five uses of copper, with a sentence each.", True),  # among those that models are measured on
        ("List five uses of tin.", True),
        ("list FIVE uses of tin!", True),
        ("List", True),
        ("Name three rivers and", False),
        ("One\ntwo three\nfour five\nsix seven", True),
        ("Name three rivers of Asia.", True),
        ("Name three rivers of Africa.", True),
    ]
    found, dropped = useful([(number, *each) for number, each in enumerate(tried)], 2)
    assert found == [Prompt(1, "List five uses of tin."), Prompt(6, "Name three rivers of Asia.")]
    assert dropped == {
        Useless.MEASURED: 1,
        Useless.KNOWN: 1,
        Useless.LENGTH: 1,
        Useless.UNENDED: 1,
        Useless.LINES: 1,
    }
    alike = [(number, f"Name three rivers of country {number}.", True) for number in range(20)]
    found, dropped = useful(alike, 20)
    assert len(found) == 12 and dropped == {Useless.ALIKE: 8}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", Unfit.EMPTY),
        ("1. Wash all cups well.\n2. Dry them with a towel.\n3. Wash all cups well.", Unfit.ITEMS),
        ("\n".join(f"- Thing {number}" for number in range(21)), Unfit.ENDLESS),
        ("the sea is wide and the sea is wide and the sea is wide and the sea is wide", Unfit.REPEATS),
        ("1. Wash all cups well.\n2. Dry them with a towel.\n3. Put the plates away.", None),
        ("- Red\n- Blue\n- Red", None),
    ],
)
def test_what_is_unfit_to_learn_from(text: str, reason: Unfit | None) -> None:
    assert unfit(text) is reason


def test_an_answer_that_was_cut_off_is_kept_up_to_its_last_whole_item() -> None:
    items = "Three ways:\n\n1. Walk along the river.\n2. Take the old bus."
    cut = Answered(1, "How?", f"{items}\n3. Ri", (1, 2), False)
    stub = Answered(2, "How?", "Three ways:\n1. Walk along the river and then", (1, 2), False)
    (kept,), dropped = fit([cut, stub])
    assert kept.text == items and dropped == {Unfit.UNENDED: 1}
    assert whole_part("Two kinds.\n\nThese are the kinds:\n\n1. Wa") == "Two kinds."
    assert whole_part("no line ends in sight") == ""
