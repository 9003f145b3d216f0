"""The whole recipe on a tiny model: it goes on where it was stopped, with the same bytes, and refuses what it cannot do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("matplotlib")

from specplan.backends import decoder
from specplan.backends.models import Silent, load_model
from specplan.backends.runtime import Prompt
from specplan.backends.training import (
    CorpusRecipe,
    Lora,
    PastaRecipe,
    PreferenceRecipe,
    Recipe,
    train_pasta,
)
from specplan.backends.training.model_card import plan_of
from specplan.backends.training.rows import Rows
from specplan.grammar import DiagnosticError
from specplan.planner import compile_source

COMMAND = "specplan train pasta -o my-pasta"
WORDS = ("ab", "cd", "ef", "gh", "ij", "kl")
PROMPTS = [Prompt(number, f"Two of {word}?") for number, word in enumerate(WORDS)]
ANSWERS = {
    prompt.id: f"Two:\n- {word} is said in five words.\n- And {word} comes here once more."
    for prompt, word in zip(PROMPTS, WORDS, strict=True)
}


class Stopped(Exception):
    """What ends a run in the middle, as Ctrl-C would."""


class Stopping(Silent):
    """Ends a run behind so many steps of anything."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self, note: str = "") -> None:
        self.left -= 1
        if self.left <= 0:
            raise Stopped


def recipe_of(saved: Path, **changes: Any) -> PastaRecipe:
    """A run that takes seconds, and after which the tiny model promises."""
    return replace(
        PastaRecipe(
            corpus=CorpusRecipe(str(saved), max_new_tokens=90, dtype="float32", batch=4),
            held_out=0.2,
            tuning=Recipe(0.02, epochs=40, answers=4, checkpoint_every=7),
            lora=Lora(8, 16),
            preferences=PreferenceRecipe(1, 3, 4, (4.0, inf), Recipe(1e-3, epochs=1, answers=2)),
        ),
        **changes,
    )


def answered(recipe: PastaRecipe, folder: Path, answers: Mapping[str | int, str] = ANSWERS) -> None:
    """Put answers where a run finds its own: a model of two layers has nothing to say by itself."""
    rows = Rows(folder / "data" / "answers.jsonl", recipe.corpus.speaker.made_by(), dict)
    for prompt in PROMPTS:
        text = answers[prompt.id]
        rows.add(prompt.id, {"prompt": prompt.text, "text": text, "ids": [*text.encode(), 256], "ended": True})


def run(recipe: PastaRecipe, folder: Path, prompts: Sequence[Prompt] = PROMPTS, stop: int | None = None) -> Any:
    if stop is None:
        return train_pasta(recipe, folder, prompts, command=COMMAND, watch=Silent())
    with pytest.raises(Stopped):
        train_pasta(recipe, folder, prompts, command=COMMAND, watch=Stopping(stop))


def contents(folder: Path) -> dict[str, bytes]:
    """What a run leaves, but for checkpoints, which torch stamps; rows are kept in the order in which they were finished."""
    files = (each for each in sorted(folder.rglob("*")) if each.is_file() and each.suffix != ".pt")
    found = {str(each.relative_to(folder)): each.read_bytes() for each in files}
    return {name: b"".join(sorted(data.splitlines(True))) if "jsonl" in name else data for name, data in found.items()}


