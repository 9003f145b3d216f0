"""Which law a graph's output follows, computed from its nodes."""

from __future__ import annotations

from .graph import Law
from .nodes import Accept, Fork, Region, Rule
from .types import Size, Tree


def law_of(step: Region) -> Law:
    """The law of what `step` emits.

    Only the accept of the outer region speaks: an inner decoder proposes, and its own law is in the types of its guesses.
    A tree that is a root alone makes the target's own draw, which is exact by definition.
    """
    exact: list[str] = []
    bent = ["fork"] if any(isinstance(node, Fork) for node in step.nodes) else []
    for node in step.nodes:
        if not isinstance(node, Accept):
            continue
        alone = isinstance(node.tree.type, Tree) and node.tree.type.nodes == Size.of(0)
        if alone:
            exact.append("definition")
        else:
            (bent if node.rule is Rule.TYPICAL else exact).append(str(node.rule))
    return Law(() if Rule.TYPICAL.value in bent else tuple(dict.fromkeys(exact)), tuple(bent))
