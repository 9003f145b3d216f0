"""Whole decoders on tiny models: exact, reproducible, and ended cleanly wherever they end."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from specplan.backends.decoding import Sampling, law
from specplan.backends.eager import emit
from specplan.backends.eager.run import decoder
from specplan.backends.models import LoadedModel
from specplan.backends.runtime import Finished, LoopDecoder, Prompt, Refused, Result, Stepped
from specplan.grammar import DiagnosticError
from specplan.planner.graph import Graph

Tiny = Callable[..., LoadedModel]
Decode = Callable[..., LoopDecoder]
GraphOf = Callable[..., Graph]
KINDS = ("llama", "qwen2", "gemma3", "qwen2-windows")
DRAFTS = ("none", "ngram", "model", "merge")
PROMPTS = ["abcabcabcab", "Hello", "x", "one two one two one"]
EOS = 256


def generated(loaded: LoadedModel, prompt: str, new: int) -> list[int]:
    """What transformers generates greedily."""
    ids = torch.tensor([loaded.tokenizer(prompt)["input_ids"]])
    made = loaded.model.generate(ids, do_sample=False, max_new_tokens=new, eos_token_id=EOS, pad_token_id=0)
    return [*made[0, ids.shape[1] :].tolist()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draft", DRAFTS)
def test_greedy_decoding_is_what_transformers_generates(tiny: Tiny, decode: Decode, kind: str, draft: str) -> None:
    results = decode(draft, kind=kind, new=24).generate(PROMPTS)
    for prompt, result in zip(PROMPTS, results, strict=True):
        assert list(result.token_ids) == generated(tiny(kind), prompt, 24)


def test_a_drafter_that_is_the_target_is_always_right(decode: Decode) -> None:
    for rule, sampling in (("exact_match", ""), ("rejection", "temperature=0.8, seed=3")):
        (result,) = decode("model", same=True, rule=rule, sampling=sampling, new=30).generate(["abc"])
        assert result.stats.acceptance_histogram == (0, 0, 0, 0, 0, 5)
        assert (result.stats.steps, result.stats.drafted, result.stats.accepted) == (5, 25, 25)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("rule", ["exact_match", "rejection"])
def test_a_seed_gives_the_same_text_whatever_stands_around_it(decode: Decode, draft: str, rule: str) -> None:
    facts: dict[str, Any] = {"rule": rule, "sampling": "temperature=1.0, top_p=0.9, seed=7", "new": 12}
    if (draft, rule) == ("none", "rejection"):
        facts["rule"] = "exact_match"
    running = decode(draft, **facts)
    prompts = [Prompt(name, text) for name, text in enumerate(PROMPTS)]
    forward = running.generate(prompts)
    backward = running.generate(prompts[::-1])[::-1]
    assert [each.token_ids for each in forward] == [each.token_ids for each in backward]
    assert [each.token_ids for each in decode(draft, **facts).generate(prompts)] == [each.token_ids for each in forward]
    facts["sampling"] = "temperature=1.0, top_p=0.9, seed=8"
    assert [each.token_ids for each in decode(draft, **facts).generate(prompts)] != [each.token_ids for each in forward]


@pytest.mark.parametrize("draft", ["ngram", "model", "merge"])
def test_exact_match_says_what_autoregressive_sampling_says(decode: Decode, draft: str) -> None:
    """Under exact match the target's draws are keyed by position alone, so drafts change nothing but the speed."""
    sampling = "temperature=0.7, top_k=20, seed=5"
    plain = decode("none", sampling=sampling).generate(PROMPTS)
    drafted = decode(draft, sampling=sampling).generate(PROMPTS)
    assert [each.token_ids for each in drafted] == [each.token_ids for each in plain]


@pytest.mark.parametrize("draft", ["ngram", "model", "merge"])
def test_rejection_follows_the_targets_law(tiny: Tiny, decode: Decode, draft: str) -> None:
    """The first two tokens of many rows against the target's law: chi-square of the frequent tokens."""
    temper = Sampling(temperature=0.5, top_k=4)
    running = decode(draft, rule="rejection", sampling="temperature=0.5, top_k=4, seed=11", new=2)
    rows = 160
    results = running.generate([Prompt(number, "ababab") for number in range(rows)])
    first = Counter(each.token_ids[0] for each in results)
    chi_square(first, target_law(tiny(), "ababab", [], temper), rows)
    common, count = first.most_common(1)[0]
    second = Counter(each.token_ids[1] for each in results if each.token_ids[0] == common and len(each.token_ids) == 2)
    chi_square(second, target_law(tiny(), "ababab", [common], temper), count)


