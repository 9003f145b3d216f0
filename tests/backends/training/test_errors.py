"""Each diagnostic of this room, as a person sees it: one golden a code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from specplan.backends.training import errors
from specplan.grammar import Diagnostic, render

EXAMPLES: tuple[Diagnostic, ...] = (
    errors.OtherRun(None, "my-pasta/data/answers.jsonl", "seed", "1", "2"),
    errors.NothingToLearn(None, "1 examples are left", '{"prompts": 3, "unfit_answers": {"unended": 2}}'),
    errors.LossNotFinite(None, 17, 100.0),
    errors.NothingToAsk(None, "gemma-3-270m"),
    errors.WindowsRefused(None, "gemma-3-270m"),
    errors.LineDamaged(None, "my-pasta/data/answers.jsonl", 3, "not JSON"),
    errors.FolderBusy(None, "my-pasta"),
    errors.NoModel(None, "ppd-smollm2-135m"),
    errors.OtherOptions(
        None,
        "my-pasta",
        "--seed, --epochs",
        (
            errors.Changed("--seed", "1", "2", ("answers", "fine-tuning")),
            errors.Changed("--epochs", "3", "4", ("fine-tuning",)),
        ),
        ("my-pasta/data/answers.jsonl", "my-pasta/supervised/checkpoint.pt"),
    ),
    errors.FileDamaged(None, "my-pasta/supervised/checkpoint.pt", "it cannot be read", "its stage is trained again"),
    errors.Diverged(None, "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"),
    errors.NoRoomToAnswer(None, "smollm2-135m-instruct", 8192, 10922, 64, 6096),
    errors.NothingToMeasure(None, 3, 40),
    errors.NotOurModel(None, "my-pasta/adapter", "notes.txt"),
)
CODES = {each.code: each for each in EXAMPLES}


def test_there_is_an_example_of_each() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Diagnostic)]
    assert {each.code for each in kinds if each not in (Diagnostic, errors.TrainingError)} == set(CODES)
    assert all("SP0850" <= code < "SP0870" for code in CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_as_a_person_sees_it(code: str, golden: Callable[[str, str], None]) -> None:
    kind = type(CODES[code])
    golden(f"diagnostics/{code}.txt", f"{kind.wrong}\n\n----\n\n{render([CODES[code]], colour=False)}")
    assert kind.rule.endswith(".") and not kind.title.endswith(".")
