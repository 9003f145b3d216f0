"""What documentation shows is run: the README's Python, plans and commands, and every example in a docstring."""

import doctest
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_CODE = {"tests", "build", "dist"}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def modules() -> list[str]:
    files = (each.relative_to(ROOT) for each in ROOT.rglob("*.py"))
    ours = (each for each in files if all(part.isidentifier() for part in each.parts[:-1]))
    dotted = (("specplan", *each.with_suffix("").parts) for each in ours if each.parts[0] not in NOT_CODE)
    return sorted(".".join(parts).removesuffix(".__init__") for parts in dotted if parts[-1] != "__main__")


def readme(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [block for name, block in FENCED.findall(text) if name == language]


def examples(module: str) -> list[doctest.DocTest]:
    return [each for each in doctest.DocTestFinder().find(import_module(module)) if each.examples]


@pytest.mark.parametrize("module", modules())
def test_examples_in_docstrings(module: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in examples(module):
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


def test_there_are_examples_in_docstrings() -> None:
    assert sum(len(examples(module)) for module in modules()) >= 10


@pytest.mark.parametrize("number", range(len(readme("python"))))
def test_python_in_the_readme(number: int, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", readme("python")[number]], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("number", range(len(readme("yaml"))))
def test_plans_in_the_readme(number: int) -> None:
    check = [sys.executable, "-m", "specplan", "check", "-"]
    run = subprocess.run(check, input=readme("yaml")[number], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr


def test_commands_in_the_readme() -> None:
    """Blocks marked `console` hold lines `$ specplan ...`, each followed by what it prints; `...` stands for the rest."""
    shown = [part for block in readme("console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    for each in shown:
        command, _, expected = each.partition("\n")
        words = shlex.split(command)
        assert words[0] == "specplan", f"{command} is not ours: mark its block `sh`"
        run = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=ROOT)
        wanted, cut, _ = expected.partition("...\n")
        printed = (run.stdout + run.stderr).strip()
        assert printed.startswith(wanted.strip()) if cut else printed == wanted.strip(), command


def test_there_are_examples_in_the_readme() -> None:
    assert readme("python")
    assert readme("yaml")
    assert readme("console")