@pytest.fixture(scope="module")
def whole(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run that nobody stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    recipe = recipe_of(saved, sequential=True)
    answered(recipe, folder)
    return folder, run(recipe, folder)


def test_a_run_leaves_adapters_metrics_counts_and_a_picture(whole: tuple[Path, Any]) -> None:
    folder, summary = whole
    for name in (".", "supervised", "sequential", "weight-4", "weight-inf"):
        assert (folder / name / "adapter" / "adapter_model.safetensors").stat().st_size < 1 << 20, name
    assert summary["counts"]["annotation"]["annotated"] == 6
    assert (summary["counts"]["learned"], summary["counts"]["held_out"]) == (5, 1)
    assert [each["name"] for each in summary["front"]] == ["supervised", "weight-4", "weight-inf"]
    assert summary["front"][0]["forked"] > 0.4, "it has learned to fork"
    assert "<svg" in (folder / "front.svg").read_text()
    assert contents(folder / "adapter") == contents(folder / "weight-4" / "adapter")
    assert "| weight-4 |" in (folder / "README.md").read_text()


@pytest.mark.parametrize("stop", [78, 168, 183])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    saved: Path, tmp_path: Path, whole: tuple[Path, Any], stop: int
) -> None:
    recipe = recipe_of(saved, sequential=True)
    folder = tmp_path / "whole"
    answered(recipe, folder)
    run(recipe, folder, stop=stop)
    assert not (folder / "summary.json").exists()
    assert run(recipe, folder) == whole[1]
    assert contents(folder) == contents(whole[0])


def test_what_is_published_decodes_as_what_was_trained(saved: Path, whole: tuple[Path, Any]) -> None:
    """Through a plan that names the adapter: the text that the run has measured."""
    folder = whole[0] / "supervised"
    text = (
        f"specplan: 1\nmodels: {{target: {{source: {saved}, adapter: {folder}/adapter, tags: pasta}}}}\n"
        "decode: fork_join(pasta(max_forks=8), autoregressive(target))\nlimits: {max_new_tokens: 120, context: 768}\n"
    )
    plan = compile_source(text.encode(), "plan.yaml", Path())
    _, row = map(json.loads, (folder / "held_out.jsonl").read_text().splitlines())
    (result,) = decoder(plan).generate([row["prompt"]])
    assert result.text == row["text"] and result.stats.threads is not None
    assert result.stats.threads.forks == len(row["threads"]["blocks"]) == 2


def test_the_held_out_loss_falls(whole: tuple[Path, Any]) -> None:
    lines = [json.loads(line) for line in (whole[0] / "metrics.jsonl").read_text().splitlines()]
    held_out = [each["held_out_loss"] for each in lines if each["stage"] == "supervised" and "measured_at" in each]
    assert len(held_out) == 40 and held_out[-1] < held_out[0] - 0.3
    stages = {"supervised", "sequential", "weight-4/round-1", "weight-inf/round-1"}
    assert {each["stage"] for each in lines} == stages


def refused(recipe: PastaRecipe, folder: Path) -> str:
    with pytest.raises(DiagnosticError) as error:
        run(recipe, folder)
    (found,) = error.value.diagnostics
    return f"{found.code}: {found.message()} {' '.join(found.help())}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"tuning": Recipe(0.02, epochs=3, answers=4)},
            "SP0858: `{folder}` holds a run with another --epochs --epochs was 40, and is 3 now; made with the old ",
        ),
        ({"lora": Lora(4, 8)}, "SP0858: `{folder}` holds a run with another --rank"),
        ({"plain": 0.2}, "SP0850: `{folder}/supervised/checkpoint.pt` was made with plain 0.1, and not 0.2"),
    ],
)
def test_a_folder_of_other_options_is_refused(
    saved: Path, whole: tuple[Path, Any], tmp_path: Path, changes: Mapping[str, Any], words: str
) -> None:
    folder = tmp_path / "whole"
    shutil.copytree(whole[0], folder)
    found = refused(recipe_of(saved, **changes), folder)
    assert found.startswith(words.format(folder=folder)) and "another folder with -o" in found
    assert {name: data for name, data in contents(folder).items()} == contents(whole[0]), "nothing was touched"


