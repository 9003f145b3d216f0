"""Plans that are exact are certified, and whatever bends their law or their answers is found out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from specplan import compile_plan
from specplan.backends import decoder
from specplan.backends.bench import (
    Answer,
    GreedyCertificate,
    SampledCertificate,
    Verdict,
    certify,
)
from specplan.backends.bench.certificate.greedy import identity
from specplan.backends.bench.certificate.redrawing import COMPARED, Prefix, prefix_of, redraw
from specplan.backends.bench.certificate.remembering import RememberingNetwork
from specplan.backends.bench.decoding import Decoding
from specplan.backends.decoding import Sampling, acceptance, law
from specplan.backends.runtime import Program, Prompt, Row
from specplan.grammar import DiagnosticError
from specplan.planner import CompiledPlan

PROMPTS = [Prompt("a", "abcabcabcabc"), Prompt("b", "to be or not to be")]
PLAN = """\
specplan: 1
models:
  target: {{source: ./{target}, dtype: float32}}
{models}prompt: {{template: none}}
decode: {decode}
sampling: {{{sampling}, seed: 3}}
limits: {{max_new_tokens: {new}, context: 96, batch: {batch}}}
{more}"""
# The drafter is the target at another temperature: near enough to be accepted often, and another law.
DECODERS = {
    "plain": "autoregressive(target)",
    "ngram": "speculate(target, draft=ngram(max_ngram=2, num_speculative_tokens=4))",
    "chain": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, temperature=1.6))",
    "matched": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, temperature=1.6), "
    "accept=exact_match)",
    "tree": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=2, tree=static([2, 2]), temperature=1.6))",
    "typical": "speculate(target, draft=draft_model(drafter, num_speculative_tokens=3, temperature=1.6), "
    "accept=typical(epsilon=0.1, delta=0.3))",
}
SPECULATING = ["ngram", "chain", "matched", "tree"]
WARM = "temperature: 0.8, top_p: 0.95"
Plan = Callable[..., CompiledPlan]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def plan(folder: Path) -> Plan:
    def make(
        kind: str, *, target: str = "target", sampling: str = WARM, new: int = 12, batch: int = 1, more: str = ""
    ) -> CompiledPlan:
        models = "" if "drafter" not in DECODERS[kind] else f"  drafter: {{source: ./{target}, dtype: float32}}\n"
        text = PLAN.format(
            target=target, models=models, decode=DECODERS[kind], sampling=sampling, new=new, batch=batch, more=more
        )
        file = folder / "certified.yaml"
        file.write_text(text, encoding="utf-8")
        return compile_plan(file)

    return make


def sampled(plan: CompiledPlan, redraws: int = 250, cases: Sequence[Prompt] = PROMPTS[:1]) -> SampledCertificate:
    found = certify(plan, cases=cases, redraws=redraws)
    assert isinstance(found, SampledCertificate)
    return found


def greedy(plan: CompiledPlan) -> GreedyCertificate:
    found = certify(plan, cases=PROMPTS)
    assert isinstance(found, GreedyCertificate)
    return found


@pytest.mark.parametrize(
    ("kind", "target"), [("ngram", "target"), ("chain", "gemma"), ("matched", "target"), ("tree", "gemma")]
)
def test_plans_that_sample_are_certified(kind: str, target: str, plan: Plan) -> None:
    found = sampled(plan(kind, target=target))
    assert found.verdict is Verdict.LOSSLESS
    assert found.distance < 1e-4
    (prefix,) = found.prefixes
    assert [place.text[:-1] for place in prefix.places[1:]] == [place.text for place in prefix.places[:-1]]
    assert len(prefix.places[0].text) == prefix.prompt_tokens + prefix.said > prefix.prompt_tokens
    draws = [place.fit.draws for place in prefix.places]
    assert draws[0] == 250 and draws == sorted(draws, reverse=True) and len(draws) == 3


@pytest.mark.slow
@pytest.mark.parametrize("target", ["target", "gemma"])
@pytest.mark.parametrize("kind", SPECULATING)
def test_plans_that_sample_are_certified_by_many_redraws(kind: str, target: str, plan: Plan) -> None:
    found = sampled(plan(kind, target=target), redraws=5000, cases=PROMPTS)
    assert found.verdict is Verdict.LOSSLESS
    assert [each.id for each in found.prefixes] == ["a", "b"]
    assert len(found.p_values) >= 3


def too_willing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "acceptance_probability", lambda p, q: min(1.0, 2 * p / q))


def no_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "residual", lambda p, q: p)


@pytest.mark.parametrize("bend", [too_willing, no_residual])
@pytest.mark.parametrize("kind", ["chain", "tree"])
def test_acceptance_that_is_bent_is_found_out(
    bend: Callable[[pytest.MonkeyPatch], None], kind: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    bend(monkeypatch)
    found = sampled(plan(kind), redraws=500)
    assert found.verdict is Verdict.NOT_LOSSLESS
    assert found.p is not None and found.p < 0.01


def test_laws_that_are_not_the_targets_are_found_out(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that says something else draws and is compared by the same wrong laws: the distance shows it."""
    read = RememberingNetwork.__init__

    def wrong(self: RememberingNetwork, network: Any, *more: Any) -> None:
        read(self, network, *more)
        ask = self.scores._ask
        self.scores._ask = lambda texts, clock: [row.roll(1) for row in ask(texts, clock)]  # type: ignore[method-assign]

    monkeypatch.setattr(RememberingNetwork, "__init__", wrong)
    found = sampled(plan("plain"), redraws=200)
    assert found.p is not None and found.p > 0.01
    assert found.distance > 0.5
    assert found.verdict is Verdict.NOT_LOSSLESS


