"""What each pass makes of a graph, and what it leaves alone: the graph before and after, side by side in a golden."""

from collections.abc import Callable

import pytest

from specplan.planner import CompiledPlan, stage_names
from specplan.planner.graph import Graph

Compile = Callable[..., CompiledPlan]
Sound = Callable[[Graph], Graph]
Golden = Callable[[str, str], None]

MODELS = """\
specplan: 1
models:
  target: {source: smollm2-135m-instruct}
  kin: {source: smollm2-135m-pard}
  hints: {source: ppd-smollm2-135m, rides: target}
"""
TREE = "tree=[[0], [1], [0, 0]]"
LARGE = """\
specplan: 1
models:
  target: {source: qwen2.5-coder-1.5b-instruct}
  kin: {source: pard-qwen2.5-0.5b}
"""
FOREIGN = """\
specplan: 1
models:
  target: {source: qwen2.5-coder-1.5b-instruct}
  kin: {source: smollm2-135m-instruct}
  hints: {source: ppd-smollm2-135m, rides: kin}
"""

# For every pass: a title, the models, the strategy, and the rest of the plan.
CASES: dict[str, list[tuple[str, str, str, str]]] = {
    "choose_drafts": [
        ("the best alternative stands alone", LARGE, "speculate(target, draft=choose(pard(kin, 4), ngram, none))", ""),
        (
            "no guesses, where guessing does not pay",
            MODELS.replace("smollm2-135m-pard", "qwen2.5-coder-1.5b-instruct, mask: 151665"),
            "speculate(target, draft=choose(pard(kin, 4, vocab=slem), none))",
            "",
        ),
        (
            "cases over the rows: neighbours with the same winner are one",
            LARGE,
            "speculate(target, draft=choose(pard(kin, 8), pard(kin, 4), none, per=rows))",
            "limits: {batch: 8}\n",
        ),
        (
            "one winner for every number of rows",
            LARGE,
            "speculate(target, draft=choose(ngram(3, 4), none, per=rows))",
            "limits: {batch: 2}\n",
        ),
        (
            "inside a drafter",
            LARGE,
            "speculate(target, draft=draft_model(speculate(kin, draft=choose(ngram, none)), 4))",
            "",
        ),
        ("nothing to choose: left alone", MODELS, "speculate(target, draft=ngram)", ""),
    ],
    "drop_unused": [
        (
            "a drafter that was not chosen",
            LARGE,
            "speculate(target, draft=choose(draft_model(kin, 16), ngram, none))",
            "",
        ),
        (
            "with its vocabulary and what it is owed",
            MODELS.replace("smollm2-135m-pard", "qwen2.5-coder-1.5b-instruct"),
            "speculate(target, draft=choose(draft_model(kin, 4, vocab=slem), none))",
            "",
        ),
        (
            "inside a drafter's loop",
            LARGE,
            "speculate(target, draft=draft_model(speculate(kin, draft=choose(draft_model(target, 4), none)), 4))",
            "",
        ),
        (
            "one that waits for its rows reads along: left alone",
            LARGE,
            "speculate(target, draft=choose(pard(kin, 8), none, per=rows))",
            "limits: {batch: 8}\n",
        ),
    ],
    "fuse_prompts": [
        ("the hints go round the loop", MODELS, f"speculate(target, draft=ppd(hints, {TREE}))", ""),
        (
            "on a drafter, inside its loop",
            FOREIGN,
            f"speculate(target, draft=draft_model(speculate(kin, draft=ppd(hints, {TREE})), 4, vocab=slem))",
            "",
        ),
        (
            "several rows take one shape, the largest",
            MODELS,
            f"speculate(target, draft=ppd(hints, {TREE}))",
            "limits: {batch: 3}\nguard: {min_speedup: 1.1, window: 8}\n",
        ),
        (
            "a tree that is merged keeps its own pass: left alone",
            MODELS,
            f"speculate(target, draft=merge(ppd(hints, {TREE}), ngram))",
            "",
        ),
        (
            "one of several that are chosen from keeps its own pass: left alone",
            LARGE.replace("kin: {source: pard-qwen2.5-0.5b}", "hints: {source: ppd-qwen2.5-coder-1.5b, rides: target}"),
            f"speculate(target, draft=choose(ppd(hints, {TREE}), ppd(hints, tree=[[0]]), none, per=rows))",
            "limits: {batch: 8}\n",
        ),
    ],
    "pack_rows": [
        ("a batch", MODELS, "speculate(target, draft=pard(kin, 4))", "limits: {batch: 4}\n"),
        (
            "threads",
            MODELS.replace("smollm2-135m-instruct}", "smollm2-135m-instruct, tags: pasta}"),
            "fork_join(pasta(5), speculate(target, draft=ngram(2, 2)))",
            "",
        ),
        ("one row: left alone", MODELS, "speculate(target, draft=ngram(2, 2))", ""),
        (
            "a tree that fills a pipeline has no rows: left alone",
            LARGE,
            "pipeline(speculate(target, draft=draft_model(kin, 2, tree=dynamic(2, 2, 2))), 2)",
            "",
        ),
    ],
    "place_stages": [
        (
            "guesses fill the pipeline (PipeDec)",
            LARGE,
            "pipeline(speculate(target, draft=draft_model(kin, 4, tree=dynamic(8, 4, 4))), stages=4)",
            "",
        ),
        ("n-grams of the text", MODELS, "pipeline(speculate(target, draft=ngram), stages=[10, 10, 10])", ""),
        (
            "a drafter of another vocabulary",
            FOREIGN,
            "pipeline(speculate(target, draft=draft_model(kin, 3, vocab=slem)), stages=2)",
            "",
        ),
        (
            "two drafters in one tree",
            MODELS,
            "pipeline(speculate(target, draft=merge(pard(kin, 3), ngram)), stages=2)",
            "",
        ),
        (
            "a drafter that is drafted for",
            MODELS,
            "pipeline(speculate(target, draft=draft_model(speculate(kin, draft=ngram), 3)), stages=2)",
            "sampling: {temperature: 1}\n",
        ),
        ("prompt tokens in the last stage", MODELS, f"pipeline(speculate(target, draft=ppd(hints, {TREE})), 2)", ""),
        ("no stages: left alone", MODELS, "speculate(target, draft=ngram(2, 2))", ""),
    ],
}


