"""What `check` says of plans and graphs, and which code it ends with."""

from pathlib import Path

import pytest

from specplan.cli.exits import Exit
from specplan.cli.program import program

PLANS = sorted((Path(__file__).parents[2] / "specs" / "plans").glob("*.yaml"))


def specplan(*words: str) -> object:
    return program.main([*words], standalone_mode=False)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_every_shipped_plan_is_fine(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("check", str(plan)) is Exit.DONE
    said = capsys.readouterr()
    assert said.out == f"{plan}: no mistakes found\n"
    assert "error" not in said.err


def test_a_graph_is_checked_like_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specplan("compile", str(PLANS[0]))
    graph = capsys.readouterr().out
    (tmp_path / "graph.txt").write_text(graph)
    assert specplan("check", str(tmp_path / "graph.txt")) is Exit.DONE
    (tmp_path / "graph.txt").write_text(graph.replace("commit(held", "commit(cache"))
    assert specplan("check", str(tmp_path / "graph.txt")) is Exit.DIAGNOSTICS
    assert "error[SP05" in capsys.readouterr().err


def test_bytes_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.yaml").write_bytes(bytes(range(256)))
    assert specplan("check", str(tmp_path / "plan.yaml")) is Exit.DIAGNOSTICS
    assert "error[SP01" in capsys.readouterr().err


def test_a_file_name_never_reaches_the_terminal_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "a\x1b[2Jb.yaml"
    plan.write_bytes(PLANS[0].read_bytes())
    assert specplan("check", str(plan)) is Exit.DONE
    assert "\x1b" not in capsys.readouterr().out