def test_an_approximate_plan_is_not_certified(plan: Plan) -> None:
    found = sampled(plan("typical"))
    assert found.verdict is Verdict.APPROXIMATE
    assert not found.verdict.certified
    assert found.law == "approximate by typical"
    assert found.p is not None and found.p < 0.01


def test_a_law_that_leaves_nothing_to_test_is_not_certified(plan: Plan) -> None:
    found = sampled(plan("ngram", sampling="temperature: 0.8, top_k: 1"), redraws=50)
    assert found.p_values == ()
    assert found.verdict is Verdict.NOTHING


def test_prompts_that_are_refused_are_left_out(plan: Plan) -> None:
    found = sampled(plan("ngram"), redraws=30, cases=[Prompt("long", "x" * 200), PROMPTS[0]])
    assert [(each.id, each.diagnostics[0].code) for each in found.left_out] == [("long", "SP0801")]
    assert [each.id for each in found.prefixes] == ["a"]


def remembering(plan: CompiledPlan, budget: int = 1 << 20) -> tuple[Program, list[RememberingNetwork]]:
    networks: list[RememberingNetwork] = []

    def around(model: Any, network: Any) -> RememberingNetwork:
        networks.append(RememberingNetwork(network, budget))
        return networks[-1]

    return decoder(plan, around=around).program, networks


def prefix(program: Program, networks: list[RememberingNetwork], longest: int = 12) -> AbstractContextManager[Prefix]:
    """Where the target, the first of the networks, is least sure."""

    def likeliest(text: tuple[int, ...]) -> float:
        return float(law(networks[0].scores.behind([text])[0], Sampling(0.8, None, 0.95)).max())

    return prefix_of(program, networks, PROMPTS[0], likeliest, longest)


def replayed(program: Program, prefix: Prefix, prompt: Prompt, key: int) -> tuple[int, ...]:
    """What a redraw says, had by going all of the way anew."""
    row = Row(prompt)
    state, ended = program.start(row), ()
    while len(row.result().token_ids) < prefix.said:
        state, _ = program.step(state)
    row.key = key
    while not ended and len(row.result().token_ids) < prefix.said + COMPARED:
        state, ended = program.step(state)  # type: ignore[assignment]
    program.release(row)
    return row.result().token_ids[prefix.said : prefix.said + COMPARED]


@pytest.mark.parametrize("kind", SPECULATING)
def test_going_back_is_as_good_as_going_all_the_way_anew(kind: str, plan: Plan) -> None:
    guarded = plan(kind, more="stop: {strings: ['zzz']}\nguard: {min_speedup: 1.1, window: 2}\n")
    program, networks = remembering(guarded)
    with prefix(program, networks) as here:
        said = [redraw(program, here, key) for key in range(40)]
        again = [redraw(program, here, key) for key in range(40)]
    assert said == again == [replayed(program, here, PROMPTS[0], key) for key in range(40)]
    assert len(Counter(said)) > 5
    assert all(not network.caches for network in networks)


@pytest.mark.parametrize("kind", ["chain", "tree"])
def test_what_is_remembered_is_what_the_models_say(kind: str, plan: Plan) -> None:
    compiled = plan(kind)
    plain = decoder(compiled).generate(PROMPTS)
    looked_up = decoder(compiled, around=lambda model, network: RememberingNetwork(network)).generate(PROMPTS)
    assert [each.token_ids for each in looked_up] == [each.token_ids for each in plain]
    assert [each.text for each in looked_up] == [each.text for each in plain]


