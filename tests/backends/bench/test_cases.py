"""What is measured on, and what is refused from Python before any model loads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specplan import compile_plan
from specplan.backends.bench import Case, certify, compare
from specplan.backends.bench.cases import cases_of
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Prompt
from specplan.planner import CompiledPlan

NGRAM = Path(__file__).parents[3] / "specs" / "plans" / "ngram.yaml"
Ask = Callable[..., object]


@pytest.fixture(params=[compare, certify])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`compare` or `certify` of a plan whose models must not be loaded."""

    def load(*said: object, **more: object) -> LoadedModel:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("specplan.backends.bench.weights.Weights.__call__", load)
    monkeypatch.setattr("specplan.backends.bench.weights.load_declared", load)
    asked: Callable[..., object] = request.param
    return lambda **said: asked(compile_plan(NGRAM), **said)


def test_texts_and_prompts_are_cases() -> None:
    mine = Case(Prompt("b", "two"), "kind")
    assert cases_of(["one", mine, Prompt("c", "three")]) == (
        Case(Prompt(1, "one")),
        mine,
        Case(Prompt("c", "three")),
    )


@pytest.mark.parametrize(
    ("twice", "id"),
    [
        ([Prompt("a", "x"), Prompt("a", "y")], "a"),
        (["x", Prompt(1, "y")], "1"),
        ([Prompt("1", "x"), Case(Prompt(1, "y"))], "1"),
    ],
)
def test_no_two_cases_have_one_id(twice: list[Any], id: str, ask: Ask) -> None:
    with pytest.raises(ValueError, match=f"two prompts of `cases` have the id `{id}`"):
        ask(cases=twice)


@pytest.mark.parametrize("said", ["Hello", b"Hello", ["Hello", 3], [{"prompt": "Hello"}], [None]])
def test_what_is_no_case_is_refused(said: Any, ask: Ask) -> None:
    with pytest.raises(TypeError, match="`cases`"):
        ask(cases=said)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(limit: int, ask: Ask) -> None:
    with pytest.raises(ValueError, match=f"`limit` is at least 1, and {limit} is less"):
        ask(limit=limit)


@pytest.mark.parametrize("limit", [1.5, True, "3"])
def test_a_limit_is_a_whole_number(limit: Any, ask: Ask) -> None:
    with pytest.raises(TypeError, match="`limit` is a whole number"):
        ask(limit=limit)


def sampling(folder: Path) -> CompiledPlan:
    file = folder / "warm.yaml"
    file.write_text(NGRAM.read_text() + "\nsampling: {temperature: 0.7}\n")
    return compile_plan(file)


def test_a_sampled_certificate_is_not_made_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`limit` is at least 1"):
        certify(sampling(tmp_path), limit=0)


@pytest.mark.parametrize(
    ("asked", "said", "sentence"),
    [
        (compare, {"repeats": 0}, "`repeats` is at least 1, and 0 is less"),
        (compare, {"warmup": -1}, "`warmup` is at least 0, and -1 is less"),
        (certify, {"redraws": 0}, "`redraws` is at least 1, and 0 is less"),
    ],
)
def test_counts_are_checked_first(asked: Ask, said: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        asked(compile_plan(NGRAM), **said)


@pytest.mark.parametrize("ask", [compare], indirect=True)
def test_a_baseline_that_nobody_knows_is_refused(ask: Ask) -> None:
    with pytest.raises(KeyError, match="no baseline is called 'nobody'; there are autoregressive"):
        ask(against=["autoregressive", "nobody"])
