"""The whole command on a real model, as little as there can be of it: its own answers, a few steps, an adapter that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

from specplan.backends import decoder
from specplan.cli.exits import Exit
from specplan.cli.program import program
from specplan.planner import compile_source

MODEL = "smollm2-135m-instruct"
LISTS = Path(__file__).parents[3] / "specs" / "prompts" / "lists.jsonl"


@pytest.mark.slow
def test_the_command_trains_an_adapter_that_a_plan_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "some.jsonl").write_text("\n".join(LISTS.read_text().splitlines()[:12]))
    words = ["--prompts", str(tmp_path / "some.jsonl"), "--max-new-tokens", "112", "--epochs", "1", "--rounds", "0"]
    command = ["train", "pasta", "-o", str(tmp_path / "run"), *words, "--format", "json"]
    assert program.main(command, standalone_mode=False) is Exit.DONE
    summary = json.loads(capsys.readouterr().out)
    assert summary["counts"]["prompts"] == 12 and summary["counts"]["annotation"]["annotated"] >= 2
    assert summary["counts"]["learned"] >= 1
    metrics = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(0 < each["loss"] < 5 for each in metrics if "loss" in each)
    text = (
        f"specplan: 1\nmodels: {{target: {{source: {MODEL}, adapter: {tmp_path}/run/adapter, tags: pasta}}}}\n"
        "decode: fork_join(pasta(max_forks=8), autoregressive(target))\nlimits: {max_new_tokens: 16, context: 256}\n"
    )
    (result,) = decoder(compile_source(text.encode(), "plan.yaml", Path())).generate(["List five uses of copper."])
    assert result.stats.threads is not None and len(result.text) > 10


@pytest.mark.slow
def test_the_model_makes_up_prompts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--count", "12", "--max-new-tokens", "64", "--epochs", "1", "--rounds", "0"]
    program.main(["train", "pasta", "-o", str(tmp_path / "run"), *words], standalone_mode=False)
    made = [json.loads(line) for line in (tmp_path / "run" / "data" / "prompts.jsonl").read_text().splitlines()[1:]]
    assert len(made) >= 12 and sum(each["ended"] for each in made) >= 6
    answers = (tmp_path / "run" / "data" / "answers.jsonl").read_text().splitlines()[1:]
    assert len(answers) == 12
