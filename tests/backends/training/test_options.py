"""A folder remembers its options: what has come of them is used again with the same, and one diagnostic names all others."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from specplan.backends.runtime import Prompt
from specplan.backends.training.errors import FileDamaged, OtherOptions
from specplan.backends.training.options import RUN, Stage, begin, options_of
from specplan.backends.training.recipe import PastaRecipe
from specplan.grammar import DiagnosticError

RECIPE = PastaRecipe()
PREFERENCES = RECIPE.preferences
assert PREFERENCES is not None
FINISHED = {
    Stage.PROMPTS: "data/prompts.jsonl",
    Stage.ANSWERS: "data/answers.jsonl",
    Stage.TUNING: "supervised/checkpoint.pt",
    Stage.CANDIDATES: "supervised/candidates.jsonl",
    Stage.PREFERENCES: "weight-4/round-1/checkpoint.pt",
    Stage.FRONT: "weight-4/held_out.jsonl",
}


def finish(folder: Path, *stages: Stage) -> None:
    for stage in stages:
        file = folder / FINISHED[stage]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def went_on(folder: Path, recipe: PastaRecipe, prompts: list[Prompt] | None = None) -> OtherOptions | None:
    """Why a run does not go on with these options."""
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    try:
        begin(folder, options_of(recipe, prompts))
    except DiagnosticError as error:
        (found,) = error.diagnostics
        assert isinstance(found, OtherOptions)
        assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
        return found
    return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of the default options, begun and nothing more."""
    begin(tmp_path, options_of(RECIPE, None))
    return tmp_path


def test_all_that_differs_is_named_at_once_with_what_depends_on_it(folder: Path) -> None:
    finish(folder, *FINISHED)
    corpus = replace(RECIPE.corpus, seed=3, count=7)
    found = went_on(folder, replace(RECIPE, corpus=corpus, lora=None, judge="qwen2.5-coder-1.5b-instruct"))
    assert found is not None
    assert found.options == "--seed, --count, --full, --judge"
    behind = ("fine-tuning", "answers in threads", "preferences", "held-out answers")
    assert [each.stages for each in found.changed] == [("prompts", "answers", *behind), behind, behind, behind[1:]]
    assert found.help()[0].startswith(
        "--seed was 0, and is 3 now; made with the old value: prompts, answers, fine-tuning, "
    )
    assert found.help()[2].startswith("--full was false, and is true now; made with the old value: fine-tuning, ")
    assert found.help()[3].startswith(
        "--judge was likelihood, and is qwen2.5-coder-1.5b-instruct now; made with the old value: "
    )
    assert "weight-4`" in found.help()[-1] and "-o" in found.help()[-2]


def test_what_would_have_to_go_is_named_and_no_more(folder: Path) -> None:
    finish(folder, *FINISHED)
    other = replace(RECIPE, preferences=replace(PREFERENCES, tuning=replace(PREFERENCES.tuning, learning_rate=1e-3)))
    found = went_on(folder, other)
    assert found is not None and found.options == "--preference-rate"
    assert found.stale == (str(folder / "weight-4"),)
    tuned = went_on(folder, replace(RECIPE, tuning=replace(RECIPE.tuning, epochs=9)))
    assert tuned is not None and str(folder / "supervised" / "checkpoint.pt") in tuned.stale
    assert not any("data" in each for each in tuned.stale)
    for path in tuned.stale:
        for file in [*Path(path).rglob("*"), Path(path)]:
            if file.is_file():
                file.unlink()
    assert went_on(folder, replace(RECIPE, tuning=replace(RECIPE.tuning, epochs=9))) is None


def test_what_only_adds_is_allowed_whatever_is_there(folder: Path) -> None:
    finish(folder, *FINISHED)
    more = replace(PREFERENCES, weights=(inf, 2.0, 4.0))
    corpus = replace(RECIPE.corpus, batch=1)
    assert went_on(folder, replace(RECIPE, sequential=True, corpus=corpus, preferences=more, device="auto")) is None


def test_more_prompts_are_answered_until_something_is_learned(folder: Path) -> None:
    finish(folder, Stage.PROMPTS, Stage.ANSWERS)
    assert went_on(folder, replace(RECIPE, corpus=replace(RECIPE.corpus, count=5000))) is None
    assert went_on(folder, RECIPE, [Prompt(1, "List five uses of tin.")]) is None
    finish(folder, Stage.TUNING)
    found = went_on(folder, RECIPE, [Prompt(1, "List five uses of tin."), Prompt(2, "Why?")])
    assert found is not None and found.options == "--prompts"
    assert found.changed[0].was.startswith("1 prompts (") and found.changed[0].now.startswith("2 prompts (")


def test_options_without_a_use_are_remembered_and_not_compared(folder: Path) -> None:
    assert went_on(folder, replace(RECIPE, preferences=None, lora=None)) is None
    finish(folder, *FINISHED)
    found = went_on(folder, replace(RECIPE, lora=None, preferences=replace(PREFERENCES, candidates=9)))
    assert found is not None and found.options == "--candidates"
    assert json.loads((folder / RUN).read_text())["options"]["--rank"] == 8


def test_the_weights_at_a_path_are_part_of_its_name(saved: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, corpus=replace(RECIPE.corpus, model=str(saved)))
    assert options_of(recipe, None)["--model"].startswith(f"{saved} (folder:")


@pytest.mark.parametrize("text", ["", "oops", "[1]", '{"options": 3}', "\udcff"])
def test_a_file_that_somebody_changed_is_refused(folder: Path, text: str) -> None:
    (folder / RUN).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DiagnosticError) as error:
        begin(folder, options_of(RECIPE, None))
    (found,) = error.value.diagnostics
    assert isinstance(found, FileDamaged) and f"delete `{folder / RUN}`" in found.help()[0]
