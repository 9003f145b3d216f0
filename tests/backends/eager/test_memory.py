"""A system that really refuses memory: what a person is told, with the plan's own estimate in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import byte_tokenizer, tiny_config

resource = pytest.importorskip("resource")

PLAN = """\
specplan: 1
models: {target: {source: ./target, dtype: float32}}
decode: autoregressive(target)
prompt: {template: none}
limits: {context: 4000000, batch: 2, max_new_tokens: 8}
"""
# What is there when models are loaded, and a little more: far less than the caches are.
SCRIPT = """
import resource, sys
from pathlib import Path
from specplan import DiagnosticError, compile_plan

decoder = compile_plan(sys.argv[1]).decoder()
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    decoder.generate(["Hello"])
except DiagnosticError as error:
    (found,) = error.diagnostics
    print(found.code, *found.help(), sep="\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="what a process holds is read where Linux has it")
def test_a_cache_that_the_system_refuses(tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    config = tiny_config("llama")
    config.max_position_embeddings = 1 << 22
    LlamaForCausalLM(config).save_pretrained(tmp_path / "target")
    byte_tokenizer().save_pretrained(tmp_path / "target")
    (tmp_path / "plan.yaml").write_text(PLAN)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "plan.yaml")]
    run = subprocess.run(command, capture_output=True, text=True)
    # Two rows of 4000001 slots, in three layers of two heads of eight numbers: 488 MiB of keys in each, as much of values.
    code, refused, planned, way_out = run.stdout.splitlines()
    assert (code, refused.split(" at once")[1]) == ("SP0807", " were refused"), run.stderr
    assert planned.startswith("the plan was estimated to need 2.9 GiB: target: ")
    assert "`limits.context`" in way_out
