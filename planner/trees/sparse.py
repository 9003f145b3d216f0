"""PPD's dynamic sparse trees: which guesses to verify in each state, and how many prompt tokens behind each node.

Methods and symbols are those of the paper's section 4 as far as it was published (arXiv 2405.18628), the formulas those
of its authors' builder. Where both are silent or wasteful we chose, and say so:

- a node may carry no prompts at all: it leads to a state 0 without candidates, which the decoder leaves again at once;
- a stop at the root leads to state m, for the root always has its own m prompts (the authors' builder charges a
  wasted step that their decoder does not waste);
- equal path probabilities go to the shorter path, then to the lower ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heapreplace
from math import prod

from .topology import Path, layout_order, written_out

_RANKS = "0123456789abcdefghijklmnopqrstuv"
MOST_RANKED = len(_RANKS)
"""So many guesses may be ranked, since a rank is one character of a state."""
_MOST_TRIALS = 200  # three prompt tokens need about 40; many more are somebody's joke

RankAccuracies = tuple[tuple[float, ...], ...]
"""`a[k][r]`: how often the greedy token k+1 places behind the next one is the guess of rank r. Shape [m, ranks]."""


@dataclass(frozen=True, slots=True)
class SparseState:
    """The tree of one state: its nodes in layout order and how many prompt tokens are chained behind each.

    The root's own prompts are `root_prompts`; they come on top of the budget.
    """

    paths: tuple[Path, ...]
    prompts: tuple[int, ...]
    root_prompts: int

    @property
    def nodes(self) -> int:
        """How many guesses are verified."""
        return len(self.paths)

    @property
    def asks(self) -> int:
        """How many prompt rows the pass has, the root's own included."""
        return self.root_prompts + sum(self.prompts)

    @property
    def rows(self) -> int:
        """The input length: the root, the nodes and all prompts."""
        return 1 + self.nodes + self.asks

    def __str__(self) -> str:
        """Ranks from the root down, then the prompts behind that node: `0:3 1:2 00:1`. Ranks above 9 are letters."""
        spelled = ("".join(_RANKS[rank] for rank in path) for path in self.paths)
        return " ".join(f"{path}:{prompts}" for path, prompts in zip(spelled, self.prompts, strict=True))


@dataclass(frozen=True, slots=True)
class SparseStates:
    """States 0..m, by how many levels of guesses the step before left; `accuracies` are what they were built for."""

    states: tuple[SparseState, ...]
    accuracies: RankAccuracies

    @property
    def expected_accepted(self) -> tuple[float, ...]:
        """f(T_k): how many guesses the tree of state k gets accepted, on average."""
        return tuple(expected_accepted(state.paths, self.accuracies) for state in self.states)

    @property
    def stationary(self) -> tuple[float, ...]:
        """How much of its time the decoder spends in each of the states 0..m."""
        return _stationary(_transitions(self.states, self.accuracies))

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens per step, 1 + F, with F the stationary mean of f(T_k)."""
        return 1 + sum(pi * f for pi, f in zip(self.stationary, self.expected_accepted, strict=True))


def read_state(text: str, root_prompts: int) -> SparseState:
    """The state that `str` spelled; ValueError, with a sentence, if this is none.

    >>> str(read_state("0:1 00:0 1:2", root_prompts=2))
    '0:1 1:2 00:0'
    """
    prompts: dict[Path, int] = {}
    for word in text.split():
        spelled, colon, count = word.partition(":")
        if not colon or not set(spelled) <= set(_RANKS) or count not in map(str, range(root_prompts + 1)):
            raise ValueError(f"`{word}` is not a path, a colon and 0 to {root_prompts} prompts")
        path = tuple(map(_RANKS.index, spelled))
        if path in prompts:
            raise ValueError(f"the path `{spelled}` comes twice")
        prompts[path] = int(count)
    paths = written_out(prompts).paths
    return SparseState(paths, tuple(prompts[path] for path in paths), root_prompts)


def path_probability(path: Path, accuracies: RankAccuracies) -> float:
    """P(v): all of the path's guesses are right, the levels taken as independent."""
    return prod(accuracies[depth][rank] for depth, rank in enumerate(path))


def expected_accepted(paths: Sequence[Path], accuracies: RankAccuracies) -> float:
    """f(T): the sum of P(v) over the tree's nodes."""
    return sum(path_probability(path, accuracies) for path in paths)


def stop_probabilities(paths: Sequence[Path], accuracies: RankAccuracies) -> dict[Path, float]:
    """S(v): the path is right up to v and no child of v is; the root is `()`."""
    right: dict[Path, float] = {(): 1.0}
    stop: dict[Path, float] = {(): 1.0}
    for path in sorted(paths, key=layout_order):
        right[path] = stop[path] = right[path[:-1]] * accuracies[len(path) - 1][path[-1]]
        stop[path[:-1]] -= right[path]
    return stop


def candidates(accuracies: RankAccuracies, depth: int, count: int) -> tuple[Path, ...]:
    """The `count` likeliest paths of at most that depth, likeliest first; a parent always comes before its children."""
    ranked: list[tuple[float, int, Path]] = []
    level: list[Path] = [()]
    for at in range(depth):
        level = [(*path, rank) for path in level for rank in range(len(accuracies[at]))]
        scored = sorted((-path_probability(path, accuracies), len(path), path) for path in level)
        level = [path for _, _, path in scored[:count]]
        ranked += scored[:count]
    return tuple(path for _, _, path in sorted(ranked)[:count])


