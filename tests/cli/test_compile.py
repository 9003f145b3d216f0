"""What `compile` prints and writes: the same bytes for the same plan, and a graph that can be compiled again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from specplan.cli.exits import Exit
from specplan.cli.program import program

from ..zero_adapters import addition, write_zeros

ROOT = Path(__file__).parents[2]
PLANS = sorted((ROOT / "specs" / "plans").glob("*.yaml"))
NGRAM = str(ROOT / "specs" / "plans" / "ngram.yaml")
PPD = str(ROOT / "specs" / "plans" / "ppd.yaml")


def specplan(*words: str) -> Exit:
    outcome = program.main([*words], standalone_mode=False)
    assert isinstance(outcome, Exit)
    return outcome


def test_the_graph_is_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", NGRAM) is Exit.DONE
    graph = capsys.readouterr().out
    assert graph.startswith("graph ngram : exact by exact_match\n")
    assert specplan("compile", NGRAM, "--emit", "graph", "-o", "-") is Exit.DONE
    assert capsys.readouterr().out == graph


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_a_graph_compiles_to_itself(plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", str(plan), "-o", str(tmp_path)) is Exit.DONE
    assert capsys.readouterr().out == ""
    graph = (tmp_path / "graph.txt").read_text()
    (tmp_path / f"{plan.stem}.txt").write_text(graph)  # a graph has its own name, whatever its file is called
    assert specplan("compile", str(tmp_path / f"{plan.stem}.txt")) is Exit.DONE
    assert capsys.readouterr().out == graph


def test_a_folder_has_the_graph_the_program_and_a_manifest(tmp_path: Path) -> None:
    assert specplan("compile", NGRAM, "-o", str(tmp_path / "build")) is Exit.DONE
    names = sorted(each.name for each in (tmp_path / "build").iterdir())
    assert names == ["decode.py", "graph.json", "graph.txt", "manifest.json"]
    manifest = json.loads((tmp_path / "build" / "manifest.json").read_text())
    assert sorted([*manifest["files"], "manifest.json"]) == names
    assert (manifest["graph"], manifest["engine"], manifest["law"]) == ("ngram", "eager", "exact by exact_match")
    assert manifest["source"]["name"] == "ngram.yaml"
    assert json.loads((tmp_path / "build" / "graph.json").read_text())["format_version"] == 1


def test_the_program_and_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", NGRAM, "--emit", "python") is Exit.DONE
    compile(capsys.readouterr().out, "decode.py", "exec")
    for words in (["--emit", "json"], ["--format", "json"]):
        assert specplan("compile", NGRAM, *words) is Exit.DONE
        assert json.loads(capsys.readouterr().out)["graph"] == "ngram"


def test_what_cannot_run_yet_is_said_where_somebody_would_run_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("compile", "explain"):
        assert specplan(command, PPD) is Exit.DONE
        assert "SP0601" not in capsys.readouterr().err
    assert specplan("compile", PPD, "-o", str(tmp_path)) is Exit.DONE
    assert "note[SP0601]" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "begins"), [("dot", "digraph "), ("mermaid", "flowchart ")])
def test_drawings(form: str, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", PPD, "--emit", form) is Exit.DONE
    assert begins in capsys.readouterr().out


def test_there_is_no_program_of_what_eager_cannot_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", str(ROOT / "specs" / "plans" / "pard.yaml"), "--emit", "python") is Exit.MISSING
    said = capsys.readouterr()
    assert said.out == ""
    assert "SP0912" in said.err


def test_passes_are_dumped_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specplan("compile", PPD, "--dump-passes", str(tmp_path)) is Exit.DONE
    final = capsys.readouterr().out
    stages = {each.name: each.read_text() for each in tmp_path.glob("*.txt")}
    first, *_, last = sorted(stages, key=lambda name: int(name.split("_")[0]))
    assert (first, last.split("_", 1)[1]) == ("0_lower.txt", "fuse_prompts.txt")
    assert stages[last] == final
    assert specplan("compile", PPD, "--stop-after", "lower") is Exit.DONE
    assert capsys.readouterr().out == stages["0_lower.txt"]


def test_a_refused_plan_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.yaml").write_text(Path(NGRAM).read_text().replace("ngram(", "ngrm("))
    assert specplan("compile", str(tmp_path / "plan.yaml"), "-o", str(tmp_path / "build")) is Exit.DIAGNOSTICS
    assert "help: did you mean `ngram`?" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_diagnostics_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.yaml").write_text(Path(NGRAM).read_text().replace("ngram(", "ngrm("))
    for command in ("check", "compile"):
        assert specplan(command, str(tmp_path / "plan.yaml"), "--format", "json") is Exit.DIAGNOSTICS
        said = capsys.readouterr()
        # Diagnostics are what `check` is asked for; to the others they are a side matter.
        found = json.loads(said.out if command == "check" else said.err)
        assert (found["format_version"], found["error_count"]) == (1, 1)
        assert found["diagnostics"][0]["spans"][0]["line"] == 5


def test_the_same_bytes_under_every_hash_seed(tmp_path: Path) -> None:
    written = set()
    for seed in ("1", "2"):
        folder = tmp_path / seed
        words = [sys.executable, "-m", "specplan", "compile", "specs/plans/choose_rows.yaml", "-o", str(folder)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment)
        assert run.returncode == 0, run.stderr
        written.add((run.stderr, *(each.read_bytes() for each in sorted(folder.iterdir()))))
    assert len(written) == 1


MINE = """\
architecture: llama
layers: 2
hidden_size: 64
intermediate_size: 64
heads: 4
kv_heads: 2
head_dim: 16
vocabulary: toy
vocab_size: 64
entries: 64
tokenizer: other
positions: 512
"""
ELSEWHERE = """\
specplan: 1
models: {target: {source: ./mine.yaml, adapter: ./adapter, device: ./device.yaml}}
decode: autoregressive(target)
prompt: {template: none}
limits: {context: 256, max_new_tokens: 16}
backend: {device: ./device.yaml}
"""


@pytest.mark.parametrize("place", ["out", "deep/er/out", "plans/out", "."])
def test_a_graph_elsewhere_finds_what_the_plan_named(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "mine.yaml").write_text(MINE)
    write_zeros(tmp_path / "plans" / "adapter", addition("model.layers.1.mlp.up_proj", 64, 64))
    (tmp_path / "plans" / "device.yaml").write_text((ROOT / "specs" / "devices" / "cpu.yaml").read_text())
    (tmp_path / "plans" / "plan.yaml").write_text(ELSEWHERE)
    assert specplan("compile", "plans/plan.yaml", "-o", place, "--force") is Exit.DONE
    assert specplan("compile", "plans/plan.yaml", "--dump-passes", "passes") is Exit.DONE
    assert "./adapter" in capsys.readouterr().out
    text = (tmp_path / place / "graph.txt").read_text()
    assert os.path.relpath(tmp_path / "plans" / "adapter", tmp_path / place) in text
    assert text.count(os.path.relpath(tmp_path / "plans" / "device.yaml", tmp_path / place)) == 2
    assert str(tmp_path) not in text
    for graph in (tmp_path / place / "graph.txt", tmp_path / "passes" / "0_lower.txt"):
        assert specplan("check", str(graph)) is Exit.DONE
    assert "mistakes found" in capsys.readouterr().out


def test_printing_the_program_does_not_change_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(Path(NGRAM).read_text() + "backend: {engine: onnx}\n")
    for name, words in (("plain", []), ("printed", ["--emit", "python"])):
        assert specplan("compile", str(tmp_path / "plan.yaml"), "-o", str(tmp_path / name), *words) is Exit.DONE
    written = [{each.name: each.read_text() for each in (tmp_path / name).iterdir()} for name in ("plain", "printed")]
    assert written[0] == written[1]
    assert json.loads(written[0]["manifest.json"])["engine"] == "onnx"
