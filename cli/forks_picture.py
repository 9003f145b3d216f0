"""`specplan run --show forks --svg FILE`: the threads of all rows over their steps, one below the other, as one SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..backends.runtime import Lane, Phase, Timeline
from ..grammar import fitted
from ..planner.draw import TEXT, picture, rectangle, text
from .forks import lane_name, lane_tokens

_EDGE, _LINE, _BAR = 16.0, 18.0, 10.0
_NAME, _TOKENS = 190.0, 80.0
_CHART, _WIDEST_STEP = 640.0, 12.0
_ID_CELLS, _NAME_CELLS = 60, 26
_INKS = {Phase.RUNNING: "#3b6fb6", Phase.QUEUED: "#e8c15a", Phase.WAITING: "#e8c15a", Phase.ENDED: "#d5dae1"}
_LINK = "#55606f"
_STYLE = f"text{{{TEXT}}}.t{{font-weight:bold}}.d{{fill:#55606f}}.e{{text-anchor:end}}"
_KEY = "blue: says · yellow: waits, for room or at a sync · grey: has ended · lines: a fork begins, is joined"


def forks_svg(rows: Sequence[tuple[str | int, Timeline]]) -> str:
    """The picture of rows, by the ids of their prompts; all have one scale of steps."""
    step = min(_WIDEST_STEP, _CHART / max(timeline.steps for _, timeline in rows))
    panels = [[*_panel(id, timeline, step)] for id, timeline in rows]
    heights = [(4 + len(timeline.forks)) * _LINE for _, timeline in rows]
    elements = ['<rect width="100%" height="100%" fill="#ffffff"/>']
    top = _EDGE
    for panel, height in zip(panels, heights, strict=True):
        elements += [f'<g transform="translate({_EDGE:g} {top:g})">', *panel, "</g>"]
        top += height
    elements.append(text(_KEY, "d", _EDGE, top + _EDGE))
    width = _NAME + _TOKENS + _CHART + 3 * _EDGE
    return picture(width, top + 2 * _EDGE, "threads over steps", _STYLE, elements)


def _panel(id: str | int, timeline: Timeline, step: float) -> Iterator[str]:
    """A row: heading, numbers of steps, and a line for each thread, the main one first."""
    count = len(timeline.forks)
    forks = f"{count} fork{'s' * (count != 1)}" if count else "nothing was promised"
    name = fitted(str(id), _ID_CELLS).rstrip()
    yield text(f"prompt {name}: {timeline.steps} step{'s' * (timeline.steps != 1)}, {forks}", "t", 0, _LINE - 4)
    yield from _numbers(timeline.steps, step)
    for place, lane in enumerate((timeline.main, *timeline.forks)):
        yield from _lane(lane, (2 + place) * _LINE, step)


def _numbers(steps: int, step: float) -> Iterator[str]:
    """At every so many steps, about 80 pixels from each other, how many lie before."""
    apart = next(each * 10**power for power in range(9) for each in (1, 2, 5) if each * 10**power * step >= 80)
    for before in range(0, steps + 1, apart):
        yield text(str(before), "d", _left(before + 1, step), 2 * _LINE - 5)


def _lane(lane: Lane, top: float, step: float) -> Iterator[str]:
    base = top + _LINE - 5
    yield text(fitted(lane_name(lane), _NAME_CELLS).rstrip(), "t", 0, base)
    yield text(lane_tokens(lane), "d e", _NAME + _TOKENS - _EDGE, base)
    for each in lane.stretches:
        bar = rectangle(
            _left(each.first, step),
            top + (_LINE - _BAR) / 2,
            (each.last - each.first + 1) * step,
            _BAR,
            _INKS[each.phase],
            "none",
            0,
        )
        yield f"<g><title>{each.phase.value}, steps {each.first} to {each.last}</title>{bar}</g>"
    for end in (lane.opened, lane.joined) if lane.fork is not None else ():
        if end is not None:
            yield rectangle(_left(end + 1, step) - 0.5, 2.5 * _LINE, 1, top - 2 * _LINE, _LINK, "none", 0)


def _left(number: int, step: float) -> float:
    """Where a step begins."""
    return _NAME + _TOKENS + (number - 1) * step
