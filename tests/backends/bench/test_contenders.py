"""Real contenders on tiny models: `generate` is told what the plan says, and answers what the target answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from specplan import compile_plan
from specplan.backends.bench import BASELINES, Case, Skipped, compare
from specplan.backends.bench.baselines import baseline
from specplan.backends.bench.generate import Generating, generation_config
from specplan.backends.bench.weights import Weights, WeightSets
from specplan.backends.runtime import Prompt

PROMPTS = [Prompt("a", "abcabcabcabc"), Prompt("b", "to be or not to be"), Prompt("c", "x")]
Write = Callable[..., Path]


def sets() -> WeightSets:
    return WeightSets(Weights(), Weights())


def contender(name: str, plan: Path) -> Any:
    made = baseline(name, compile_plan(plan), sets())
    assert not isinstance(made, Skipped), made.reason
    return made


def skipped(name: str, plan: Path, engine: str | None = None) -> str:
    made = baseline(name, compile_plan(plan, engine=engine), sets())
    assert isinstance(made, Skipped) and made.name == name
    return made.reason


@pytest.mark.parametrize("kind", ["ngram", "drafted"])
def test_all_say_what_the_target_says(kind: str, write_plan: Write) -> None:
    plan = compile_plan(write_plan(kind))
    found = compare(plan, cases=PROMPTS, warmup=0)
    looked_up = ["transformers-assisted-default"] if kind == "ngram" else []
    assert [each.name for each in found.skipped] == looked_up and found.left_out == ()
    assert [each.name for each in found.measured] == [kind, *(each for each in BASELINES if each not in looked_up)]
    assert [each.differing for each in found.measured][:2] == [(), None]
    assert all(each.differing == () for each in found.measured[2:])
    assert found.prompts == 3
    plain = found.measured[1]
    assert plain.acceptance.tokens_per_step == 1.0
    assert plain.acceptance.generated == found.measured[0].acceptance.generated > 3


def test_groups_are_answered_together(write_plan: Write) -> None:
    found = compare(compile_plan(write_plan("ngram", batch=2)), cases=PROMPTS, warmup=0)
    assert [each.name for each in found.measured] == ["ngram", "autoregressive", "transformers"]
    assert [each.differing for each in found.measured] == [(), None, ()]
    assert (found.prompts, found.setting.batch) == (3, 2)
    # Two prompts together and one alone are two figures.
    assert found.measured[0].ratio("transformers").overall.count == 2


def test_generate_in_a_batch_says_the_same(write_plan: Write) -> None:
    generating = contender("transformers", write_plan("plain"))
    together = generating.answer(PROMPTS).tokens
    assert list(together) == ["a", "b", "c"]
    assert together == {each.id: generating.answer([each]).tokens[each.id] for each in PROMPTS}


@pytest.mark.parametrize("ignoring", ["true", "false"])
def test_rows_that_a_stop_string_ends_are_cut_there(ignoring: str, write_plan: Write) -> None:
    more = f"stop: {{ignore_eos: {ignoring}, strings: ['L', '-d']}}\n"
    generating = contender("transformers", write_plan("plain", more=more))
    together = generating.answer(PROMPTS)
    assert {id: len(said) for id, said in together.tokens.items()} == {"a": 12, "b": 7, "c": 7}
    assert together.generated == 26
    texts = [generating._loaded.tokenizer.decode(said) for said in together.tokens.values()]
    assert [text[-1] for text in texts[1:]] == ["L", "d"]
    assert together.tokens == {each.id: generating.answer([each]).tokens[each.id] for each in PROMPTS}
    found = compare(compile_plan(write_plan("ngram", batch=3, more=more)), cases=PROMPTS, warmup=0)
    assert [(each.name, each.differing) for each in found.measured][2:] == [("transformers", ())]


def test_generate_refuses_what_the_plan_refuses(write_plan: Write) -> None:
    answer = contender("transformers", write_plan("plain")).answer(
        [Prompt(1, "x" * 200), Prompt(2, ""), Prompt(3, "x")]
    )
    assert {id: found[0].code for id, found in answer.refused.items()} == {1: "SP0801", 2: "SP0802"}
    assert list(answer.tokens) == [3]


def test_prompts_too_long_are_left_out_for_all(write_plan: Write) -> None:
    found = compare(compile_plan(write_plan("ngram")), ["transformers"], cases=["x" * 200, "x"], warmup=0)
    assert [(each.id, each.diagnostics[0].code) for each in found.left_out] == [(1, "SP0801")]
    assert found.prompts == 1


def test_generate_is_told_what_the_plan_says(write_plan: Write) -> None:
    more = "sampling: {temperature: 0.7, top_p: 0.9}\nstop: {token_ids: [7], strings: ['.']}\n"
    plan = compile_plan(write_plan("plain", more=more))
    config = generation_config(plan.graph, Weights()(plan.graph.target, plan))
    assert (config.do_sample, config.temperature, config.top_p, config.top_k) == (True, 0.7, 0.9, 0)
    assert (config.eos_token_id, config.stop_strings, config.max_new_tokens) == ([7, 256], ["."], 12)
    ignoring = compile_plan(write_plan("plain", more="stop: {ignore_eos: true}\n"))
    config = generation_config(ignoring.graph, Weights()(plan.graph.target, plan))
    assert (config.do_sample, config.eos_token_id) == (False, None)


def test_sampled_answers_can_be_had_again(write_plan: Write) -> None:
    generating = contender("transformers", write_plan("plain", more="sampling: {temperature: 1.0, seed: 3}\n"))
    assert generating.answer(PROMPTS[:1]).tokens == generating.answer(PROMPTS[:1]).tokens
    other = contender("transformers", write_plan("plain", more="sampling: {temperature: 1.0, seed: 4}\n"))
    assert generating.answer(PROMPTS[:1]).tokens != other.answer(PROMPTS[:1]).tokens


def test_an_assistant_guesses_as_many_tokens_as_the_plan(write_plan: Write) -> None:
    generating = contender("transformers-assisted", write_plan("drafted"))
    assert isinstance(generating, Generating)
    assistant = generating._more["assistant_model"]
    widths: list[int] = []
    target = generating._loaded.model
    target.register_forward_pre_hook(
        lambda module, args, kwargs: widths.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    for _ in range(2):
        generating.answer(PROMPTS[1:2])
    assert assistant.generation_config.num_assistant_tokens == 3
    assert max(width for width in widths if width < len(PROMPTS[1].text)) == 4


def test_an_assistant_that_is_told_nothing_guesses_as_transformers_does(write_plan: Write) -> None:
    """Also where another contender told the same model something else."""
    shared, plan = sets(), compile_plan(write_plan("drafted"))
    told, left_alone = (baseline(f"transformers-assisted{name}", plan, shared) for name in ("", "-default"))
    assert isinstance(told, Generating) and isinstance(left_alone, Generating)
    assistant = told._more["assistant_model"]
    assert assistant is left_alone._more["assistant_model"]
    for contender, tokens in ((told, 3), (left_alone, None), (told, 3)):
        contender.answer(PROMPTS[1:2])
        assert assistant.generation_config.num_assistant_tokens == tokens


def test_what_does_not_apply_says_why(write_plan: Write) -> None:
    assert skipped("transformers-assisted", write_plan("plain")) == "transformers has nothing like the plan's drafts"
    assert "one row at a time" in skipped("transformers-assisted", write_plan("ngram", batch=2))
    assert "told how much" in skipped("transformers-assisted-default", write_plan("ngram"))
    assert "toy tables" in skipped("transformers", write_plan("ngram"), engine="reference")
    shipped = Path(__file__).parents[3] / "specs" / "plans"
    assert "memory" in skipped("autoregressive", shipped / "pipedec.yaml")


def test_a_plan_beside_a_plan(write_plan: Write) -> None:
    plain = compile_plan(write_plan("plain"))
    found = compare(
        plain, [plain, "autoregressive", "autoregressive"], cases=[Case(Prompt(1, "x"), "letters")], warmup=0
    )
    assert [each.name for each in found.measured] == ["plain", "plain.2", "autoregressive"]
    assert found.measured[0].ratio("plain.2").categories[0][0] == "letters"