def target_law(loaded: LoadedModel, prompt: str, said: list[int], temper: Sampling) -> list[float]:
    ids = torch.tensor([[*loaded.tokenizer(prompt)["input_ids"], *said]])
    with torch.inference_mode():
        probabilities: list[float] = law(loaded.model(ids).logits[0, -1], temper).tolist()
    return probabilities


def chi_square(counts: Counter[int], expected: list[float], rows: int) -> None:
    """Draws are keyed, so this cannot fail by chance tomorrow; 21 is beyond 0.9999 for three degrees of freedom."""
    assert all(expected[token] > 0 for token in counts)
    assert sum((counts[t] - rows * p) ** 2 / (rows * p) for t, p in enumerate(expected) if p > 0) < 21


def test_an_end_token_inside_a_draft_ends_the_row(tiny: Tiny, decode: Decode) -> None:
    """The target's own weights draft, so what ends the row was guessed; the tokens behind it are not said."""
    text = generated(tiny(), "abc", 24)
    ends = text[8]
    said = text[: text.index(ends) + 1]
    for draft in ("model", "merge"):
        running = decode(draft, same=True, stop=f", token_ids=[{ends}]")
        events = [*running.stream(["abc"])]
        result = finished(events)
        assert list(result.token_ids) == said
        steps = [each for each in events if isinstance(each, Stepped)]
        assert "".join(each.text for each in steps) == result.text
        assert [token for each in steps for token in each.token_ids] == said