def test_a_folder_of_other_data_is_refused(saved: Path, whole: tuple[Path, Any], tmp_path: Path) -> None:
    """As many prompts under the same ids, but others."""
    folder = tmp_path / "whole"
    shutil.copytree(whole[0], folder)
    recipe = recipe_of(saved)
    others = [Prompt(each.id, f"{each.text} Now!") for each in PROMPTS]
    rows = Rows(folder / "data" / "answers.jsonl", recipe.corpus.speaker.made_by(), dict)
    for prompt in others:
        rows.add(prompt.id, {"prompt": prompt.text, "text": ANSWERS[prompt.id], "ids": [1, 256], "ended": True})
    with pytest.raises(DiagnosticError, match=r"SP0858: .*another --prompts"):
        run(recipe, folder, others)
    (folder / "run.json").unlink()
    with pytest.raises(DiagnosticError, match=r"SP0850: .*checkpoint\.pt` was made with data"):
        run(recipe, folder, others)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("data/answers.jsonl", "SP0855: line 3 of"),
        ("supervised/checkpoint.pt", "SP0859: "),
        ("supervised/metrics.jsonl", "SP0855: line 3 of"),
        ("supervised/candidates.jsonl", "SP0855: line 3 of"),
        ("supervised/qualities.jsonl", "SP0855: line 3 of"),
        ("weight-4/round-1/references.jsonl", "SP0855: line 3 of"),
        ("run.json", "SP0859: "),
    ],
)
def test_what_somebody_changed_is_named_with_the_way_out(
    saved: Path, whole: tuple[Path, Any], tmp_path: Path, file: str, words: str
) -> None:
    folder = tmp_path / "whole"
    shutil.copytree(whole[0], folder)
    lines = (folder / file).read_bytes().splitlines(keepends=True)
    (folder / file).write_bytes(b"".join([*lines[:2], b'{"id": 3}\n', *lines[3:]]))
    before = contents(folder)
    found = refused(recipe_of(saved), folder)
    assert (
        found.startswith(words) and f"`{folder / file}` is not what" in found and f"delete `{folder / file}`" in found
    )
    assert {**contents(folder), "run.json": b""} == {**before, "run.json": b""}, "nothing was touched"
    (folder / file).unlink()
    if file == "data/answers.jsonl":
        answered(recipe_of(saved), folder)
    assert run(recipe_of(saved), folder) == {**whole[1], "settings": {**whole[1]["settings"], "sequential": False}}


def test_answers_that_fill_all_positions_are_refused_at_once(saved: Path, tmp_path: Path) -> None:
    found = refused(recipe_of(saved, corpus=CorpusRecipe(str(saved), max_new_tokens=721)), tmp_path)
    assert found.startswith("SP0861: answers of 961 tokens, tags included, leave no room for 64 tokens of prompt")
    assert "say --max-new-tokens 720, or less" in found
    assert [each.name for each in tmp_path.iterdir() if each.name != ".lock"] == []


def test_an_annotator_reads_an_answer_before_it_writes_one(saved: Path, tmp_path: Path) -> None:
    corpus = CorpusRecipe(str(saved), max_new_tokens=412, dtype="float32")
    found = refused(recipe_of(saved, corpus=corpus, annotator=str(saved)), tmp_path)
    assert found.startswith("SP0861: answers of 549 tokens") and "476 tokens of prompt" in found
    assert "say --max-new-tokens 411, or less" in found


def test_prompts_too_long_to_be_measured_on_are_told_of_before_training(saved: Path, tmp_path: Path) -> None:
    """Room for plain answers, and none for those with tags."""
    recipe = recipe_of(saved, corpus=CorpusRecipe(str(saved), max_new_tokens=600, dtype="float32", batch=4))
    rows = Rows(tmp_path / "data" / "answers.jsonl", recipe.corpus.speaker.made_by(), dict)
    longer = [Prompt(each.id, f"{each.text} {'long ' * 50}") for each in PROMPTS]
    for prompt in longer:
        text = ANSWERS[prompt.id]
        rows.add(prompt.id, {"prompt": prompt.text, "text": text, "ids": [*text.encode(), 256], "ended": True})
    with pytest.raises(DiagnosticError) as error:
        run(recipe, tmp_path, longer)
    (found,) = error.value.diagnostics
    assert found.code == "SP0862" and "all 1 held-out prompts are longer than the 224 tokens" in found.message()
    assert not (tmp_path / "supervised").exists()


