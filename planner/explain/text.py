"""An explanation as text, like a database's EXPLAIN: facts about the whole, then a tree with one node a line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from ..forecast import Forecast, RowsForecast, ThreadsForecast
from ..graph import quote
from ..memory import shown_bytes
from .explanation import ExplainedModel, ExplainedNode, ExplainedRegion, Explanation

WIDTH = 120
_COLUMNS = ("passes", "read", "ops", "ms", "share", "memory")


def explanation_text(explained: Explanation) -> str:
    """The whole explanation, ending with a newline; nothing in it but the tree's types is wider than 120 columns."""
    facts = [line for name, values in groupby(_facts(explained), key=itemgetter(0)) for line in _fact(name, values)]
    rows = [*_region(explained.start, 0), *_region(explained.step, 0)]
    return "\n".join([*facts, "", *_aligned(rows)]) + "\n"


def headline(explained: Explanation) -> tuple[str, ...]:
    """What a picture says above itself: what is expected, and how fast that is."""
    wanted = ("expected", "speed", "unknown")
    return tuple(value for name, value in _facts(explained) if name in wanted)


def _fact(name: str, values: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of all facts of one name, which stands before the first."""
    label = name
    for _, value in values:
        for line in textwrap.wrap(value, WIDTH - 11, break_long_words=False, break_on_hyphens=False):
            yield f"{label:<10} {line}"
            label = ""


def _facts(explained: Explanation) -> Iterator[tuple[str, str]]:
    """What a reader wants to know first, a line or a few for each."""
    yield (
        "plan",
        f"{explained.name}, for the {explained.engine} engine on `{explained.device}`: {explained.about_device}",
    )
    reference = f"; its reference is {explained.reference}" if explained.reference else ""
    yield "law", explained.law + reference
    yield "numerics", explained.numerics
    for each in explained.sampling:
        yield "sampling", each
    if explained.forecast is not None:
        yield from _forecast(explained, explained.forecast)
    else:
        names = " and ".join(f"`{name}`" for name in explained.unknown)
        yield "unknown", f"no card says how large {names} is, so costs and speed cannot be estimated"
    yield from _memory(explained)
    for each in explained.decisions:
        yield "decided", each
    if explained.passes:
        yield "passes", f"changed by {', '.join(explained.passes)}"
    for each in explained.assumptions:
        yield "assumed", each


def _forecast(explained: Explanation, forecast: Forecast) -> Iterator[tuple[str, str]]:
    what = "tokens a step" + (" and row" if len(forecast.rows) > 1 and not explained.threads else "")
    value = f"{forecast.tokens:.2f}".removesuffix(".00")
    at = f" at a = {forecast.acceptance:g} (assumed, not measured)" if forecast.varies else ""
    formula = "" if forecast.formula == value else f": {forecast.formula}"
    if forecast.threads is None:
        yield "expected", f"{value} {what}{at}{formula}"
    else:
        share = f"{forecast.threads.tokens:.2f} in all at s = {forecast.threads.share:g} (assumed, not measured)"
        yield "expected", f"{value} {what} in each thread{at}; {share}{formula}"
    yield from (("speed", line) for line in _speed(explained, forecast))
    if forecast.speculates:
        yield "break-even", ("with one active thread: " if explained.threads else "") + _break_even(forecast)
    if forecast.speculates and forecast.threads is not None:
        yield "threads", _crowded(forecast.threads)
    if forecast.most_rows is not None:
        stops = forecast.stops_paying_at
        yield (
            "rows",
            (
                f"pays for any number of rows up to {forecast.most_rows}"
                if stops is None
                else "does not pay for any number of rows"
                if stops == 1
                else f"stops paying at {stops} active rows; from there on autoregressive decoding is faster"
            ),
        )


def _speed(explained: Explanation, forecast: Forecast) -> Iterator[str]:
    first, *others = forecast.rows
    against = "autoregressive decoding of the same target (predicted)"
    if not others:
        yield f"{_as_fast(first.speedup)} {against}: {_milliseconds(first)}"
        return
    unit = "thread" if explained.threads else "row"
    guessing = "" if first.guessing is None else "; guessing: against the same threads without it"
    yield f"against {against}{guessing}"
    for each in forecast.rows:
        guessing = "" if each.guessing is None else f"; guessing gives {_as_fast(each.guessing)}"
        rows = f"{each.rows} active {unit}{'s' if each.rows > 1 else ''}"
        yield f"{rows}: {_as_fast(each.speedup)}, {_milliseconds(each)}{guessing}"


def _as_fast(times: float) -> str:
    return f"{times:.2f}x" + (" (slower)" if times < 0.995 else "")


def _milliseconds(each: RowsForecast) -> str:
    return f"{each.seconds * 1e3:.1f} ms a step, against {each.plain_seconds * 1e3:.1f} ms"


def _break_even(forecast: Forecast) -> str:
    if forecast.break_even is None:
        return "never: even if every guess were right, autoregressive decoding would be faster"
    if not forecast.varies:
        return "does not depend on an assumed acceptance"
    if forecast.break_even < 0.005:
        return "pays as soon as any guess is right"
    return f"pays from an acceptance of a = {forecast.break_even:.2f} on"


def _crowded(threads: ThreadsForecast) -> str:
    match threads.stops_paying_at:
        case None:
            return "guesses pay for any number of active threads"
        case 1:
            return "guesses pay for no number of active threads"
        case count:
            return (
                f"guesses stop paying at {count} active threads; from there on the same forks are faster without them"
            )


def _memory(explained: Explanation) -> Iterator[tuple[str, str]]:
    plan = explained.memory
    for each in plan.models:
        yield "memory", _model(each)
    devices = "" if plan.devices == 1 else f"{plan.devices} times "
    unit = "requests" if explained.threads else "rows"
    fits = "" if plan.rows_that_fit is None else f"; {plan.rows_that_fit} {unit} would fit"
    least = "at least " if explained.unknown else ""
    total = f"{least}{shown_bytes(plan.needed)} of {devices}{shown_bytes(plan.available)}"
    yield "memory", f"all: {total} that `{explained.device}` has{fits}"


def _model(model: ExplainedModel) -> str:
    ranks = "" if model.ranks is None else f" on rank{'s' if '.' in model.ranks else ''} {model.ranks}"
    kind = "" if model.dtype is None else f" in {model.dtype}"
    adapter = "" if model.adapter is None else f" with {quote(model.adapter)}"
    name = f"{model.name} = {quote(model.source)}{adapter}{kind}{ranks}: "
    if model.weights is None or model.cache is None:
        return name + "unknown, without a card"
    if not model.cache:
        return f"{name}{shown_bytes(model.weights)} of weights"
    slots = f"{model.slots} slots" + (f" x {model.rows} rows" if model.rows > 1 else "")
    return f"{name}{shown_bytes(model.weights)} of weights, {shown_bytes(model.cache)} of cache ({slots})"


_Row = tuple[str, str, tuple[str, ...], str]
"""Tree and names, who or how, the numbers, and types."""


def _region(region: ExplainedRegion, depth: int) -> Iterator[_Row]:
    runs = "" if region.runs is None else f", {region.runs:.2f} times"
    when = "" if region.when is None else f", {region.when}{runs}"
    # Where guesses fill a pipeline, times of nodes on different ranks do not add up.
    together = ", ranks side by side" if any(node.node == "advance" for node in region.nodes) else ""
    yield f"{'  ' * depth}{region.name}{when}{together}", "", (), ""
    for node in region.nodes:
        yield _node(node, depth + 1)
        for inner in node.regions:
            yield from _region(inner, depth + 2)


def _node(node: ExplainedNode, depth: int) -> _Row:
    who = " ".join(part for part in (node.by, node.law, node.ranks and f"@{node.ranks}") if part)
    types = [each.type for each in node.results]
    # Caches are in the column of memory; what is left are the shapes that one reads for.
    shapes = [each for each in types if not each.startswith("kv[")] or types
    return (
        f"{'  ' * depth}{node.node} {', '.join(each.name for each in node.results)}",
        who,
        _numbers(node),
        ", ".join(shapes),
    )


def _numbers(node: ExplainedNode) -> tuple[str, ...]:
    memory = "?" if node.memory is None else shown_bytes(node.memory) if node.memory else ""
    if node.cost is None:
        return ("?", "?", "?", "?", "?", memory)
    share = "" if node.share is None else f"{node.share:.0%}"
    if not node.cost.passes:
        host = (f"{node.cost.seconds * 1e3:.2f}", share) if node.cost.seconds else ("", "")
        return ("", "", "", *host, memory)
    passes = f"{node.cost.passes:.1f}".removesuffix(".0")
    operations = f"{node.cost.operations / 1e9:.1f} G"
    return (passes, shown_bytes(node.cost.bytes), operations, f"{node.cost.seconds * 1e3:.1f}", share, memory)


def _aligned(rows: Iterable[_Row]) -> Iterator[str]:
    """Columns as wide as what they hold; a region's line runs on over them."""
    shown = [("", "", _COLUMNS, "shapes"), *rows]
    nodes = [row for row in shown if row[2]]
    tree, who = (max(len(str(row[index])) for row in nodes) for index in (0, 1))
    widths = [max(len(row[2][column]) for row in nodes) for column in range(len(_COLUMNS))]
    for first, second, numbers, types in shown:
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(numbers, widths, strict=False))
        yield f"{first:<{tree}}  {second:<{who}}  {cells}  {types}".rstrip()
