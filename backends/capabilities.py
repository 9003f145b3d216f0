"""What each engine can run now: data, so that a plan is checked against it without importing any engine."""

from __future__ import annotations

from collections.abc import Mapping

from ..planner import Capabilities
from ..planner.graph import NODES, Draft, Graph, Model, Node, Repeat, Spell, Table, Tags, parts

# Parts of nodes, beside their defaults, that the eager engine has no code for yet.
_EAGER_LACKS: Mapping[str, tuple[str, ...]] = {
    "draft": ("masks", "top"),
    "spell": ("threads",),
    "verify": ("asks",),
    "commit": ("keep",),
}


def _eager_refuses(node: Node, graph: Graph) -> str | None:
    for part in parts(type(node)):
        lacking = part.name in _EAGER_LACKS.get(node.keyword, ())
        if lacking and getattr(node, part.name) != part.default:
            return f"its `{node.keyword}` has no `{part.word}`"
    model = graph.declared.get(getattr(node, "by", ""))
    if isinstance(model, Model):
        if model.ranks is not None:
            return f"it runs in one process, and `{model.name}` has ranks"
        if len({each.device for each in graph.all(Model)}) > 1:
            return "it keeps all models of a plan on one device"
    if isinstance(node, Draft) and node.shape is not None and _is_many_to_one(node, graph):
        return "it draws trees within tables of equal bytes alone"
    if isinstance(node, Repeat) and graph.all(Tags):
        return "it lets no decoder draft where threads fork"
    if isinstance(node, Spell) and node.lookahead > 1:
        return "it looks one draft token ahead when it spells"
    return None


def _is_many_to_one(node: Draft, graph: Graph) -> bool:
    return node.within is not None and graph.named(node.within, Table).method != "tli"


CAPABILITIES: Mapping[str, Capabilities] = {
    each.engine: each
    for each in (
        Capabilities("reference", frozenset(NODES)),
        Capabilities(
            "eager",
            frozenset(
                [
                    "encode",
                    "prefill",
                    "lookup",
                    "draft",
                    "repeat",
                    "chain",
                    "branch",
                    "merge",
                    "pack",
                    "verify",
                    "accept",
                    "stop",
                    "commit",
                    "watch",
                    "choose",
                    "translate",
                    "respell",
                    "spell",
                    "cut",
                    "fork",
                    "join",
                ]
            ),
            refuses=_eager_refuses,
        ),
        Capabilities("onnx", frozenset()),
        Capabilities("tensorrt", frozenset()),
    )
}
"""By engine; an engine without nodes has a name in plans, and runs nothing yet."""