def test_texts_are_asked_for_once_and_forgotten_where_there_is_no_room(plan: Plan) -> None:
    ample, scant = (remembering(plan("chain"), budget) for budget in (1 << 20, 20 * 257 * 4))
    said = []
    for program, networks in (ample, scant):
        with prefix(program, networks) as here:
            said.append([redraw(program, here, key) for key in range(60)])
            passes = [network.scores.passes for network in networks]
            assert said[-1] == [redraw(program, here, key) for key in range(60)]
        told = [network.scores.passes for network in networks]
        assert (told == passes) is (networks is ample[1])
        assert all(len(network.scores._known) <= (20 if networks is scant[1] else 9999) for network in networks)
    assert said[0] == said[1]


def test_no_prefix_takes_the_end_of_the_answer(plan: Plan) -> None:
    program, networks = remembering(plan("plain", new=4))
    with prefix(program, networks, longest=4) as here:
        assert here.said == 1
        assert len(redraw(program, here, 5)) == 3
    (found,) = sampled(plan("plain", new=2), redraws=40).prefixes
    assert (found.said, len(found.places)) == (0, 2)


def test_a_round_is_redrawn_where_the_target_is_least_sure(plan: Plan) -> None:
    program, networks = remembering(plan("plain"))
    asked: dict[tuple[int, ...], float] = {}

    def likeliest(text: tuple[int, ...]) -> float:
        return asked.setdefault(text, -len(text) % 5)

    with prefix_of(program, networks, PROMPTS[0], likeliest, 12) as here:
        assert sorted(len(text) - 12 for text in asked) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert asked[here.text] == min(asked.values())


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("target", ["target", "gemma"])
@pytest.mark.parametrize("kind", SPECULATING)
def test_greedy_plans_are_certified(kind: str, target: str, batch: int, plan: Plan) -> None:
    found = greedy(plan(kind, target=target, sampling="temperature: 0", batch=batch))
    assert found.verdict is Verdict.EXACT
    assert [each.id for each in found.answers] == ["a", "b"]
    assert found.tokens == sum(each.tokens for each in found.answers) > 2


def test_an_approximate_plan_is_not_certified_where_it_is_greedy_either(plan: Plan) -> None:
    found = greedy(plan("typical", sampling="temperature: 0"))
    assert found.law == "approximate by typical"
    assert found.verdict is Verdict.APPROXIMATE
    assert not found.verdict.certified and found.tokens > 2


def test_a_greedy_answer_that_was_tampered_with(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Decoding.answer

    def tampered(self: Decoding, prompts: Sequence[Prompt]) -> Answer:
        found = answer(self, prompts)
        return replace(found, tokens={id: (*said[:-1], (said[-1] + 1) % 250) for id, said in found.tokens.items()})

    compiled = plan("ngram", sampling="temperature: 0")
    honest = decoder(compiled).generate(PROMPTS)
    monkeypatch.setattr(Decoding, "answer", tampered)
    found = greedy(compiled)
    assert found.verdict is Verdict.NOT_EXACT
    assert [(each.id, each.position, each.argmax) for each in found.departures] == [
        (each.id, len(each.token_ids) - 1, each.token_ids[-1]) for each in honest
    ]
    assert all(each.behind >= each.gap > 0 and not each.near for each in found.departures)


def scripted(logits: list[list[float]], dtype: torch.dtype) -> Any:
    """A model that says these logits behind an answer's places."""
    said = torch.tensor(logits, dtype=dtype)
    model = lambda ids, use_cache, logits_to_keep: SimpleNamespace(logits=said[None, -logits_to_keep:])  # noqa: E731
    return SimpleNamespace(model=model, dtype=dtype, device=torch.device("cpu"))


def test_a_near_tie_is_a_few_units_in_the_last_place() -> None:
    # Between 8 and 16, numbers of bfloat16 are 1/16 apart.
    logits = [[10.0, 10.0625, 2.0], [10.0, 10.0, 2.0], [12.0, 10.0, 11.0], [10.0, 12.0, 0.0]]
    found = identity("a", [1], [0, 1, 1, 1], scripted(logits, torch.bfloat16))
    assert [(each.position, each.argmax, each.near) for each in found.departures] == [
        (0, 1, True), (1, 0, True), (2, 0, False)
    ]  # fmt: skip
    assert [each.units for each in found.departures] == [1.0, 0.0, 32.0]
    assert [each.gap for each in found.departures] == [0.0625, 0.0, 1.0]
    (single,) = identity("a", [1], [0], scripted(logits[:1], torch.float32)).departures
    assert not single.near and single.unit == 2.0**-20


def test_toy_tables_have_no_certificate(plan: Plan, folder: Path) -> None:
    plan("ngram")
    with pytest.raises(DiagnosticError) as refused:
        certify(compile_plan(folder / "certified.yaml", engine="reference"))
    assert [each.code for each in refused.value.diagnostics] == ["SP0820"]
