"""Compositions that no shipped plan shows: whatever the language can say follows the law that its graph declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specplan.backends.reference import FORK, Toy, shrink
from specplan.planner.graph import Graph, Kv, Prefill, Tags, Value, retype

Stages = Callable[..., dict[str, Graph]]
Prove = Callable[..., dict[tuple[int, ...], float]]

SAME = """
  target:  {source: llama-3.1-8b-instruct}
  drafter: {source: llama-3.2-1b-instruct}
  second:  {source: llama-3.2-1b-instruct, mask: 128000}"""
FOREIGN = """
  target:  {source: qwen2.5-coder-1.5b-instruct}
  drafter: {source: smollm2-135m-instruct, mask: 4}
  helper:  {source: smollm2-135m-pard}
  near:    {source: qwen2.5-0.5b-instruct}
  prompts: {source: ppd-smollm2-135m, rides: drafter}
  probes:  {source: ppd-qwen2.5-coder-1.5b, rides: target}"""
FORKS = """
  target:  {source: smollm2-135m-pasta}
  drafter: {source: smollm2-135m-pasta, mask: 4}"""
STAGES = SAME.replace("8b", "70b")

PPD_TREE = "tree=[[0], [1], [0, 0]]"

SAID: dict[str, tuple[str, str]] = {
    "pard_drawn": (SAME, "speculate(target, draft=pard(second, k=8), accept=rejection)"),
    "pard_drawn_tree": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=3, tree=static([3, 1, 2])), accept=rejection)",
    ),
    "certain_tree": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=2, tree=static([3, 2]), temperature=0), accept=rejection)",
    ),
    "certain_by_rejection": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=4, temperature=0), accept=rejection)",
    ),
    "drawn_by_exact_match": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=4), accept=exact_match)",
    ),
    "confident": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=4, min_confidence=0.4), accept=rejection)",
    ),
    "product": (
        SAME,
        "speculate(target, draft=pard(second, k=4, tree=product(max_nodes=9)), accept=rejection)",
    ),
    "two_drawn": (
        SAME,
        "speculate(target, draft=merge(draft_model(drafter, k=2), draft_model(second, k=2)), accept=rejection)",
    ),
    "drawn_thrice": (
        SAME,
        "speculate(target, draft=merge(pard(second, k=1), draft_model(drafter, k=1), ngram(k=2)), accept=rejection)",
    ),
    "same_drafter_twice": (
        SAME,
        "speculate(target, draft=merge(draft_model(drafter, k=2, temperature=0), draft_model(second, "
        "k=2)), accept=rejection)",
    ),
    "speculating_drafter": (
        SAME,
        "speculate(target, draft=draft_model(speculate(drafter, draft=draft_model(second, k=2)), k=3), "
        "accept=rejection)",
    ),
    "rejecting_drafter": (
        SAME,
        "speculate(target, draft=draft_model(speculate(drafter, draft=draft_model(second, k=2), "
        "accept=rejection), k=3), accept=rejection)",
    ),
    "drafter_with_pard": (
        SAME,
        "speculate(target, draft=draft_model(speculate(drafter, draft=pard(second, k=4), "
        "accept=rejection), k=3), accept=rejection)",
    ),
    "nested_in_nested": (
        SAME,
        "speculate(target, draft=draft_model(speculate(drafter, draft=draft_model(speculate(second, "
        "draft=ngram(k=2)), k=2)), k=3), accept=rejection)",
    ),
    "typical_drafter": (
        SAME,
        "speculate(target, draft=draft_model(speculate(drafter, draft=ngram(k=2), "
        "accept=typical(epsilon=0.1, delta=0.3)), k=3), accept=exact_match)",
    ),
    "ppd_and_ngram": (
        FOREIGN,
        f"speculate(target, draft=merge(ppd(probes, {PPD_TREE}), ngram(k=2)), accept=exact_match)",
    ),
    "ppd_by_rejection": (FOREIGN, f"speculate(target, draft=ppd(probes, {PPD_TREE}), accept=rejection)"),
    "ppd_on_the_drafter": (
        FOREIGN,
        f"speculate(target, draft=draft_model(speculate(drafter, draft=ppd(prompts, {PPD_TREE})), k=5, "
        "vocab=tli), accept=rejection)",
    ),
    "ppd_inside_slem": (
        FOREIGN,
        f"speculate(target, draft=draft_model(speculate(drafter, draft=ppd(prompts, {PPD_TREE})), k=5, vocab=slem))",
    ),
    "tli_of_a_static_tree": (
        FOREIGN,
        "speculate(target, draft=draft_model(drafter, k=2, tree=static([2, 2]), vocab=tli), accept=rejection)",
    ),
    "slrs_of_a_static_tree": (
        FOREIGN,
        "speculate(target, draft=draft_model(drafter, k=2, tree=static([2, 1]), "
        "vocab=slrs(empty=reject)), accept=rejection)",
    ),
    "slrs_of_a_masked_tree": (
        FOREIGN,
        "speculate(target, draft=draft_model(drafter, k=2, tree=static([2, 2]), "
        "vocab=slrs(empty=mask)), accept=rejection)",
    ),
    "one_token": (
        FOREIGN,
        "speculate(target, draft=draft_model(drafter, k=1, vocab=slrs(form=one_token)), accept=rejection)",
    ),
    "pard_through_tli": (
        FOREIGN,
        "speculate(target, draft=pard(helper, k=4, vocab=tli), accept=rejection)",
    ),
    "pard_through_slrs": (
        FOREIGN,
        "speculate(target, draft=pard(helper, k=4, vocab=slrs(empty=reject)), accept=rejection)",
    ),
    "tli_greedy_drafts": (
        FOREIGN,
        "speculate(target, draft=draft_model(drafter, k=4, vocab=tli, temperature=0), accept=rejection)",
    ),
    "near_and_foreign": (
        FOREIGN,
        "speculate(target, draft=merge(draft_model(near, k=2), draft_model(drafter, k=2, vocab=tli)), "
        "accept=rejection)",
    ),
    "choice_of_foreign": (
        FOREIGN,
        "speculate(target, draft=choose(draft_model(drafter, k=2, vocab=tli), ngram(k=2), none), accept=rejection)",
    ),
    "forks_with_pard": (
        FORKS,
        "fork_join(pasta(max_forks=4), speculate(target, draft=pard(drafter, k=4)))",
    ),
    "forks_with_a_drafter": (
        FORKS,
        "fork_join(pasta(max_forks=4), speculate(target, draft=draft_model(drafter, k=4), accept=rejection))",
    ),
    "forks_with_a_tree": (
        FORKS,
        "fork_join(pasta(max_forks=4), speculate(target, draft=draft_model(drafter, k=2, "
        "tree=static([2, 2]), temperature=0)))",
    ),
    "one_fork_at_a_time": (
        FORKS,
        "fork_join(pasta(max_forks=1), speculate(target, draft=ngram(k=4)))",
    ),
    "staged_forks": (
        FORKS,
        "pipeline(fork_join(pasta(max_forks=4), speculate(target, draft=ngram(k=4))), stages=2)",
    ),
    "staged_chain": (
        STAGES,
        "pipeline(speculate(target, draft=draft_model(drafter, k=4), accept=rejection), stages=4)",
    ),
    "staged_tree": (
        STAGES,
        "pipeline(speculate(target, draft=draft_model(drafter, k=2, tree=static([2, 2])), accept=rejection), stages=4)",
    ),
    "dynamic_by_rejection": (
        SAME,
        "speculate(target, draft=draft_model(drafter, k=2, tree=dynamic(width=2, children=2, depth=2)), "
        "accept=rejection)",
    ),
    "two_stages": (
        STAGES,
        "pipeline(speculate(target, draft=draft_model(drafter, k=2, tree=dynamic(width=2, children=2, "
        "depth=2))), stages=2)",
    ),
}
"""By name: models, and the strategy."""


TOYS = {
    "forks_with_pard": Toy(new_tokens=6, guesses=1),
    "forks_with_a_drafter": Toy(new_tokens=6, guesses=1),
    "forks_with_a_tree": Toy(new_tokens=6),
    "one_fork_at_a_time": Toy(new_tokens=8, guesses=1),
    "staged_forks": Toy(new_tokens=6),
    **dict.fromkeys(
        (
            "slrs_of_a_static_tree",
            "slrs_of_a_masked_tree",
            "tli_of_a_static_tree",
            "ppd_inside_slem",
            "near_and_foreign",
        ),
        Toy(new_tokens=2),
    ),
}
"""Where outcomes multiply, less is said."""


def plan_of(models: str, decode: str, more: str = "") -> str:
    decode = decode.replace("k=", "num_speculative_tokens=")
    return f"specplan: 1\nmodels:{models}\ndecode: {decode}\nsampling: {{temperature: 1, seed: 7}}\n{more}"


@pytest.mark.parametrize("name", SAID)
def test_law(name: str, stages: Stages, proved: Prove) -> None:
    large = SAID[name][0] in (SAME, STAGES)
    for graph in stages(plan_of(*SAID[name], "backend: {device: h200}\n" if large else "")).values():
        law = proved(graph, TOYS.get(name, Toy()))
        most = max(text.count(FORK) for text in law)
        assert most >= (2 if name == "one_fork_at_a_time" else 1) or not graph.all(Tags)


@pytest.mark.parametrize("name", ["pard_through_tli", "ppd_on_the_drafter", "one_token"])
@pytest.mark.parametrize("capacity", [2, 3, 4, 5])
def test_a_drafter_without_room_falls_silent(name: str, capacity: int, stages: Stages, proved_small: Prove) -> None:
    small, world = shrink([*stages(plan_of(*SAID[name])).values()][-1], Toy(new_tokens=4, guesses=1))
    nodes = tuple(
        replace(node, results=(node.results[0], Value("memory", Kv(node.by, capacity))))
        if isinstance(node, Prefill) and node.by != "target"
        else node
        for node in small.start.nodes
    )
    proved_small(retype(replace(small, start=replace(small.start, nodes=nodes))), world)
