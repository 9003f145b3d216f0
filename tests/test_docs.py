"""What documentation shows is run: the README's Python, plans and commands, and every example in a docstring."""

import doctest
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from specplan.cli.program import COMMANDS
from specplan.grammar import plan_schema
from specplan.planner.signatures import SIGNATURES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
NOT_CODE = {"tests", "build", "dist"}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def modules() -> list[str]:
    files = (each.relative_to(ROOT) for each in ROOT.rglob("*.py"))
    ours = (each for each in files if all(part.isidentifier() for part in each.parts[:-1]))
    dotted = (("specplan", *each.with_suffix("").parts) for each in ours if each.parts[0] not in NOT_CODE)
    return sorted(".".join(parts).removesuffix(".__init__") for parts in dotted if parts[-1] != "__main__")


def readme(language: str) -> list[str]:
    return [block for name, block in FENCED.findall(README.read_text(encoding="utf-8")) if name == language]


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
    run = subprocess.run([sys.executable, "-c", readme("python")[number]], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("number", range(len(readme("yaml"))))
def test_plans_in_the_readme(number: int) -> None:
    check = [sys.executable, "-m", "specplan", "check", "-"]
    run = subprocess.run(check, input=readme("yaml")[number], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr


def test_commands_in_the_readme(request: pytest.FixtureRequest) -> None:
    """Blocks marked `console` hold one line `$ specplan ...` and what it prints."""
    text = fresh = README.read_text(encoding="utf-8")
    for block in readme("console"):
        command, _, _ = block.partition("\n")
        words = shlex.split(command.removeprefix("$ "))
        assert words[0] == "specplan", f"{command} is not ours: mark its block `sh`"
        run = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=ROOT)
        fresh = fresh.replace(block, f"{command}\n{run.stderr}{run.stdout}")
    compare_or_rewrite(text, fresh, request)


def compare_or_rewrite(text: str, fresh: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-goldens"):
        README.write_text(fresh, encoding="utf-8")
    else:
        assert text == fresh


def test_links_in_the_readme() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_only_commands_that_there_are_are_named() -> None:
    texts = [README, *(ROOT / "specs").rglob("*.yaml"), *(ROOT / "specs").rglob("*.py")]
    shown = "\n".join([*(each.read_text(encoding="utf-8") for each in texts), json.dumps(plan_schema())])
    assert {*re.findall(r"(?:^|`|\$ |: )specplan ([a-z-]+)\b(?!:)", shown, re.MULTILINE)} <= {*COMMANDS}


def test_tables_in_the_readme(request: pytest.FixtureRequest) -> None:
    text = fresh = README.read_text(encoding="utf-8")
    for source, table in (("signatures", signature_table()), ("schema", key_table())):
        made = re.compile(rf"(<!-- made from the {source}:[^\n]*\n).*?(<!-- end -->)", re.DOTALL)
        assert made.search(text)
        fresh = made.sub(lambda match, table=table: f"{match[1]}\n{table}\n{match[2]}", fresh)
    compare_or_rewrite(text, fresh, request)


def signature_table() -> str:
    rows = [f"| {each.sort.value} | `{each}` | {each.doc} |" for each in SIGNATURES]
    return "\n".join(["| makes | written | means |", "|---|---|---|", *rows, ""])


def key_table() -> str:
    return "\n".join(["| key | means | if left out |", "|---|---|---|", *key_rows(plan_schema(), ""), ""])


def key_rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    required = schema.get("required", [])
    for name, value in schema["properties"].items():
        inner = value.get("additionalProperties") or {}
        if "properties" in inner:
            yield from key_rows(inner, f"{path}{name}.NAME.")
        elif "properties" in value:
            yield from key_rows(value, f"{path}{name}.")
        else:
            kept = "needed" if name in required else f"`{json.dumps(value['default'])}`" if "default" in value else ""
            words = [f"`{each}`" for each in value.get("enum", []) if f"`{each}`" not in value["description"]]
            either = f"; one of {', '.join(words)}" if words else ""
            yield f"| `{path}{name}` | {value['description']}{either} | {kept} |"


def test_there_are_examples_in_the_readme() -> None:
    assert readme("python")
    assert readme("yaml")
    assert readme("console")