def before_and_after(name: str, compiled: Compile, plan: str) -> tuple[Graph, Graph]:
    order = stage_names()
    before = compiled(plan, stop_after=order[order.index(name) - 1]).graph
    return before, compiled(plan, stop_after=name).graph


@pytest.mark.parametrize("name", CASES)
def test_pass(name: str, compiled: Compile, sound: Sound, golden: Golden) -> None:
    shown = []
    for title, models, decode, rest in CASES[name]:
        before, after = before_and_after(
            name, compiled, f"{models}decode: {decode}\nprompt: {{template: none}}\n{rest}"
        )
        changed = sound(before) != sound(after)
        assert changed != title.endswith("left alone")
        shown.append(f"# {title}\n\n{decode}\n{rest}\n{before}")
        shown += [f"\n----\n\n{after}"] if changed else []
        shown.append("\n")
    golden(f"passes/{name}.txt", "".join(shown).rstrip("\n") + "\n")


def test_every_pass_is_shown() -> None:
    assert [*CASES] == [*stage_names()[1:]]


@pytest.mark.parametrize("name", CASES)
def test_a_pass_keeps_the_law(name: str, compiled: Compile) -> None:
    for _, models, decode, rest in CASES[name]:
        before, after = before_and_after(
            name, compiled, f"{models}decode: {decode}\nprompt: {{template: none}}\n{rest}"
        )
        # A choice may turn out to guess nothing: then it is exact by definition.
        assert after.law == before.law or (name == "choose_drafts" and not after.law.approximate)


def test_models_without_cards_leave_the_choice_open(compiled: Compile, sound: Sound) -> None:
    """Nothing is known of the costs, so nothing is chosen."""
    text = str(compiled(f"{LARGE}decode: speculate(target, draft=choose(ngram, none))\n", stop_after="lower").graph)
    unknown = text.replace('"qwen2.5-coder-1.5b-instruct"', '"somebody/own-model"')
    plan = compiled(unknown, "graph.txt")
    assert [stage for stage, _ in plan.stages] == ["lower"]
    assert any(node.keyword == "choose" for node in sound(plan.graph).nodes())
