"""What is said of a plan: goldens of the text, sums that have to agree, and plans of which little is known."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from specplan import compile_plan
from specplan.planner import CompiledPlan, compile_source
from specplan.planner.cards import find_pair
from specplan.planner.explain import (
    ExplainedNode,
    ExplainedRegion,
    Explanation,
    explain,
    explanation_mermaid,
    explanation_svg,
    explanation_text,
    explanation_to_json,
)
from specplan.planner.graph import Graph

PLANS = sorted((Path(__file__).parents[3] / "specs" / "plans").glob("*.yaml"))
Golden = Callable[[str, str], None]

every_plan = pytest.mark.parametrize("plan", PLANS, ids=lambda file: file.stem)


def compiled(plan: Path | str) -> CompiledPlan:
    file = plan if isinstance(plan, Path) else PLANS[0].with_name(f"{plan}.yaml")
    return compile_source(file.read_bytes(), file.name, file.parent)


def explained(plan: Path | str) -> Explanation:
    return explain(compiled(plan))


def from_text(text: str) -> Explanation:
    return explain(compile_source(text.encode(), "graph.txt", PLANS[0].parent))


def from_plan(text: str) -> Explanation:
    return explain(compile_source(text.encode(), "plan.yaml", PLANS[0].parent))


def nodes(region: ExplainedRegion) -> Iterator[ExplainedNode]:
    for node in region.nodes:
        yield node
        for inner in node.regions:
            yield from nodes(inner)


# Goldens -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["autoregressive", "ngram", "tli", "ppd", "ppd_drafter", "pipedec", "pasta_ngram", "choose_rows"]
)
def test_text(name: str, golden: Golden) -> None:
    plan = PLANS[0].with_name(f"{name}.yaml").read_text(encoding="utf-8").rstrip()
    golden(f"explain/{name}.txt", f"{plan}\n\n----\n\n{explanation_text(explained(name))}")


def test_json(golden: Golden) -> None:
    text = json.dumps(explanation_to_json(explained("ngram")), indent=2, ensure_ascii=False)
    golden("explain/ngram.json", text + "\n")


def test_mermaid(golden: Golden) -> None:
    golden("explain/tli.mmd", explanation_mermaid(explained("tli")))


def test_svg(golden: Golden) -> None:
    golden("explain/tli.svg", explanation_svg(explained("tli")))


# All plans ---------------------------------------------------------------------------------------------------------------


@every_plan
def test_every_node_has_its_line(plan: Path) -> None:
    made = explained(plan)
    lines = explanation_text(made).split("\n\n")[1].splitlines()
    graph = made.graph
    wanted = [f"{node.keyword} {', '.join(value.name for value in node.results)}" for node in graph.nodes()]
    shown = [line.strip() for line in lines[1:]]
    for line in wanted:
        assert sum(each == line or each.startswith(f"{line} ") for each in shown) >= wanted.count(line)
    assert len(shown) == len(wanted) + len(list(graph.regions()))


@every_plan
def test_every_format(plan: Path) -> None:
    made = explained(plan)
    assert json.loads(json.dumps(explanation_to_json(made), allow_nan=False))["format_version"] == 1
    ElementTree.fromstring(explanation_svg(made))
    assert explanation_mermaid(made).count("subgraph") == len(list(made.graph.regions()))


@every_plan
def test_facts_are_at_most_120_wide(plan: Path) -> None:
    facts, _, tree = explanation_text(explained(plan)).partition("\n\n")
    assert max(map(len, facts.splitlines())) <= 120
    # Only shapes, which stand last, may run over.
    assert max(line.rstrip().rfind("  ") for line in tree.splitlines()) < 120


@every_plan
def test_a_graph_is_explained_like_its_plan(plan: Path) -> None:
    """What a graph's text does not say (half of the context, what `auto` decided) is all that may differ."""
    of_plan = compiled(plan)
    of_text = compile_source(str(of_plan.graph).encode(), plan.name, plan.parent)
    left, right = explain(of_plan), explain(of_text)
    assert left.memory == right.memory
    assert (left.law, left.numerics, left.sampling) == (right.law, right.numerics, right.sampling)
    if of_plan.costs.context == of_text.costs.context:
        assert left.step == right.step
        assert left.forecast == right.forecast


@every_plan
def test_sums_agree(plan: Path) -> None:
    made = explained(plan)
    assert made.step_cost is not None
    costs = [node.cost for node in made.step.nodes]
    assert sum(cost.bytes for cost in costs if cost) == pytest.approx(made.step_cost.bytes)
    shares = [node.share or 0 for node in made.step.nodes]
    # The ranks of a pipeline work at the same time.
    assert sum(shares) == pytest.approx(1) if made.memory.devices == 1 else 1 <= sum(shares) <= made.memory.devices
    assert made.memory.needed == sum((each.weights or 0) + (each.cache or 0) for each in made.memory.models)


