"""The whole recipe on a tiny model: it goes on where it was stopped, with the same bytes, and refuses what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("matplotlib")

from specplan.backends.runtime import Prompt
from specplan.backends.training import (
    CorpusRecipe,
    Lora,
    PastaRecipe,
    PreferenceRecipe,
    Recipe,
    train_pasta,
)
from specplan.backends.training.rows import Rows
from specplan.backends.training.watching import Unwatched

WORDS = ("ab", "cd", "ef", "gh", "ij", "kl")
PROMPTS = [Prompt(number, f"Two of {word}?") for number, word in enumerate(WORDS)]
ANSWERS = {
    prompt.id: f"Two:\n- {word} is said in five words.\n- And {word} comes here once more."
    for prompt, word in zip(PROMPTS, WORDS, strict=True)
}


class Stopped(Exception):
    """What ends a run in the middle, as Ctrl-C would."""


class Stopping(Unwatched):
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
            corpus=CorpusRecipe(str(saved), max_new_tokens=90, batch=4),
            held_out=0.2,
            tuning=Recipe(0.02, epochs=40, answers=4, checkpoint_every=7),
            lora=Lora(8, 16),
            preferences=PreferenceRecipe(1, 3, 4, (4.0, inf), Recipe(1e-3, epochs=1, answers=2)),
        ),
        **changes,
    )


def answered(recipe: PastaRecipe, folder: Path, answers: Mapping[str | int, str] = ANSWERS) -> None:
    """Put answers where a run finds its own: a model of two layers has nothing to say by itself."""
    rows = Rows(folder / "data" / "answers.jsonl", recipe.corpus.speaker.made_by())
    for prompt in PROMPTS:
        text = answers[prompt.id]
        rows.add(prompt.id, {"prompt": prompt.text, "text": text, "ids": [*text.encode(), 256], "ended": True})


def run(recipe: PastaRecipe, folder: Path, prompts: Sequence[Prompt] = PROMPTS, stop: int | None = None) -> Any:
    if stop is None:
        return train_pasta(recipe, folder, prompts, watch=Unwatched())
    with pytest.raises(Stopped):
        train_pasta(recipe, folder, prompts, watch=Stopping(stop))


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
