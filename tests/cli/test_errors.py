"""Each mistake of this room, as the command that makes it and what a person then sees: one golden a code."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specplan.backends.models.errors import LibraryMissing, UnknownSource
from specplan.cli import errors
from specplan.cli.errors import CommandLineError
from specplan.cli.exits import Exit, exit_for
from specplan.cli.program import program
from specplan.grammar import Diagnostic, DiagnosticError

PLAN = """\
specplan: 1
models:
  target: {source: smollm2-135m-instruct, dtype: float32}
decode: speculate(target, draft=ngram(max_ngram=3, num_speculative_tokens=8))
"""
PARALLEL = PLAN.replace("decode: ", "limits: {batch: 4}\ndecode: ")
# The code, the exit code, and what is typed; `input |` goes to standard input.
MISTAKES = [
    ("SP0901", Exit.USAGE, "specplan check plans/ngrm.yaml"),
    ("SP0902", Exit.USAGE, "specplan run plans/"),
    ("SP0903", Exit.USAGE, "specplan check plans/ngram.yaml/x"),
    ("SP0904", Exit.USAGE, "specplan compile plans/ngram.yaml -o plans/ngram.yaml/build"),
    ("SP0905", Exit.USAGE, "specplan compile plans/ngram.yaml -o plans"),
    ("SP0906", Exit.MISSING, "specplan run plans/ngram.yaml --prompt Hello"),
    ("SP0907", Exit.USAGE, "specplan run plans/ngram.yaml"),
    ("SP0908", Exit.USAGE, "specplan run - --prompts -"),
    ("SP0909", Exit.DIAGNOSTICS, """{"promt": "Hello"} | specplan run plans/ngram.yaml --prompts -"""),
    ("SP0910", Exit.USAGE, "specplan explain-code SP0019"),
    ("SP0911", Exit.USAGE, "specplan compile plans/ngram.yaml --stop-after fuse_prompt"),
    ("SP0912", Exit.MISSING, "specplan run plans/ngram.yaml --engine onnx --prompt Hello"),
    ("SP0913", Exit.USAGE, "specplan compile plans/ngram.yaml -o plans/parallel.yaml"),
    ("SP0915", Exit.USAGE, "specplan run plans/parallel.yaml --engine reference"),
    ("SP0914", Exit.USAGE, "specplan compile plans/ngram.yaml -o build --dump-passes ./build"),
    ("SP0916", Exit.USAGE, "specplan bench plans/ngram.yaml --against autoregresive"),
    ("SP0917", Exit.USAGE, "specplan bench plans/ngram.yaml --certify --repeats 3"),
    ("SP0918", Exit.DIAGNOSTICS, "specplan calibrate pair smollm2-135m-instruct smollm2-135m-pard"),
    ("SP0920", Exit.USAGE, "specplan run plans/ngram.yaml --show forks --prompt Hello"),
    ("SP0921", Exit.USAGE, "specplan train pasta -o my-pasta --full --rank 8"),
    ("SP0919", Exit.DIAGNOSTICS, "specplan calibrate pair ppd-smollm2-135m qwen2.5-coder-1.5b-instruct"),
]


def test_there_is_a_mistake_for_each_code() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, CommandLineError)]
    assert {kind.code for kind in kinds if kind is not CommandLineError} == {code for code, _, _ in MISTAKES}


@pytest.mark.parametrize(("code", "exit_code", "typed"), MISTAKES, ids=[code for code, _, _ in MISTAKES])
def test_as_a_person_sees_it(
    code: str,
    exit_code: Exit,
    typed: str,
    golden: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "ngram.yaml").write_text(PLAN)
    (tmp_path / "plans" / "parallel.yaml").write_text(PARALLEL)
    monkeypatch.delitem(sys.modules, "specplan.backends.eager.run", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    given, _, command = typed.rpartition(" | ")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    outcome = program.main(shlex.split(command)[1:], standalone_mode=False)
    said = capsys.readouterr()
    assert outcome is exit_code
    assert said.out == ""
    assert code in said.err
    golden(f"diagnostics/{code}.txt", f"$ {typed}\n{said.err}exit code {exit_code.value}\n")


def test_a_diagnostic_error_says_its_codes() -> None:
    assert str(DiagnosticError([errors.NoPrompt(None)])) == "SP0907: there is no prompt"


@pytest.mark.parametrize(
    ("found", "ending"),
    [
        ([], Exit.DONE),
        ([errors.ToyTables(None)], Exit.DONE),
        ([UnknownSource(None, "x", ()), LibraryMissing(None, "torch", "running")], Exit.MISSING),
        ([UnknownSource(None, "x", ())], Exit.DIAGNOSTICS),
        ([errors.NoPrompt(None)], Exit.USAGE),
    ],
)
def test_the_gravest_mistake_says_how_we_end(found: list[Diagnostic], ending: Exit) -> None:
    assert exit_for(found) is ending
