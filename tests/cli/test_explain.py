"""What `explain` writes, in each of its formats; what it says is tested with the planner."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from specplan.cli.exits import Exit
from specplan.cli.program import program

PLANS = sorted((Path(__file__).parents[2] / "specs" / "plans").glob("*.yaml"))


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert program.main(["explain", *words], standalone_mode=False) is Exit.DONE
    return capsys.readouterr().out


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_every_plan_in_every_format(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, str(plan)).endswith("\n")
    assert json.loads(explained(capsys, str(plan), "--format", "json"))["format_version"] == 1
    assert "flowchart " in explained(capsys, str(plan), "--format", "mermaid")
    assert ElementTree.fromstring(explained(capsys, str(plan), "--format", "svg")).tag.endswith("svg")


def test_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, str(PLANS[0]))
    assert explained(capsys, str(PLANS[0]), "-o", str(tmp_path / "plan.txt")) == ""
    assert (tmp_path / "plan.txt").read_text() == text


def test_a_graph_is_explained_like_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.main(["compile", str(PLANS[0])], standalone_mode=False)
    (tmp_path / "graph.txt").write_text(capsys.readouterr().out)
    assert "verify" in explained(capsys, str(tmp_path / "graph.txt"))


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for target in (tmp_path, tmp_path / "no" / "such" / "folder.svg"):
        assert program.main(["explain", str(PLANS[0]), "-o", str(target)], standalone_mode=False) is Exit.USAGE
        assert capsys.readouterr().out == ""
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("place", "reason"), [(".", "it is a folder"), ("", "the name is empty")])
def test_an_explanation_is_a_file(
    place: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program.main(["explain", str(PLANS[0]), "-o", place], standalone_mode=False) is Exit.USAGE
    said = capsys.readouterr().err
    assert reason in said
    assert "compile" not in said
