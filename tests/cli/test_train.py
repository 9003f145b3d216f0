"""The command that trains: what it refuses before it begins, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from filelock import FileLock

from specplan.backends.training import PastaRecipe
from specplan.cli import train, train_options
from specplan.cli.exits import Exit
from specplan.cli.program import program

SUMMARY = {
    "counts": {"learned": 19, "held_out": 1},
    "front": [{"name": "supervised", "speedup": 1.5, "quality": 0.9, "forked": 0.5}],
}


def pasta(*words: str) -> Exit:
    outcome = program.main(["train", "pasta", *words], standalone_mode=False)
    assert isinstance(outcome, Exit)
    return outcome


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch) -> list[PastaRecipe]:
    """What would have been run."""
    found: list[PastaRecipe] = []

    def run(recipe: PastaRecipe, *_: Any, **__: Any) -> Mapping[str, Any]:
        found.append(recipe)
        return SUMMARY

    monkeypatch.setattr(train, "train_pasta", run)
    for library in ("torch", "transformers", "accelerate", "peft", "matplotlib"):
        pytest.importorskip(library)
    return found


def test_options_are_the_recipe(recipes: list[PastaRecipe], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pasta("-o", str(tmp_path / "run")) is Exit.DONE
    assert recipes == [PastaRecipe()] and (tmp_path / "run").is_dir()
    assert "1.50 times fewer steps, quality 0.90, 50% of the tokens in forks" in capsys.readouterr().out
    words = ("--seed", "7", "--epochs", "1", "--rank", "4", "--weight", "2", "--weight", "inf", "--count", "9")
    assert pasta("-o", str(tmp_path / "run"), *words, "--format", "json") is Exit.DONE
    changed = recipes[1]
    assert (changed.corpus.seed, changed.tuning.seed, changed.corpus.count) == (7, 7, 9)
    assert changed.lora is not None and (changed.lora.rank, changed.lora.alpha) == (4, 8)
    assert changed.preferences is not None and changed.preferences.weights == (2.0, float("inf"))
    assert json.loads(capsys.readouterr().out) == {"format_version": 1, **SUMMARY}
    assert pasta("-o", str(tmp_path / "run"), "--full", "--rounds", "0") is Exit.DONE
    assert recipes[2].lora is None and recipes[2].preferences is None


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("--full", "--rank", "8"), ["--rank"]),
        (("--rounds", "0", "--weight", "2", "--judge", "x"), ["--weight", "--judge"]),
        (("--prompts", "p.jsonl", "--count", "3"), ["--count"]),
    ],
)
def test_options_without_a_use_are_refused(
    recipes: list[PastaRecipe],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    options: list[str],
) -> None:
    assert pasta("-o", str(tmp_path), *words) is Exit.USAGE
    said = capsys.readouterr().err
    assert said.count("SP0921") == len(options) + 1 and all(f"`{each}`" in said for each in options)
    assert recipes == []


@pytest.mark.parametrize(
    "words",
    [
        ("--learning-rate", "nan"),
        ("--learning-rate", "inf"),
        ("--preference-rate", "2"),
        ("--weight", "nan"),
        ("--weight", "4", "--weight", "4.0"),
        ("--weight", "4", "--weight", "4.0000001"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(
    recipes: list[PastaRecipe], tmp_path: Path, words: tuple[str, ...]
) -> None:
    with pytest.raises(click.UsageError):
        pasta("-o", str(tmp_path / "run"), *words)
    assert not recipes and not (tmp_path / "run").exists()


@pytest.mark.parametrize("library", ["peft", "accelerate", "matplotlib"])
def test_a_library_that_is_missing_is_told_of_first(
    recipes: list[PastaRecipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    library: str,
) -> None:
    monkeypatch.setattr(train_options, "find_spec", lambda name: None if name == library else sys)
    assert pasta("-o", str(tmp_path / "run")) is Exit.MISSING
    assert f"needs `{library}`" in capsys.readouterr().err and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("-o", "file"), "SP0913", Exit.USAGE),
        (("-o", ""), "SP0904", Exit.USAGE),
        (("-o", "run", "--prompts", "none.jsonl"), "SP0901", Exit.USAGE),
        (("-o", "run", "--prompts", "bad.jsonl"), "SP0909", Exit.DIAGNOSTICS),
        (("-o", "run", "--prompts", "empty.jsonl"), "SP0907", Exit.USAGE),
        (("-o", "run", "--model", "smollm3"), "SP0400", Exit.DIAGNOSTICS),
        (("-o", "run", "--model", "ppd-smollm2-135m"), "SP0857", Exit.DIAGNOSTICS),
        (("-o", "run", "--model", "gemma-3-270m"), "SP0854", Exit.DIAGNOSTICS),
        (("-o", "run", "--annotator", "rulez"), "SP0400", Exit.DIAGNOSTICS),
        (("-o", "run", "--annotator", "gemma-3-270m"), "SP0740", Exit.DIAGNOSTICS),
        (("-o", "run", "--judge", "gemma-3-270m"), "SP0740", Exit.DIAGNOSTICS),
        (("-o", "busy"), "SP0856", Exit.USAGE),
        (("-o", "run", "--max-new-tokens", "8192"), "SP0861", Exit.DIAGNOSTICS),
        (("-o", "taken"), "SP0863", Exit.USAGE),
        (("-o", "run", "--device", "foo"), "SP0728", Exit.MISSING),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: str,
    exit_code: Exit,
) -> None:
    pytest.importorskip("peft")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "bad.jsonl").write_text('{"promt": "Hello"}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "busy").mkdir()
    (tmp_path / "taken" / "adapter" / "notes").mkdir(parents=True)
    with FileLock(tmp_path / "busy" / ".lock"):
        assert pasta(*words) is exit_code
    said = capsys.readouterr()
    assert said.out == "" and code in said.err


def test_a_device_that_is_not_there_is_shown_where_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("peft")
    monkeypatch.chdir(tmp_path)
    assert pasta("-o", "run", "--device", "foo") is Exit.MISSING
    said = capsys.readouterr().err
    assert "there is no device `foo` here" in said and "--device foo\n  |          ^^^ this device" in said
    assert "answers.yaml" not in said and "cuda` here" not in said
    assert [each.name for each in (tmp_path / "run").iterdir() if each.name != ".lock"] == []