@lru_cache(maxsize=64)
def build_sparse(accuracies: RankAccuracies, max_nodes: int) -> SparseStates:
    """The trees of states 0..m with the best tokens per step within a budget.

    `max_nodes` bounds the guesses and the prompts behind them, together (the paper's tree size); the root and its own
    m prompts come on top, so a pass has at most 1 + m + max_nodes rows. State 1 takes as many guesses as there are ranks
    (10 in the paper); the numbers of guesses of the others lie between max_nodes/(m+1) and max_nodes/2, where the
    authors try every combination and we climb, with steps that shrink.
    """
    assert accuracies and accuracies[0], "prompts guess at least one token, at least one way"
    assert max_nodes >= 1, "a tree has room for a node"
    return SparseStates(_Search(accuracies, max_nodes).best(), accuracies)


class _Search:
    """Looks for the numbers of guesses of states 1..m, `counts[k-1]` for state k."""

    def __init__(self, accuracies: RankAccuracies, budget: int) -> None:
        self.accuracies = accuracies
        self.budget = budget
        depth = len(accuracies)
        low = max(1, budget // (depth + 1))
        high = max(low, budget // 2)
        wanted = [min(len(accuracies[0]), budget), *[high] * (depth - 1)]
        self._trees = [candidates(accuracies, state, count) for state, count in enumerate(wanted, start=1)]
        self._highs = [len(tree) for tree in self._trees]
        self._lows = [self._highs[0], *(min(low, most) for most in self._highs[1:])]
        self._gains: dict[tuple[int, ...], float] = {}

    def best(self) -> tuple[SparseState, ...]:
        counts = tuple((low + high) // 2 for low, high in zip(self._lows, self._highs, strict=True))
        stride = max(1, (max(self._highs) - min(self._lows)) // 4)
        while stride and len(self._gains) < _MOST_TRIALS:
            nearby = max(self._neighbours(counts, stride), key=self._gain)
            if self._gain(nearby) > self._gain(counts):
                counts = nearby
            else:
                stride //= 2
        return self.states(counts)

    def states(self, counts: Sequence[int]) -> tuple[SparseState, ...]:
        """The trees of states 0..m with so many guesses."""
        chosen = [tree[:count] for tree, count in zip(self._trees, counts, strict=True)]
        worth = [0.0, *(expected_accepted(paths, self.accuracies) for paths in chosen)]
        trees = [_prune(paths, worth, self.accuracies, self.budget) for paths in chosen]
        return (SparseState((), (), len(counts)), *trees)

    def _neighbours(self, counts: tuple[int, ...], stride: int) -> Iterator[tuple[int, ...]]:
        yield counts
        for place, count in enumerate(counts):
            for moved in (count - stride, count + stride):
                clipped = min(max(moved, self._lows[place]), self._highs[place])
                yield (*counts[:place], clipped, *counts[place + 1 :])

    def _gain(self, counts: tuple[int, ...]) -> float:
        if counts not in self._gains:
            self._gains[counts] = SparseStates(self.states(counts), self.accuracies).tokens_per_step
        return self._gains[counts]


def _prune(paths: tuple[Path, ...], worth: Sequence[float], accuracies: RankAccuracies, budget: int) -> SparseState:
    """Begin with m prompts behind every node and take away, one by one, those that are worth the least.

    Taking the q-th prompt from node v costs S(v) * (f(T_q) - f(T_(q-1))): what the next tree would have accepted.
    """
    depth = len(accuracies)
    stop = stop_probabilities(paths, accuracies)
    layout = tuple(sorted(paths, key=layout_order))
    prompts = dict.fromkeys(layout, depth)
    step = [worth[q] - worth[q - 1] for q in range(1, depth + 1)]
    losses = [(stop[path] * step[-1], number, path) for number, path in enumerate(layout)]
    heapify(losses)
    for _ in range((1 + depth) * len(layout) - budget):
        _, number, path = losses[0]
        prompts[path] -= 1
        left = prompts[path]
        if left:
            heapreplace(losses, (stop[path] * step[left - 1], number, path))
        else:
            heappop(losses)
    return SparseState(layout, tuple(prompts.values()), depth)


def _transitions(states: Sequence[SparseState], accuracies: RankAccuracies) -> list[list[float]]:
    """M[k][j]: state k stops at a node with j prompts; the root has m."""
    matrix = []
    for state in states:
        row = [0.0] * len(states)
        stop = stop_probabilities(state.paths, accuracies)
        row[-1] += stop[()]
        for path, prompts in zip(state.paths, state.prompts, strict=True):
            row[prompts] += stop[path]
        matrix.append(row)
    return matrix


def _stationary(matrix: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The pi with pi = pi M, by elimination: state m is reached from everywhere, so it is unique."""
    size = len(matrix)
    # Rows: (M^T - I) pi = 0, the last one replaced by sum(pi) = 1.
    rows = [[matrix[j][i] - (i == j) for j in range(size)] + [0.0] for i in range(size - 1)]
    rows.append([1.0] * size + [1.0])
    for at in range(size):
        pivot = max(range(at, size), key=lambda i: abs(rows[i][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for i in range(size):
            if i != at:
                factor = rows[i][at] / rows[at][at]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[at], strict=True)]
    return tuple(max(0.0, rows[i][size] / rows[i][i]) for i in range(size))
