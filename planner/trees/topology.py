"""The shape of a draft tree: which node hangs below which, and at which rank of its level's guesses.

A *path* is the ranks from the root down, `(0, 2)` being the third child of the root's first; the root is `()` and is
not a node. Nodes are numbered 1, 2, ... in order of depth, then of ranks, so that a parent precedes its children; the
root is number 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """A tree as the paths of its nodes, in the order in which they are laid out."""

    paths: tuple[Path, ...]

    @property
    def nodes(self) -> int:
        """How many nodes there are, the root not counted."""
        return len(self.paths)

    @property
    def depth(self) -> int:
        """How many layers hang below the root."""
        return max(map(len, self.paths), default=0)

    @property
    def parents(self) -> tuple[int, ...]:
        """For nodes 1, 2, ... the number of the node above; 0 is the root.

        >>> static([2, 1]).parents
        (0, 0, 1, 2)
        """
        number = {path: index for index, path in enumerate(self.paths, start=1)}
        return tuple(number[path[:-1]] if len(path) > 1 else 0 for path in self.paths)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many nodes each layer has, from depth 1 down."""
        return tuple(sum(len(path) == depth for path in self.paths) for depth in range(1, self.depth + 1))


def written_out(paths: Iterable[Sequence[int]]) -> Topology:
    """The tree of these paths, laid out in order.

    Raises ValueError with a sentence when a path is empty, has a negative rank, comes twice or lacks its parent.
    """
    found: set[Path] = set()
    for each in paths:
        path = tuple(each)
        if not path:
            raise ValueError("the root is always there and has no path")
        if min(path) < 0:
            raise ValueError(f"the path {list(path)} has a negative rank")
        if path in found:
            raise ValueError(f"the path {list(path)} comes twice")
        found.add(path)
    for path in found:
        if len(path) > 1 and path[:-1] not in found:
            raise ValueError(f"the path {list(path)} hangs below {list(path[:-1])}, which is not there")
    return Topology(tuple(sorted(found, key=layout_order)))


def static(children: Sequence[int]) -> Topology:
    """Every node of layer i has `children[i]` children; the root is layer 0.

    >>> static([4, 2, 1]).widths
    (4, 8, 8)
    """
    layers = [range(count) for count in children]
    return Topology(tuple(path for depth in range(1, len(layers) + 1) for path in product(*layers[:depth])))


def static_size(children: Sequence[int]) -> int:
    """How many nodes `static(children)` has, without building it.

    >>> static_size([4, 2, 1])
    20
    """
    total, width = 0, 1
    for count in children:
        width *= count
        total += width
    return total


def chain(length: int) -> Topology:
    """Guesses in a line.

    >>> chain(3).parents
    (0, 1, 2)
    """
    return static([1] * length)


def layout_order(path: Path) -> tuple[int, Path]:
    """The key by which nodes are laid out: depth, then ranks."""
    return len(path), path


def most_probable(level_scores: Sequence[Sequence[float]], max_nodes: int) -> Topology:
    """The `max_nodes` paths whose levels' scores sum highest: a product tree.

    `level_scores[d]` are the scores of the ranked guesses of depth d+1, best first and none above zero (log-probabilities).
    So a child never beats its parent and the result holds every parent. Ties go to the shorter path, then to the lower
    ranks. Takes time in max_nodes x ranks x log, not in the number of all paths.
    """
    from_best = _best_first([[score for score in level] for level in level_scores], max_nodes)
    return Topology(tuple(sorted(from_best, key=layout_order)))


def _best_first(levels: Sequence[Sequence[float]], limit: int) -> list[Path]:
    chosen: list[Path] = []
    heap: list[tuple[float, int, Path]] = []

    def offer(path: Path, score: float) -> None:
        heappush(heap, (-score, len(path), path))

    if levels and levels[0]:
        offer((0,), levels[0][0])
    while heap and len(chosen) < limit:
        negative, depth, path = heappop(heap)
        chosen.append(path)
        rank = path[-1]
        level = levels[depth - 1]
        if rank + 1 < len(level):
            offer((*path[:-1], rank + 1), -negative - level[rank] + level[rank + 1])
        if depth < len(levels) and levels[depth]:
            offer((*path, 0), -negative + levels[depth][0])
    return chosen
