"""What a step is expected to give and how long it takes, against autoregressive decoding of the same target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .at_rows import at_rows, has_threads, most_rows, row_counts
from .cost import Alternative, break_even, choose_by_rows, plain, stops_paying_at
from .estimate import ASSUMED_SHARE, Costs, expectation, node_cost
from .graph import (
    Advance,
    Graph,
    Kv,
    Model,
    Ranks,
    Ref,
    Region,
    Send,
    Size,
    Tree,
    Value,
    Verify,
    model_of,
    operands,
)

MOST_ROWS = 512
"""Rows beyond which nobody asks whether speculation still pays on one device."""


@dataclass(frozen=True, slots=True)
class RowsForecast:
    """What is expected while so many rows (of a request with forks: threads) are active.

    `tokens` per step and row; `plain_seconds` is a step of autoregressive decoding of as many rows (of one row, if they
    are threads of one request); `speedup` compares tokens per second with that. `guessing` compares them with what the same
    threads would give without guesses; None where there are no threads, or no guesses.
    """

    rows: int
    seconds: float
    tokens: float
    plain_seconds: float
    speedup: float
    guessing: float | None = None


@dataclass(frozen=True, slots=True)
class ThreadsForecast:
    """What is expected of threads together.

    `tokens` per step of all of them, if a `share`, which is assumed, of what they write is written in forks.
    `stops_paying_at` is the number of active threads from which on these would be faster without guesses; None if guesses
    pay for all, and where there are none.
    """

    share: float
    tokens: float
    stops_paying_at: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected tokens per step, and what that is worth.

    `acceptance` is assumed. `varies` is false where the formula rests on measured rank accuracies alone. `break_even` is
    the acceptance from which on the plan is faster than autoregressive decoding, for one row; None if it never is.
    `stops_paying_at` is the number of rows from which on it is not, up to `most_rows` that were tried.
    """

    formula: str
    acceptance: float
    tokens: float
    varies: bool
    speculates: bool
    rows: tuple[RowsForecast, ...]
    break_even: float | None
    stops_paying_at: int | None
    most_rows: int | None
    threads: ThreadsForecast | None = None


def forecast_of(graph: Graph, costs: Costs) -> Forecast:
    """The forecast of a graph all of whose models have cards."""
    counts = row_counts(graph)
    expected = expectation(at_rows(graph.step, 1), graph, costs)
    alone = _alternative(graph, costs, 1)
    speculates = alone.guesses > 0
    crossing, most = (None, None)
    if speculates and _has_rows_to_try(graph):
        crossing, most = _crossing(graph, costs), MOST_ROWS
    return Forecast(
        expected.formula,
        costs.acceptance,
        expected.evaluate(costs.acceptance),
        expected.evaluate(0) != expected.evaluate(1),
        speculates,
        tuple(_for_rows(graph, costs, rows) for rows in counts),
        break_even(alone, _plain(graph, costs, 1)) if speculates else None,
        crossing,
        most,
        _threads(graph, costs, speculates) if has_threads(graph) else None,
    )


def _threads(graph: Graph, costs: Costs, speculates: bool) -> ThreadsForecast:
    tokens = expectation(at_rows(graph.step, 1), graph, costs, ASSUMED_SHARE).evaluate(costs.acceptance)
    counts = range(1, most_rows(graph) + 1) if speculates else ()
    return ThreadsForecast(ASSUMED_SHARE, tokens, _stops(counts, graph, costs))


def step_seconds(region: Region, graph: Graph, costs: Costs) -> float:
    """How long a step takes: the sum of its nodes, but for those that the ranks of a pipeline run at the same time."""
    ends: dict[str, float] = {}
    busy: dict[int, float] = {}
    for node in region.nodes:
        ranks = _ranks(model_of(node), graph)
        seconds = 0.0 if isinstance(node, Send) else node_cost(node, graph, costs).seconds
        ready = [ends.get(value.name, 0.0) for value in operands(node)]
        begin = (
            max([*ready, *(busy.get(rank, 0.0) for rank in ranks)], default=0.0) if seconds else max(ready, default=0.0)
        )
        for rank in ranks if seconds else ():
            busy[rank] = begin + seconds
        ends |= {value.name: begin + seconds for value in node.results}
    return max(ends.values(), default=0.0)


def _ranks(model: str | None, graph: Graph) -> Sequence[int]:
    declared = graph.declared.get(model or "")
    held = declared.ranks if isinstance(declared, Model) else None
    held = held or Ranks(0, 0)
    return range(held.first, held.last + 1)


def _for_rows(graph: Graph, costs: Costs, rows: int) -> RowsForecast:
    made = _alternative(graph, costs, rows)
    plain_ = _plain(graph, costs, rows)
    tokens = made.expectation.evaluate(costs.acceptance)
    if has_threads(graph):
        # Without forks the request would be one row: so many threads are so many times the tokens.
        alone = _plain(graph, costs, 1)
        guessing = tokens * plain_.seconds / made.seconds if made.guesses else None
        return RowsForecast(
            rows, made.seconds, tokens, alone.seconds, rows * tokens * alone.seconds / made.seconds, guessing
        )
    return RowsForecast(rows, made.seconds, tokens, plain_.seconds, tokens * plain_.seconds / made.seconds)


def _alternative(graph: Graph, costs: Costs, rows: int) -> Alternative:
    region = at_rows(graph.step, rows)
    return Alternative("plan", _guesses(region), step_seconds(region, graph, costs), expectation(region, graph, costs))


def _guesses(region: Region) -> int:
    """The most guesses that a step has judged."""
    judged = [node.tree.type for node in region.nodes if isinstance(node, Verify | Advance)]
    return max((tree.nodes.high or 0 for tree in judged if isinstance(tree, Tree)), default=0)


def _plain(graph: Graph, costs: Costs, rows: int) -> Alternative:
    """A step of autoregressive decoding: one pass of the target over one token of each row, or thread."""
    root = Tree(Size.of(0), Size.of(0), rows=Size.of(rows))
    target = graph.target.name
    verify = Verify(
        results=(),
        tree=Value("tree", root),
        cache=Value("cache", Kv(target, costs.context)),
        threads=Value("threads") if has_threads(graph) else None,
        by=Ref(target),
    )
    return Alternative("alone", 0, node_cost(verify, graph, costs).seconds, plain())


def _has_rows_to_try(graph: Graph) -> bool:
    """Threads are rows already, and a pipeline's timestep is made for one request."""
    return not has_threads(graph) and not any(isinstance(node, Advance) for node in graph.step.nodes)


def _crossing(graph: Graph, costs: Costs) -> int | None:
    """The number of rows from which on autoregressive decoding is faster: by doubling, then one by one."""
    doubling = [2**power for power in range(MOST_ROWS.bit_length())]
    first = _stops(doubling, graph, costs)
    if first is None or first == 1:
        return first
    between = range(first // 2, first + 1)
    return _stops(between, graph, costs) if len(between) <= 64 else first


def _stops(rows: Sequence[int], graph: Graph, costs: Costs) -> int | None:
    found = choose_by_rows(
        rows, lambda count: (_plain(graph, costs, count), _alternative(graph, costs, count)), costs.acceptance
    )
    return stops_paying_at(rows, found)
