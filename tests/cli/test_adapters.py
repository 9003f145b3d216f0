"""A plan with an adapter, from the command line: the words are peft's, wherever the graph lies and whatever runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")

import torch
from tokenizers.pre_tokenizers import ByteLevel

from specplan import compile_plan
from specplan.backends.bench.generate import Generating
from specplan.backends.bench.weights import Weights
from specplan.backends.runtime import Prompt
from specplan.cli.exits import Exit
from specplan.cli.program import program

from ..backends.adapting import write_base, write_tiny_adapter

PLAN = """\
specplan: 1
models: {target: {source: ./base, adapter: ./mine}}
decode: DECODE
prompt: {template: none}
stop: {ignore_eos: true}
limits: {context: 256, max_new_tokens: 24}
"""
PLAIN = "speculate(target, draft=ngram(num_speculative_tokens=3))"
FORKING = "fork_join(pasta(max_forks=4), autoregressive(target))"
PROMPT = "abcabcabc"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A base, an adapter for it, plans, and what peft makes of the two."""
    folder = tmp_path_factory.mktemp("adapted")
    write_base(folder / "base", tied=False)
    model = write_tiny_adapter(folder / "mine", folder / "base")
    for name, decode in {"plain": PLAIN, "forking": FORKING}.items():
        (folder / f"{name}.yaml").write_text(PLAN.replace("DECODE", decode))
    return folder, model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def specplan(*words: object) -> Exit:
    outcome = program.main([*map(str, words)], standalone_mode=False)
    assert isinstance(outcome, Exit)
    return outcome


def said_by(model: Any) -> list[int]:
    """What is said greedily, one pass of peft's model a token."""
    alphabet = sorted(ByteLevel.alphabet())
    ids = [alphabet.index(each) for each in PROMPT]
    with torch.no_grad():
        for _ in range(24):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    assert len({*ids}) > 8, "a model that says one thing alone proves little"
    return ids[len(PROMPT) :]


def test_a_run_says_what_peft_says(place: tuple[Path, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder, model = place
    assert specplan("run", folder / "plain.yaml", "--prompt", PROMPT, "--format", "json") is Exit.DONE
    assert json.loads(capsys.readouterr().out)["token_ids"] == said_by(model)


@pytest.mark.parametrize("plan", ["plain", "forking"])
def test_a_graph_elsewhere_runs_alike(
    plan: str, place: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = place
    run = "--prompt", PROMPT, "--format", "json"
    assert specplan("run", folder / f"{plan}.yaml", *run) is Exit.DONE
    expected = json.loads(capsys.readouterr().out)
    assert specplan("compile", folder / f"{plan}.yaml", "-o", tmp_path / "deep" / "build") is Exit.DONE
    graph = tmp_path / "deep" / "build" / "graph.txt"
    assert str(folder) not in graph.read_text()
    assert specplan("run", graph, *run) is Exit.DONE
    assert json.loads(capsys.readouterr().out)["token_ids"] == expected["token_ids"]
    program_text = (graph.parent / "decode.py").read_text()
    assert 'tags="pasta"' in program_text and "adapter=" in program_text


def test_baselines_run_the_same_weights(place: tuple[Path, Any]) -> None:
    folder, model = place
    plan = compile_plan(folder / "plain.yaml")
    loaded = Weights()(plan.graph.target, plan)
    assert loaded.vocab_size == 263
    answer = Generating("transformers", loaded, plan.graph).answer([Prompt(1, PROMPT)])
    assert [*answer.tokens[1]] == said_by(model)


def test_it_is_certified(place: tuple[Path, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = place
    prompts = folder / "prompts.jsonl"
    prompts.write_text(json.dumps({"id": 1, "prompt": PROMPT}) + "\n")
    assert specplan("bench", folder / "plain.yaml", "--prompts", prompts, "--certify") is Exit.DONE
    assert "./base with ./mine in float32" in capsys.readouterr().out


def test_explain_counts_the_words_and_names_the_adapter(
    place: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, model = place
    assert specplan("explain", folder / "forking.yaml", "--format", "json") is Exit.DONE
    (target,) = json.loads(capsys.readouterr().out)["memory"]["models"]
    merged = model.merge_and_unload()
    assert target["weights"] == 4 * sum(each.numel() for each in merged.parameters())
    assert target["adapter"] == "./mine"
    assert specplan("explain", folder / "forking.yaml") is Exit.DONE
    assert 'target = "./base" with "./mine" in float32' in capsys.readouterr().out


def test_a_run_without_the_adapter_says_why(
    place: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = place
    (tmp_path / "plan.yaml").write_text((folder / "plain.yaml").read_text().replace("./base", str(folder / "base")))
    assert specplan("run", tmp_path / "plan.yaml", "--prompt", "x") is Exit.DIAGNOSTICS
    assert "error[SP0414]" in capsys.readouterr().err
