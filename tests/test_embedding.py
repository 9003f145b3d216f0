"""The package from Python."""

from pathlib import Path

import pytest

from specplan import compile_plan

NGRAM = Path(__file__).parents[1] / "specs" / "plans" / "ngram.yaml"


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no engine is called 'bogus'; there are reference, eager, onnx, tensorrt"):
        compile_plan(NGRAM, engine="bogus")
    assert compile_plan(NGRAM, engine="reference").engine == "reference"
