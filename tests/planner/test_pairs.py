"""What two vocabularies share decides rules and estimates: counted by us, by whoever wrote the plan, or by nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from specplan.grammar import Diagnostic, DiagnosticError, render
from specplan.planner import CompiledPlan, compile_source
from specplan.planner.cards import Pair, Rehearsal, find_pair
from specplan.planner.explain import explain, explanation_text

SAMPLES = "sampling: {temperature: 1}\n"
PLAN = """\
specplan: 1
models:
  target: {source: qwen2.5-coder-1.5b-instruct}
  drafter: {source: smollm2-135m-instruct}
decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=5))
"""
SMALL = PLAN.replace("qwen2.5-coder-1.5b-instruct", "gemma-3-270m") + "prompt: {template: none}\n"
REHEARSED = Rehearsal(
    guesses=5, candidates=4.5, own=4.25, canonical=0.93, encoded_bytes=40.2, guess_us=2000.0, text_us=1000.0,
    timed_on="a processor",
)  # fmt: skip
FOREIGN = Pair(draft="smollm2", target="qwen2", draft_tokens=10, target_tokens=20, shared=0, weighted_of_target=0.0)


def made(text: str, base: Path = Path("/nowhere")) -> CompiledPlan:
    return compile_source(text.encode(), "plan.yaml", base)


def said(text: str, base: Path = Path("/nowhere")) -> tuple[Diagnostic, ...]:
    try:
        return made(text, base).diagnostics
    except DiagnosticError as error:
        return error.diagnostics


def calibrated(folder: Path, pair: Pair, text: str = PLAN) -> str:
    (folder / "pair.yaml").write_text(pair.to_yaml())
    return text + "calibration: pair.yaml\n"


def test_auto_takes_what_was_counted() -> None:
    (decided,) = said(PLAN)
    assert decided.message() == "`vocab=auto` is slem: nothing is sampled, and 24% of the tokens are shared"
    (decided,) = said(PLAN + SAMPLES)
    assert decided.message() == "`vocab=auto` is tli: it samples, and 96% of the target's text is in shared tokens"


def test_a_plan_may_bring_its_own_counts(tmp_path: Path) -> None:
    poor = replace(FOREIGN, shared=5, weighted_of_target=0.4)
    found = {each.code: each.message() for each in said(calibrated(tmp_path, poor, PLAN + SAMPLES), tmp_path)}
    assert found["SP0471"] == "`vocab=auto` is slrs: it samples, and only 40% of the target's text is shared"
    alike = replace(FOREIGN, draft_tokens=20, shared=20)
    found = {each.code: each.message() for each in said(calibrated(tmp_path, alike), tmp_path)}
    assert found["SP0471"] == "`vocab=auto` is tli: 100% of the tokens are shared, which saves re-encoding"


def test_counts_of_another_pair_are_of_no_use(tmp_path: Path) -> None:
    other = replace(FOREIGN, draft="llama3")
    found = said(calibrated(tmp_path, other), tmp_path)
    assert [each.code for each in found] == ["SP0480", "SP0471"]
    assert "vocabularies llama3 and qwen2" in found[0].message()


def test_a_file_of_counts_that_cannot_be_read(tmp_path: Path) -> None:
    assert said(PLAN + "calibration: none.yaml\n", tmp_path)[0].code == "SP0403"
    text = calibrated(tmp_path, FOREIGN)
    (tmp_path / "pair.yaml").write_text("draft: a\n")
    assert said(text, tmp_path)[0].code == "SP0411"
    assert said(PLAN + 'calibration: "a\\0b"\n', tmp_path)[0].code == "SP0403"


def test_nothing_shared_is_refused(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    text = calibrated(tmp_path, FOREIGN, PLAN.replace("tokens=5", "tokens=5, vocab=tli"))
    found = said(text, tmp_path)
    assert [each.code for each in found] == ["SP0483"]
    golden("diagnostics/SP0483.txt", f"{text}\n----\n\n{render(found, colour=False)}")
    assert "SP0483" not in {each.code for each in said(text.replace("tli", "slem"), tmp_path)}


def expected(text: str, base: Path = Path("/nowhere")) -> float:
    forecast = explain(made(text, base)).forecast
    assert forecast is not None
    return forecast.tokens


def test_a_guess_is_right_in_shared_text_alone(tmp_path: Path) -> None:
    pair = find_pair("smollm2", "qwen2")
    assert pair is not None and pair.weighted_of_target is not None
    assert expected(PLAN) == pytest.approx(sum((0.7 * pair.weighted_of_target) ** k for k in range(6)))
    assert expected(calibrated(tmp_path, FOREIGN), tmp_path) == 1
    uncounted = replace(FOREIGN, weighted_of_target=None)
    assert expected(calibrated(tmp_path, uncounted), tmp_path) == pytest.approx(sum(0.7**k for k in range(6)))


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    text = " ".join(explanation_text(explain(made(PLAN))).split())
    assert "96.4% of qwen2's text is in tokens that smollm2 has (counted on specs/prompts/quick.jsonl: 60 texts" in text
    uncounted = calibrated(tmp_path, replace(FOREIGN, weighted_of_target=None))
    text = " ".join(explanation_text(explain(made(uncounted, tmp_path))).split())
    assert "nobody has counted how much of qwen2's text is in tokens of smollm2" in text


def test_a_drafter_that_does_not_pay_is_a_warning(tmp_path: Path) -> None:
    assert "SP0482" in {each.code for each in said(SMALL)}
    assert "SP0482" not in {each.code for each in said(PLAN)}
    (warning,) = (each for each in said(calibrated(tmp_path, FOREIGN), tmp_path) if each.code == "SP0482")
    assert "in the 0% of `target`'s text that is in shared tokens" in warning.help()[0]
    # The cost model, asked, leaves the drafter away; then there is nothing to warn of.
    asked = SMALL.replace("draft=draft_model(drafter, num_speculative_tokens=5)", "draft=choose(draft_model(drafter, "
                          "num_speculative_tokens=5), none)")  # fmt: skip
    assert "SP0482" not in {each.code for each in said(asked)}


def test_a_graph_is_warned_of_like_its_plan() -> None:
    assert [each.code for each in said(str(made(SMALL).graph))] == ["SP0482"]
    assert said(str(made(PLAN).graph)) == ()


def small_model(folder: Path, *, tokenizer: str | None = '{"model": {"vocab": {"a": 0}}}', eos: int | None = 2) -> None:
    """A model's folder, as far as compiling looks at it."""
    facts = {"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
    facts |= {"intermediate_size": 64, "vocab_size": 300, "max_position_embeddings": 512}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(facts if eos is None else facts | {"eos_token_id": eos}))
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(tokenizer)


