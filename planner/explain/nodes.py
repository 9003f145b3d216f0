"""What there is to say of each node: who runs it, by which law, what it makes, what it holds and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from ..at_rows import at_rows, case_of
from ..cards import bytes_of
from ..draw import node_path
from ..estimate import Costs, expectation, node_cost
from ..graph import (
    Accept,
    Advance,
    AnyNode,
    Choose,
    Draft,
    Flow,
    Graph,
    Hidden,
    Kv,
    Logits,
    Model,
    Node,
    Probe,
    Prompts,
    Region,
    Repeat,
    Send,
    Spell,
    Type,
    inner_regions,
    model_of,
    operands,
    print_fields,
)
from ..memory import computed_dtype
from .explanation import ExplainedNode, ExplainedRegion, Typed


@dataclass(frozen=True, slots=True)
class Setting:
    """What the explanation of a node depends on; `step_seconds` is None where no share can be told."""

    graph: Graph
    costs: Costs
    rows: int
    step_seconds: float | None

    def without_share(self) -> Setting:
        """The same for nodes that not every step runs once."""
        return Setting(self.graph, self.costs, self.rows, None)

    def for_rows(self, rows: int) -> Setting:
        """The same for so many rows."""
        return Setting(self.graph, self.costs, rows, self.step_seconds)


def explained_region(
    region: Region, path: str, setting: Setting, when: str | None = None, runs: float | None = None
) -> ExplainedRegion:
    """A region with its nodes at the setting's number of rows; types are shown as the graph has them."""
    sized = at_rows(region, setting.rows)
    nodes = tuple(
        _explained(node, at, node_path(path, node), setting) for node, at in zip(region.nodes, sized.nodes, strict=True)
    )
    return ExplainedRegion(
        region.name,
        tuple(Typed(value.name, str(value.type)) for value in region.parameters),
        nodes,
        tuple(value.name for value in region.emitted),
        tuple(value.name for value in region.yielded),
        when,
        runs,
    )


def _explained(node: Node, sized: Node, path: str, setting: Setting) -> ExplainedNode:
    known = not (set(models_run(sized, setting.graph)) - set(setting.costs.cards))
    cost = node_cost(sized, setting.graph, setting.costs) if known else None
    share = cost.seconds / setting.step_seconds if cost is not None and setting.step_seconds else None
    return ExplainedNode(
        path,
        node.keyword,
        tuple(Typed(value.name, str(value.type)) for value in node.results),
        getattr(node, "by", None),
        _law(node),
        print_fields(node),
        _ranks(node, setting.graph),
        _memory(node, setting.graph, setting.costs),
        cost,
        share,
        tuple(_inner(node, path, setting)),
    )


def _inner(node: Node, path: str, setting: Setting) -> Iterator[ExplainedRegion]:
    kind = cast(AnyNode, node)
    match kind:
        case Repeat():
            region = kind.regions[0]
            runs = kind.until / expectation(region, setting.graph, setting.costs).evaluate(setting.costs.acceptance)
            when = f"until {kind.until} tokens"
            yield explained_region(region, f"{path}/{region.name}", setting.without_share(), when, runs)
        case Choose(cases=cases) if cases is not None:
            below = 0
            for region, case in zip(kind.regions, cases.cases, strict=True):
                rows = case.high or below + 1
                active = f"{below + 1}" if rows == below + 1 else f"{below + 1} to {rows}"
                when = f"for {active} active row{'s' if rows > 1 else ''}"
                taken = case_of(kind, setting.rows) == case_of(kind, rows)
                inside = setting if taken else setting.without_share().for_rows(rows)
                yield explained_region(region, f"{path}/{region.name}", inside, when)
                below = rows
        case _:
            for region in inner_regions(kind):
                yield explained_region(region, f"{path}/{region.name}", setting.without_share())


def models_run(node: Node, graph: Graph) -> Iterator[str]:
    """The models whose passes a node is made of."""
    for region in inner_regions(node):
        for each in region.nodes:
            yield from models_run(each, graph)
    if isinstance(node, Probe):
        yield graph.named(node.by, Prompts).rides
    elif node.keyword in _PASSES and (model := model_of(node)) is not None:
        yield model


_PASSES = ("prefill", "draft", "spell", "verify", "advance", "grow")


def _law(node: Node) -> str | None:
    """How a node that chooses or draws does so."""
    match node:
        case Accept(rule=rule, sampling=sampling):
            return f"{rule}, {sampling}"
        case Draft(sampling=sampling) | Spell(sampling=sampling) if sampling is not None:
            return f"drawn, {sampling}"
        case Draft():
            return "likeliest"
        case _:
            return None


def _ranks(node: Node, graph: Graph) -> str | None:
    """Where a node of a pipeline runs; nothing for nodes that run wherever their operands are."""
    if isinstance(node, Send):
        return f"{node.source} to {node.to}"
    model = graph.declared.get(model_of(node) or "")
    return str(model.ranks) if isinstance(model, Model) and model.ranks is not None else None


def _memory(node: Node, graph: Graph, costs: Costs) -> int | None:
    """Bytes that a node sets aside beyond what its operands hold already; None without a card."""
    before = {value.type.model: _slots(value.type) for value in operands(node) if isinstance(value.type, Kv)}
    total = 0
    for value in node.results:
        held = _held(value.type, before, node, graph, costs)
        if held is None:
            return None
        total += held
    return total


def _held(kind: Type, before: dict[str, int], node: Node, graph: Graph, costs: Costs) -> int | None:
    match kind:
        case Kv(model=model):
            more = _slots(kind) - before.get(model, 0)
            card = costs.cards.get(model)
            if more <= 0 or isinstance(node, Choose):  # what is inside a choice has set it aside
                return 0
            dtype = computed_dtype(graph.named(model, Model).dtype)
            return None if card is None else more * card.kv_bytes_per_token(dtype)
        case Hidden(model=model):
            return _states(kind.size.limit * kind.rows.limit, model, graph, costs)
        case Flow(model=model) if isinstance(node, Advance):
            return _states(kind.gaps * kind.size.limit, model, graph, costs)
        case Logits():
            rows = (kind.size.high or 0) * (kind.rows.high or 1)
            return bytes_of(rows * _vocabulary(node, graph), "float32")
        case _:
            return 0


def _states(count: int, model: str, graph: Graph, costs: Costs) -> int | None:
    card = costs.cards.get(model)
    dtype = computed_dtype(graph.named(model, Model).dtype)
    return None if card is None else bytes_of(count * card.hidden_size, dtype)


def _vocabulary(node: Node, graph: Graph) -> int:
    """The length of a line of scores."""
    model = graph.declared.get(model_of(node) or "")
    size = getattr(graph.declared.get(model.vocab), "size", 0) if isinstance(model, Model) else 0
    assert isinstance(size, int), "a vocabulary has a size"
    return size


def _slots(kind: Kv) -> int:
    return kind.rows * kind.slots
