"""The states of a sparse shape in words: `0:3 1:2 00:1` is each node's ranks and the prompts chained behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NODE = re.compile(r"([0-9](?:[0-9])*):([0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class SparseNode:
    """A node of a state: the rank at each depth from the root, and how many prompt tokens are behind it."""

    ranks: tuple[int, ...]
    prompts: int

    def __str__(self) -> str:
        return "".join(map(str, self.ranks)) + f":{self.prompts}"


def read_state(text: str) -> tuple[SparseNode, ...]:
    """The nodes of one state, parents before children.

    >>> [node.prompts for node in read_state("0:2 1:0 00:1")]
    [2, 0, 1]

    Raises:
        ValueError: with a sentence, if a node is misspelt, comes twice, or comes before its parent.
    """
    nodes: list[SparseNode] = []
    seen: set[tuple[int, ...]] = {()}
    for word in text.split():
        match = _NODE.fullmatch(word)
        if match is None:
            raise ValueError(f"`{word}` is not a node: ranks, a colon, the number of prompts")
        node = SparseNode(tuple(map(int, match[1])), int(match[2]))
        if node.ranks in seen or node.ranks[:-1] not in seen:
            raise ValueError(f"`{word}` comes twice, or before its parent")
        seen.add(node.ranks)
        nodes.append(node)
    return tuple(nodes)


def print_state(nodes: tuple[SparseNode, ...]) -> str:
    """The words of a state; `read_state` is its inverse."""
    return " ".join(map(str, nodes))