LOCAL = PLAN.replace("smollm2-135m-instruct", "./drafter") + "prompt: {template: none}\n"


@pytest.mark.parametrize("vocab", ["auto", "slem", "tli", "slrs"])
def test_a_drafter_without_a_tokenizer_is_refused(
    tmp_path: Path, vocab: str, golden: Callable[[str, str], None]
) -> None:
    small_model(tmp_path / "drafter", tokenizer=None)
    text = LOCAL.replace("tokens=5", f"tokens=5, vocab={vocab}")
    found = said(text, tmp_path)
    assert [each.code for each in found] == ["SP0484"]
    if vocab == "slem":
        golden("diagnostics/SP0484.txt", f"{text}\n----\n\n{render(found, colour=False)}")
    file = tmp_path / "drafter" / "tokenizer.json"
    for broken in ("", "{}", '{"model": {"vocab": {}}}', '{"model": {"vocab": {"a": 0}}', "[]", '{"model": 5}'):
        file.write_text(broken)
        assert "SP0484" in {each.code for each in said(text, tmp_path)}, broken
    for whole in ('{"model": {"vocab": {"a": 0}}}', '{"model": {"vocab": [["a", 0.0]]}}'):
        file.write_text(whole)
        assert "SP0484" not in {each.code for each in said(text, tmp_path)}


