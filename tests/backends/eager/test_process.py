"""The program as a process that decodes with tiny models: interrupted, left by its reader, and asked again elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from .conftest import byte_tokenizer, make_tiny

SPECPLAN = [sys.executable, "-m", "specplan"]
WritePlan = Callable[..., Path]
PLAN = """\
specplan: 1
models:
  target: {{source: ./target, dtype: float32}}
  drafter: {{source: ./drafter, dtype: float32}}
decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=3))
prompt: {{template: none}}
stop: {{ignore_eos: true}}
limits: {{batch: {batch}, max_new_tokens: {new}, context: 500}}
sampling: {{temperature: {temperature}, seed: 3}}
"""
# Ctrl-C at the moment in which a module begins to be imported; then the program as its script calls it.
INTERRUPTED_IMPORT = """
import signal, sys

sys.argv[:2], module = ["specplan"], sys.argv[1]

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
import specplan.cli
specplan.cli.main()
"""


# Every process loads torch and transformers anew.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def write_plan(tmp_path_factory: pytest.TempPathFactory) -> WritePlan:
    """Plans beside two tiny models, weights and all."""
    place = tmp_path_factory.mktemp("tiny")
    for seed, name in enumerate(("target", "drafter")):
        make_tiny("llama", seed, torch.float32).model.save_pretrained(place / name)
        byte_tokenizer().save_pretrained(place / name)

    def write(*, new: int = 480, batch: int = 1, temperature: float = 0.0) -> Path:
        file = place / f"plan-{new}-{batch}-{temperature}.yaml"
        file.write_text(PLAN.format(new=new, batch=batch, temperature=temperature))
        return file

    return write


def started(*words: str | Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """The exit code, and what was said on standard output since, of a process that ends without noise."""
    output, errors = process.communicate(timeout=60)
    for noise in (b"Traceback", b"Exception ignored", b"KeyboardInterrupt", b"terminate called"):
        assert noise not in errors, errors.decode()
    return process.returncode, output


@pytest.mark.parametrize(
    "module",
    ["torch", "torch.nn", "transformers", "transformers.models.llama.modeling_llama", "safetensors", "tokenizers"],
)
def test_control_c_while_libraries_are_loaded(write_plan: WritePlan, module: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED_IMPORT, module, "run", write_plan(), "--prompt", "Hello"]
    assert ended(started(*words))[0] == 130


def test_control_c_while_decoding(write_plan: WritePlan) -> None:
    process = started(*SPECPLAN, "run", write_plan(), "--prompt", "Hello")
    assert process.stdout is not None and process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 130


def test_control_c_while_measuring(write_plan: WritePlan) -> None:
    words = ["bench", write_plan(), "--against", "autoregressive", "--format", "json", "--repeats", "50"]
    process = started(*SPECPLAN, *words)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"measuring"):
            break
    process.send_signal(signal.SIGINT)
    code, output = ended(process)
    assert code == 130
    # What was complete until then, or nothing.
    assert not output or json.loads(output)["partial"] is True


@pytest.mark.parametrize(
    "words", [["run", "--prompt", "Hello"], ["explain"], ["compile"], ["bench", "--limit", "1", "--format", "json"]]
)
def test_a_reader_that_leaves(write_plan: WritePlan, words: list[str]) -> None:
    process = started(*SPECPLAN, words[0], write_plan(new=40), *words[1:])
    assert process.stdout is not None
    if words[0] == "run":
        assert process.stdout.read(1)
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 141, errors.decode()
    assert b"Traceback" not in errors and b"Exception ignored" not in errors and b"BrokenPipe" not in errors


def test_a_seed_says_the_same_in_every_process(write_plan: WritePlan, tmp_path: Path) -> None:
    """Whatever the order of the prompts, and however many rows decode together."""
    prompts = [{"id": f"prompt-{number}", "prompt": "Say it again. " * number} for number in range(1, 6)]
    said = []
    for place, (order, batch) in enumerate([(1, 1), (1, 1), (-1, 3)]):
        file = tmp_path / f"{place}.jsonl"
        file.write_text("".join(f"{json.dumps(each)}\n" for each in prompts[::order]))
        plan = write_plan(new=12, batch=batch, temperature=0.8)
        code, output = ended(started(*SPECPLAN, "run", plan, "--prompts", file, "--format", "json"))
        assert code == 0
        answers = [json.loads(line) for line in output.splitlines()]
        said.append({each["id"]: (each["text"], each["token_ids"]) for each in answers})
    assert said[0] == said[1] == said[2]
    assert len({text for text, _ in said[0].values()}) == len(prompts)
