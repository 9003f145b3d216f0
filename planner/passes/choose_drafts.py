"""Decide what was left to the cost model.

Before:
    tree, cache.2, ahead = choose(fresh, cache, memory) : tree[1+0..5], kv[target, 2048], kv[drafter, 2048+4]
      draft_model(fresh: ..., cache: ..., memory: ...)
        guess, ahead = draft(fresh, memory) by=drafter, tokens=5 : guess[5], kv[drafter, 2048+4]
        tree = chain(fresh, guess) : tree[1+5]
        yield tree, cache, ahead
      alone(fresh: ..., cache: ..., memory: ...)
        ...
After:
    guess, ahead = draft(fresh, memory) by=drafter, tokens=5 : guess[5], kv[drafter, 2048+4]
    tree = chain(fresh, guess) : tree[1+5]

Drafters that were not chosen still read along; `drop_unused` takes them away. With `per=rows` the regions become cases over
the number of active rows, taken at run time; if one region wins for every number, it stands alone as above. Without cards
of the models nothing is known, and the choice is left as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..cost import Alternative, choose_by_rows, plain
from ..estimate import Costs, region_cost, tree_expectation
from ..graph import (
    Choose,
    Draft,
    Graph,
    Kv,
    Node,
    Path,
    Ref,
    Region,
    Size,
    Tokens,
    Tree,
    Value,
    Verify,
    free_name,
    in_every_step,
    renamed,
    renamed_region_end,
    retype,
    value_names,
    with_operands,
)
from .pack_rows import row_cases


def choose_drafts(graph: Graph, costs: Costs) -> Graph:
    """The graph with every choice made that cards allow to make."""
    if not any(isinstance(node, Choose) for node in graph.nodes()) or graph.target.name not in costs.cards:
        return graph
    return retype(in_every_step(graph, lambda region: _decided(region, graph, costs)))


def _decided(region: Region, graph: Graph, costs: Costs) -> Region:
    nodes: list[Node] = []
    names: dict[str, str] = {}
    taken = value_names(region)
    for node in region.nodes:
        node = with_operands(node, names)
        if not isinstance(node, Choose) or node.cases is not None:
            nodes.append(node)
            continue
        chosen = _choice(node, region, graph, costs)
        if isinstance(chosen, Choose):
            nodes.append(chosen)
        else:
            inlined, ends = _inline(chosen, node, taken)
            nodes += inlined
            names |= ends
    return replace(renamed_region_end(region, names), nodes=tuple(nodes))


def _choice(node: Choose, region: Region, graph: Graph, costs: Costs) -> Choose | Region:
    """The region that is best for every number of rows, or the choice with its cases."""
    rows = _rows(node)
    cases = row_cases(rows) if node.per is not None else (rows,)
    judge = next(each.by for each in region.nodes if isinstance(each, Verify))
    best = choose_by_rows(cases, lambda active: _alternatives(node, judge, active, graph, costs), costs.acceptance)
    names = [choice.best.name for choice in best]
    by_name = {each.name: each for each in node.regions}
    chosen = [by_name.get(name, _alone(node)) for name in names]
    if len(set(names)) == 1:
        return chosen[0]
    # Neighbouring counts with the same winner are one case.
    ends = [index for index in range(len(names)) if index + 1 == len(names) or names[index + 1] != names[index]]
    return replace(node, cases=Size.each(*(cases[end] for end in ends)), regions=tuple(chosen[end] for end in ends))


def _alone(node: Choose) -> Region:
    """What stands for no guesses: a region without, which a choice is asked to offer."""
    quiet = [region for region in node.regions if _guesses(region) == 0]
    assert quiet, "checking gives every choice a region without guesses"
    return quiet[0]


def _rows(node: Choose) -> int:
    rows = getattr(node.operands[0].type, "rows", Size.of(1))
    assert isinstance(rows, Size), "rows are a size"
    return rows.limit


def _alternatives(node: Choose, judge: str, active: int, graph: Graph, costs: Costs) -> list[Alternative]:
    """Every region as a way to do a step for that many rows; times grow with rows as the analytic model has it."""
    made = []
    for region in node.regions:
        guesses = _guesses(region)
        tree = Tree(Size.of(guesses), Size.of(guesses), rows=Size.of(active))
        scored = Verify(
            results=(), tree=Value("tree", tree), cache=Value("cache", Kv(judge, costs.context)), by=Ref(judge)
        )
        drafted = region_cost(_for_rows(region if node.per else _by_itself(region), active), graph, costs)
        whole = drafted + region_cost(replace(region, nodes=(scored,)), graph, costs)
        expected = tree_expectation(region, graph, costs) if guesses else plain()
        made.append(Alternative(region.name, guesses, whole.seconds, expected))
    return made


def _by_itself(region: Region) -> Region:
    """The region if it is taken for good: the other drafters do not read along any more."""
    return replace(region, nodes=tuple(each for each in region.nodes if not isinstance(each, Draft) or each.tokens))


def _guesses(region: Region) -> int:
    tree = region.yielded[0].type
    assert isinstance(tree, Tree), "a choice yields a tree first"
    return tree.nodes.limit


def _for_rows(region: Region, active: int) -> Region:
    """The region as it is for that many rows: what its drafts read has as many."""

    def sized(value: Value) -> Value:
        match value.type:
            case Path() | Tokens():
                return Value(value.name, replace(value.type, rows=Size.of(active)))
            case _:
                return value

    nodes = []
    for node in region.nodes:
        source = getattr(node, "source", None)
        changed: dict[str, Any] = {"source": sized(source)} if isinstance(source, Value) else {}
        nodes.append(replace(node, **changed))
    return replace(region, nodes=tuple(nodes))


def _inline(region: Region, node: Choose, taken: set[str]) -> tuple[list[Node], dict[str, str]]:
    """The region's nodes in place of the choice, and what the choice's results are called from there on."""
    names = {value.name: given.name for value, given in zip(region.parameters, node.operands, strict=True)}
    freed = taken - {value.name for value in node.results}
    nodes = []
    for each in region.nodes:
        for value in each.results:
            names[value.name] = free_name(value.name, freed)
            freed.add(names[value.name])
        nodes.append(renamed(each, names))
    taken |= freed
    ends = {value.name: names[inner.name] for value, inner in zip(node.results, region.yielded, strict=True)}
    return nodes, ends
