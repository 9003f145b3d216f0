"""The package from Python."""

from pathlib import Path

import pytest

import specplan
from specplan import compile_plan

NGRAM = Path(__file__).parents[1] / "specs" / "plans" / "ngram.yaml"


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no engine is called 'bogus'; there are reference, eager, onnx, tensorrt"):
        compile_plan(NGRAM, engine="bogus")
    assert compile_plan(NGRAM, engine="reference").engine == "reference"


def test_every_public_name_is_there_when_it_is_asked_for() -> None:
    assert all(getattr(specplan, name) is not None for name in specplan.__all__)
    assert {*specplan.__all__} <= {*dir(specplan)}
    with pytest.raises(AttributeError, match="module 'specplan' has no attribute 'compile_plans'"):
        specplan.compile_plans  # type: ignore[attr-defined]  # noqa: B018