@every_plan
def test_the_tree_does_not_hold_more_than_the_plan(plan: Path) -> None:
    """Caches made at the start are a part of the memory plan."""
    made = explained(plan)
    caches = sum(node.memory or 0 for node in made.start.nodes)
    assert 0 < caches <= sum(each.cache or 0 for each in made.memory.models)


# Forecasts ---------------------------------------------------------------------------------------------------------------


def test_plain_decoding_is_no_faster_than_itself() -> None:
    forecast = explained("autoregressive").forecast
    assert forecast is not None
    assert [each.speedup for each in forecast.rows] == [pytest.approx(1)]
    assert not forecast.speculates
    assert forecast.break_even is None


def test_break_even_is_where_the_speedup_is_one() -> None:
    forecast = explained("tli").forecast
    assert forecast is not None
    assert forecast.break_even is not None
    (only,) = forecast.rows
    shared = find_pair("smollm2", "qwen2")
    assert shared is not None and shared.weighted_of_target is not None
    tokens = sum((shared.weighted_of_target * forecast.break_even) ** k for k in range(6))
    assert tokens / only.seconds * only.plain_seconds == pytest.approx(1)


def test_speculation_stops_paying_where_the_table_says() -> None:
    """The cost model's choice and the forecast are one arithmetic."""
    forecast = explained("choose_rows").forecast
    assert forecast is not None
    assert forecast.stops_paying_at == 5
    faster = [each.rows for each in forecast.rows if each.speedup > 1]
    assert faster == [1, 2, 4]


def test_drafting_that_costs_too_much_never_pays() -> None:
    made = explained("slrs")
    assert made.forecast is not None
    assert made.forecast.break_even is None
    assert "(slower)" in explanation_text(made)
    assert "never: even if every guess were right" in explanation_text(made)


def test_a_pipeline_works_at_the_same_time() -> None:
    made = explained("pipedec")
    assert made.step_cost is not None
    assert made.step_seconds is not None
    assert made.step_seconds == max(node.cost.seconds for node in made.step.nodes if node.cost)
    assert made.step_seconds < made.step_cost.seconds
    assert {node.node: node.ranks for node in made.step.nodes}["advance"] == "1..4"


def test_threads_share_a_pass() -> None:
    forecast = explained("pasta").forecast
    assert forecast is not None
    assert [each.rows for each in forecast.rows] == [1, 2, 4, 9]
    assert [each.speedup for each in forecast.rows] == sorted(each.speedup for each in forecast.rows)


def test_what_guesses_give_to_threads() -> None:
    """Guesses fill the pass that other threads would share: the more threads, the less they give."""
    forecast, plain = explained("pasta_ngram").forecast, explained("pasta").forecast
    assert forecast is not None and forecast.threads is not None and plain is not None and plain.threads is not None
    given = [each.guessing for each in forecast.rows]
    both = zip(forecast.rows, plain.rows, strict=True)
    assert given == pytest.approx([mine.speedup / theirs.speedup for mine, theirs in both])
    assert given == sorted(given, key=lambda each: -(each or 0))
    stops = forecast.threads.stops_paying_at
    assert stops is not None
    assert all(((each.guessing or 0) >= 1) == (each.rows < stops) for each in forecast.rows)
    assert [each.guessing for each in plain.rows] == [None] * 4 and plain.threads.stops_paying_at is None
    shown = explanation_text(explained("pasta_ngram"))
    assert f"guesses stop paying at {stops} active threads" in shown
    assert "guess" not in explanation_text(explained("pasta"))


def test_tokens_of_all_threads_rest_on_an_assumed_share() -> None:
    plain, ngram = (explained(each).forecast for each in ("pasta", "pasta_ngram"))
    assert plain is not None and plain.threads is not None and ngram is not None and ngram.threads is not None
    assert plain.threads.tokens == pytest.approx(1 / (0.5 + 0.5 / 8))
    assert ngram.threads.tokens == pytest.approx(ngram.tokens * plain.threads.tokens)
    assert explained("ngram").forecast.threads is None  # type: ignore[union-attr]
    assert "at s = 0.5 (assumed, not measured)" in explanation_text(explained("pasta"))


