"""Every plan that comes with specplan is one for editors and for the compiler alike."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from specplan.grammar import Severity, plan_schema
from specplan.planner import compile_source

PLANS = sorted((Path(__file__).parents[2] / "specs" / "plans").glob("*.yaml"))
METHODS = {
    "autoregressive", "ngram", "draft_model", "pard", "ppd", "slem", "tli", "slrs", "pipedec", "pasta", "merge", "choose",
}  # fmt: skip


def test_there_is_one_for_every_method() -> None:
    assert {file.stem for file in PLANS} >= METHODS


@pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)
def test_it_follows_the_schema(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), plan_schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)
def test_it_compiles_without_a_warning(file: Path) -> None:
    compiled = compile_source(file.read_bytes(), file.name, file.parent)
    said = [each.code for each in compiled.diagnostics if each.severity is not Severity.NOTE]
    # Some show a method on a target that is quickly fetched, and then too small to gain from it: that is said.
    assert set(said) <= {"SP0482"}
    assert file.read_text().startswith("# "), "the first line says what the plan shows"
