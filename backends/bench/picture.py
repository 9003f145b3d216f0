"""A comparison as an SVG: bars of how many times as fast, with their quartiles, overall and by category."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from .comparison import Comparison, Measured
from .statistics import Quartiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ALL = "all prompts"
# The same data gives the same bytes: names of elements follow from a fixed salt, and text stays text.
_STYLE: dict[str, Any] = {"svg.hashsalt": "specplan", "svg.fonttype": "none"}
_METADATA: dict[str, Any] = {"Date": None, "Creator": "specplan"}


def picture(comparison: Comparison) -> str:
    """The SVG of a comparison in which something was measured.

    Every contender beside the first rival has a bar for all prompts and one for each category: how many times as fast it
    was as that rival, with lines from the lower to the upper quartile. Without a rival they are tokens per second.
    Raises ModuleNotFoundError where matplotlib, of the extra `bench`, is not installed.
    """
    import matplotlib
    from matplotlib.figure import Figure

    against = comparison.measured[1].name if len(comparison.measured) > 1 else None
    bars = {each.name: _bars(each, against) for each in comparison.measured if each.name != against}
    labels = list(dict.fromkeys(label for found in bars.values() for label in found))
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(3 + 0.5 * len(labels) * len(bars), 4), layout="constrained")
        axes = figure.add_subplot()
        for place, (name, found) in enumerate(bars.items()):
            _draw(axes, name, found, labels, place, len(bars))
        _label(axes, comparison, against, labels)
        figure.legend(loc="outside lower center", ncols=len(bars), fontsize="small")
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata=_METADATA)
    return stream.getvalue()


def _bars(measured: Measured, against: str | None) -> dict[str, Quartiles]:
    """A contender's figures by what stands below the bar."""
    if against is None:
        return {_ALL: measured.tokens_per_s}
    ratio = measured.ratio(against)
    return {} if ratio is None else {_ALL: ratio.overall, **dict(ratio.categories)}


def _draw(axes: Axes, name: str, found: dict[str, Quartiles], labels: list[str], place: int, of: int) -> None:
    """One contender's bars, the one at `place` of `of` bars that stand together."""
    width = 0.8 / of
    shift = (place - (of - 1) / 2) * width
    there = [(labels.index(label) + shift, figure) for label, figure in found.items()]
    spans = (
        [figure.median - figure.low for _, figure in there],
        [figure.high - figure.median for _, figure in there],
    )
    axes.bar([x for x, _ in there], [figure.median for _, figure in there], width, yerr=spans, capsize=3, label=name)


def _label(axes: Axes, comparison: Comparison, against: str | None, labels: list[str]) -> None:
    setting = comparison.setting
    axes.set_xticks(range(len(labels)), labels, rotation=30 if len(labels) > 1 else 0)
    if against is None:
        axes.set_ylabel("tokens/s")
    else:
        forks = any(each.threads is not None for each in comparison.measured)
        axes.set_ylabel(f"times as fast as {against}" + (", whole answers" if forks else ""))
        axes.axhline(1, color="black", linewidth=0.8)
    axes.set_title(
        f"{setting.plan}: {setting.target}, {setting.dtype}, {setting.hardware}\n"
        f"medians and quartiles of {comparison.prompts} prompts x {setting.repeats}",
        fontsize="small",
    )