def test_measured_accuracies_are_not_assumed() -> None:
    forecast = explained("ppd").forecast
    assert forecast is not None
    assert not forecast.varies
    assert "assumed, not measured" not in explanation_text(explained("ppd"))
    assert "were measured on vicuna-7b-v1.3, not on" in explanation_text(explained("ppd_drafter"))


def test_what_auto_decided() -> None:
    made = from_plan(
        "specplan: 1\nmodels:\n  target: {source: qwen2.5-coder-1.5b-instruct}\n"
        "  drafter: {source: smollm2-135m-instruct}\n"
        "decode: speculate(target, draft=draft_model(drafter, num_speculative_tokens=5))\n"
    )
    (decision,) = made.decisions
    assert decision.startswith("`vocab=auto` is ")
    assert f"decided    {decision[:40]}" in explanation_text(made)


@pytest.mark.parametrize(
    ("plan", "dtype", "said"),
    [
        ("ngram", "float32", "equal token for token"),
        ("ngram", "bfloat16", "equal token for token up to near-ties"),
        ("ngram", "int4", "equal to the quantized target's up to near-ties"),
        ("tli", "float32", "equal in law"),
        ("typical", "bfloat16", "the law is not the target's"),
    ],
)
def test_numerics(plan: str, dtype: str, said: str) -> None:
    text = str(compiled(plan).graph)
    target = next(line for line in text.splitlines() if "model target" in line)
    kind = target.partition("dtype=")[2].partition(",")[0]
    made = from_text(text.replace(f"dtype={kind}", f"dtype={dtype}"))
    assert made.numerics.startswith(f"{dtype}: {said}")


# Without cards -----------------------------------------------------------------------------------------------------------


def without(plan: str, source: str) -> Explanation:
    return from_text(str(compiled(plan).graph).replace(f'"{source}"', '"no <such>/card"'))


def test_no_card_of_the_drafter() -> None:
    made = without("tli", "smollm2-135m-instruct")
    assert made.unknown == ("drafter",)
    assert made.forecast is None
    costs = {node.node: node.cost for node in made.step.nodes}
    assert costs["draft"] is None
    assert costs["verify"] is not None
    text = explanation_text(made)
    assert "no card says how large `drafter` is" in text
    assert "unknown, without a card" in text
    assert "at least" in text
    ElementTree.fromstring(explanation_svg(made))
    assert explanation_to_json(made)["forecast"] is None


@pytest.mark.parametrize("plan", PLANS, ids=lambda file: file.stem)
def test_no_card_of_the_target(plan: Path) -> None:
    graph: Graph = compiled(plan).graph
    made = without(plan.stem, graph.target.source)
    assert "target" in made.unknown
    assert all(
        node.cost is None for node in nodes(made.step) if node.node in ("verify", "advance") and node.by == "target"
    )
    assert "no card says how large" in explanation_text(made)
    ElementTree.fromstring(explanation_svg(made))


def test_no_card_of_the_prompts() -> None:
    made = without("ppd", "ppd-vicuna-7b-v1.3")
    assert made.forecast is not None
    assert made.forecast.varies
    assert "has not been measured" in " ".join(made.assumptions)


# Determinism -------------------------------------------------------------------------------------------------------------

DIGEST = """
import hashlib, json, pathlib, sys
from specplan.planner import compile_source
from specplan.planner.draw import graph_to_dot, graph_to_mermaid, graph_to_svg
from specplan.planner.explain import explain, explanation_svg, explanation_text, explanation_to_json
from specplan.planner.graph import graph_to_json
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.yaml")):
    plan = compile_source(file.read_bytes(), file.name, file.parent)
    made, graph = explain(plan), plan.graph
    said = [explanation_text(made), explanation_svg(made), json.dumps(explanation_to_json(made))]
    said += [graph_to_dot(graph), graph_to_mermaid(graph), graph_to_svg(graph), json.dumps(graph_to_json(graph))]
    print(file.name, hashlib.sha256("".join(said).encode()).hexdigest())
print(sorted({"torch", "numpy", "rich", "jsonschema"} & set(sys.modules)))
"""


def test_the_same_bytes_under_every_hash_seed() -> None:
    def digest(seed: str) -> str:
        command = [sys.executable, "-c", DIGEST, str(PLANS[0].parent)]
        environment = {"PYTHONHASHSEED": seed, "PATH": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    first = digest("1")
    assert first.count("\n") == len(PLANS) + 1
    assert first.endswith("[]\n"), "explaining imports something heavy"
    assert digest("2") == first


def test_from_python() -> None:
    file = PLANS[0].with_name("ngram.yaml")
    assert compile_plan(file).explain() == explanation_text(explained(file))