def test_other_peoples_files_stay_and_are_told_of_first(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "weight-inf" / "adapter").mkdir(parents=True)
    (tmp_path / "weight-inf" / "adapter" / "notes.txt").write_text("mine")
    found = refused(recipe_of(saved), tmp_path)
    assert found.startswith("SP0863: ") and "weight-inf/adapter` holds `notes.txt`" in found
    assert (tmp_path / "weight-inf" / "adapter" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "run.json").exists()


def test_the_plan_of_the_card_is_one(whole: tuple[Path, Any]) -> None:
    """Where the card says that it stands."""
    card = (whole[0] / "README.md").read_text()
    _, plan, _ = re.split(r"```(?:yaml)?\n", card, maxsplit=2)
    assert "context: 1024" in plan and f"stands beside the folder `{whole[0].name}`" in card
    assert compile_source(plan.encode(), "plan.yaml", whole[0].parent).graph


def test_a_model_at_a_path_is_named_from_where_the_plan_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "source: ./../my-model, adapter: ./run/adapter" in plan_of("./my-model", Path("runs/run"), 99, whole=False)
    assert "source: smollm3, adapter: ./run/adapter" in plan_of("smollm3", Path("runs/run"), 99, whole=False)
    assert "max_new_tokens: 1024, context: 4096" in plan_of("smollm3", Path("run"), 8192, whole=True)


def test_a_loss_that_is_no_number_ends_it_and_leaves_nothing_learned(saved: Path, tmp_path: Path) -> None:
    wild = recipe_of(saved, tuning=Recipe(1e30, epochs=40, answers=4, checkpoint_every=1), preferences=None)
    answered(wild, tmp_path)
    found = refused(wild, tmp_path)
    assert found.startswith("SP0852") and "--learning-rate" in found
    assert not (tmp_path / "supervised" / "checkpoint.pt").exists() and not [*tmp_path.rglob("adapter")]
    # With a sane rate the same folder goes on from the answers that it has.
    sane = recipe_of(saved, tuning=Recipe(0.02, epochs=1, answers=4), preferences=None)
    assert run(sane, tmp_path)["counts"]["learned"] == 5


def test_without_anything_to_learn_it_says_what_became_of_the_answers(saved: Path, tmp_path: Path) -> None:
    recipe = recipe_of(saved)
    answered(recipe, tmp_path, dict.fromkeys(ANSWERS, "It is blue."))
    found = refused(recipe, tmp_path)
    assert found.startswith("SP0851") and '"dropped_nothing": 6' in found


def test_an_annotator_that_writes_nonsense_annotates_nothing(saved: Path, tmp_path: Path) -> None:
    """The tiny model itself is asked."""
    recipe = recipe_of(saved, annotator=str(saved))
    answered(recipe, tmp_path)
    found = refused(recipe, tmp_path)
    assert found.startswith("SP0851") and ('"dropped_changed"' in found or '"dropped_unreadable"' in found)
    assert len((tmp_path / "data" / "annotations.jsonl").read_text().splitlines()) == 7
    assert '"annotated": 0' in found


def test_all_weights_can_be_trained_in_two_rounds(saved: Path, tmp_path: Path) -> None:
    preferences = PreferenceRecipe(2, 3, 2, (1.0,), Recipe(1e-4, epochs=1, answers=2))
    tuning = Recipe(0.005, epochs=20, answers=4)
    recipe = recipe_of(saved, lora=None, tuning=tuning, preferences=preferences, judge=str(saved))
    answered(recipe, tmp_path)
    summary = run(recipe, tmp_path)
    assert [each["name"] for each in summary["front"]] == ["supervised", "weight-1"]
    for name in (".", "supervised", "weight-1"):
        assert (tmp_path / name / "model" / "config.json").exists(), name
    assert load_model(str(tmp_path / "model")).vocab_size == 263
    sampled = [(tmp_path / name / "candidates.jsonl").read_text() for name in ("supervised", "weight-1/round-2")]
    assert len({*map(len, sampled)}) == 2, "the second round asks the newest model"
    card = (tmp_path / "README.md").read_text()
    assert f"source: ./{tmp_path.name}/model, tags: pasta" in card