def test_a_drafter_without_an_end_is_a_warning(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    small_model(tmp_path / "drafter", eos=None)
    text = LOCAL.replace("tokens=5", "tokens=5, vocab=slem")
    found = [each for each in said(text, tmp_path) if each.code == "SP0485"]
    assert [each.message() for each in found] == ["`drafter` names no end token"]
    golden("diagnostics/SP0485.txt", f"{text}\n----\n\n{render(found, colour=False)}")
    assert made(text, tmp_path).graph.law.exact


def test_rounds_that_were_rehearsed_are_explained_and_timed(tmp_path: Path) -> None:
    plain = explain(made(calibrated(tmp_path, replace(FOREIGN, shared=5)), tmp_path))
    timed = explain(made(calibrated(tmp_path, replace(FOREIGN, shared=5, rehearsed=REHEARSED)), tmp_path))
    assert timed.step_seconds == pytest.approx((plain.step_seconds or 0) + 0.003)
    spelled = [node for node in timed.step.nodes if node.node == "respell"]
    assert [node.cost and node.cost.seconds for node in spelled] == pytest.approx([0.002, 0.001])
    text = " ".join(explanation_text(timed).split())
    assert (
        "5 right ones of smollm2 are 4.5 candidates of qwen2, of which 4.2 are its own tokens; 93% of the time" in text
    )
    assert "(rehearsed on the same text, and timed on a processor)" in text
    assert "right ones" not in explanation_text(plain)


def test_a_rehearsal_is_told_whole_or_not_at_all(tmp_path: Path) -> None:
    text = calibrated(tmp_path, replace(FOREIGN, rehearsed=REHEARSED))
    written = (tmp_path / "pair.yaml").read_text()
    for old, new in (
        ("  candidates: 4.5\n", ""),
        ("  own: 4.25\n", "  own: 4.75\n"),
        ("  guesses: 5\n", "  guesses: 0\n"),
        ("  guess_us: 2000.0\n", "  guess_us: -1\n"),
        ("rehearsed:\n", "rehearsed: 5\n"),
    ):
        assert old in written
        (tmp_path / "pair.yaml").write_text(written.replace(old, new))
        assert "SP0411" in {each.code for each in said(text, tmp_path)}, new


def test_counts_of_local_models_are_found_by_their_names_in_the_graph(tmp_path: Path) -> None:
    for name, tokens in (("target", '{"model": {"vocab": {"a": 0}}}'), ("drafter", '{"model": {"vocab": {"b": 0}}}')):
        small_model(tmp_path / name, tokenizer=tokens)
    text = LOCAL.replace("qwen2.5-coder-1.5b-instruct", "./target") + "limits: {context: 256, max_new_tokens: 64}\n"
    draft, target = (made(text, tmp_path).costs.cards[name].vocabulary for name in ("drafter", "target"))
    counted = replace(FOREIGN, draft=draft, target=target, shared=5, weighted_of_target=0.1, rehearsed=REHEARSED)
    assert expected(text, tmp_path) > 2.5
    assert expected(calibrated(tmp_path, counted, text), tmp_path) == pytest.approx(sum(0.07**k for k in range(6)))
    found = made(calibrated(tmp_path, counted, text), tmp_path)
    assert "nobody has counted" not in explanation_text(explain(found))


@pytest.mark.parametrize(
    "draft",
    ["draft_model(speculate(drafter, draft=ngram()), num_speculative_tokens=5)",
     "draft_model(drafter, num_speculative_tokens=3, tree=static([2, 1, 1]))"],
)  # fmt: skip
def test_auto_takes_what_can_be(tmp_path: Path, draft: str) -> None:
    poor = replace(FOREIGN, shared=5, weighted_of_target=0.4)
    text = PLAN.replace("draft_model(drafter, num_speculative_tokens=5)", draft) + SAMPLES
    found = {each.code: each.message() for each in said(calibrated(tmp_path, poor, text), tmp_path)}
    assert found["SP0471"].startswith(
        "`vocab=auto` is tli: it samples, only 40% of the target's text is shared, and slrs"
    )
    assert "SP0462" not in found


@pytest.mark.parametrize("outer", ["mid", "target"])
def test_a_decoder_that_drafts_has_no_drafter_of_another_vocabulary(outer: str) -> None:
    """What was said is what that drafter goes on from, and a decoder that drafts has said nothing yet."""
    inner = "speculate(mid, draft=draft_model(drafter, num_speculative_tokens=2, vocab=slem))"
    text = PLAN.replace("models:\n", "models:\n  mid: {source: qwen2.5-coder-1.5b-instruct}\n")
    text = text.replace(
        "draft_model(drafter, num_speculative_tokens=5)", f"draft_model({inner}, num_speculative_tokens=4)"
    )
    if outer == "mid":
        text = text.replace("target: {source: qwen2.5-coder-1.5b-instruct}", "target: {source: gemma-3-270m}")
        text += "prompt: {template: none}\n"
    found = {each.code: each.message() for each in said(text)}
    assert "a decoder that drafts says nothing yet" in found["SP0462"]