def test_the_end_token_ends_a_row_unless_it_is_ignored(tiny: Tiny, decode: Decode) -> None:
    loaded = tiny("llama", 0)
    prompt = next(
        text for text in (f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop") if EOS in generated(loaded, text, 60)
    )
    expected = generated(loaded, prompt, 60)
    for draft in DRAFTS:
        (result,) = decode(draft, new=60).generate([prompt])
        assert list(result.token_ids) == expected
        assert result.token_ids[-1] == EOS
        (result,) = decode(draft, new=60, stop=", ignore_eos=true").generate([prompt])
        assert len(result.token_ids) == 60


@pytest.mark.parametrize("new", [1, 2, 7])
def test_a_limit_inside_a_draft_is_kept(tiny: Tiny, decode: Decode, new: int) -> None:
    for draft in DRAFTS:
        (result,) = decode(draft, same=True, new=new).generate(["abc"])
        assert list(result.token_ids) == generated(tiny(), "abc", new)
        assert result.stats.generated == new


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_end_of_the_context_ends_a_row(tiny: Tiny, decode: Decode, draft: str) -> None:
    """A cache of 20 rows and 3 tokens of prompt: 18 more tokens, of which the last is not read."""
    (result,) = decode(draft, same=True, new=100, capacity=20, longest=20).generate(["abc"])
    assert list(result.token_ids) == generated(tiny(), "abc", 18)


def test_stop_strings_end_a_row_across_tokens(decode: Decode) -> None:
    (plain,) = decode("none", new=60).generate(["abcabc"])
    word = next(first + second for first, second in pairwise(plain.text[12:]) if (first + second).isascii())
    for draft in DRAFTS:
        events = [*decode(draft, new=60, stop=f", strings=[{quoted(word)}]").stream(["abcabc"])]
        result = finished(events)
        assert result.text == plain.text[: plain.text.index(word)]
        assert "".join(each.text for each in events if isinstance(each, Stepped)) == result.text
        assert len(result.token_ids) < 60


def quoted(text: str) -> str:
    return '"' + "".join(f"\\u{ord(each):04x}" for each in text) + '"'


def test_a_prompt_of_one_token_and_the_longest_one(tiny: Tiny, decode: Decode) -> None:
    running = decode("ngram", longest=8)
    results = running.generate(["a", "abcdefgh"])
    assert [each.prompt_tokens for each in results] == [1, 8]
    assert list(results[0].token_ids) == generated(tiny(), "a", 32)
    (refused, *rest) = running.stream(["abcdefghi", "b"])
    assert isinstance(refused, Refused) and isinstance(rest[-1], Finished)
    (diagnostic,) = refused.diagnostics
    assert diagnostic.code == "SP0801"
    assert diagnostic.message() == "prompt `1` has 9 tokens, and the plan has room for 8"
    with pytest.raises(DiagnosticError, match="SP0802"):
        running.generate([""])


def test_rows_in_between_do_not_disturb_each_other(decode: Decode) -> None:
    running = decode("model", rule="rejection", sampling="temperature=1.0, seed=2")
    alone = running.generate(PROMPTS)
    streams = [running.stream([Prompt(number, text)]) for number, text in enumerate(PROMPTS, 1)]
    together: dict[str | int, Result] = {}
    while streams:
        for stream in [*streams]:
            event = next(stream, None)
            if event is None:
                streams.remove(stream)
            elif isinstance(event, Finished):
                together[event.id] = event.result
    assert [together[number].token_ids for number in sorted(together)] == [each.token_ids for each in alone]


def test_whoever_leaves_early_gives_the_caches_back(decode: Decode) -> None:
    running = decode("none")
    for _ in range(3):
        for event in running.stream(["abc", "def"]):
            if isinstance(event, Stepped):
                break
    network = running.program._machine.target  # type: ignore[attr-defined]
    assert [pool._members for pool in network._pools] == [[]]


def test_an_interrupt_passes_through_and_the_decoder_lives_on(decode: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    running = decode("ngram")
    (expected,) = running.generate(["abc"])
    network = running.program._machine.target  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        read, reads = type(network).read, iter(range(5))

        def interrupted(*given: object, **named: object) -> object:
            if next(reads, None) is None:
                raise KeyboardInterrupt
            return read(*given, **named)

        patch.setattr(type(network), "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            running.generate(["abc"])
    assert running.generate(["abc"])[0].token_ids == expected.token_ids


def test_an_edited_program_is_what_runs(tiny: Tiny, graph_of: GraphOf, tmp_path: Path) -> None:
    graph = graph_of("ngram")
    program = tmp_path / "decode.py"
    program.write_text(emit(graph)["decode.py"].replace("max_new_tokens=32", "max_new_tokens=3"))
    (result,) = decoder(graph, program=program, load=lambda _: tiny()).generate(["abc"])
    assert list(result.token_ids) == generated(tiny(), "abc", 3)


@pytest.mark.parametrize(
    ("edit", "reason", "line"),
    [
        (("def step(", "def step[("), "expected", "def step["),
        (("def step", "def stap"), "no function `step`", None),
        (('law = Sampling(name="law")', "law = 1 // 0"), "ZeroDivisionError", "law = 1 // 0"),
    ],
)
def test_a_program_that_was_broken_is_answered_at_its_line(
    tiny: Tiny, graph_of: GraphOf, tmp_path: Path, edit: tuple[str, str], reason: str, line: str | None
) -> None:
    graph = graph_of("none")
    program = tmp_path / "decode.py"
    program.write_text(emit(graph)["decode.py"].replace(*edit))
    with pytest.raises(DiagnosticError) as caught:
        decoder(graph, program=program, load=lambda _: tiny())
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "SP0804"
    assert reason in diagnostic.message()
    assert (diagnostic.span is None) is (line is None)
    if diagnostic.span is not None and line is not None:
        assert line in diagnostic.span.source.line_text(diagnostic.span.line)


def test_a_traceback_shows_the_emitted_line(tiny: Tiny, graph_of: GraphOf, monkeypatch: pytest.MonkeyPatch) -> None:
    running = decoder(graph_of("none"), load=lambda _: tiny())
    network = running.program._machine.target  # type: ignore[attr-defined]
    monkeypatch.setattr(type(network), "read", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError) as caught:
        running.generate(["abc"])
    shown = "".join(traceback.format_exception(caught.value))
    assert "fresh, cache = prefill(machine, ids, by=target" in shown


def finished(events: list[Any]) -> Result:
    (result,) = [each.result for each in events if isinstance(each, Finished)]
    return result
