"""The front of speed and quality as a picture: where the supervised model stands, and that of each weight."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

from .rounds import Point

# The same data gives the same bytes: names of elements follow from a fixed salt, and text stays text.
_STYLE: dict[str, Any] = {"svg.hashsalt": "specplan", "svg.fonttype": "none"}
_METADATA: dict[str, Any] = {"Date": None, "Creator": "specplan"}


def front_picture(points: Sequence[Point], title: str) -> str:
    """The SVG of some models, the sequential one among them at 1, 1.

    Raises ModuleNotFoundError where matplotlib, of the extra `bench`, is not installed.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6, 4.5), layout="constrained")
        axes = figure.add_subplot()
        weighed = sorted((each for each in points if each.weight is not None), key=lambda each: each.speedup)
        axes.plot([each.speedup for each in weighed], [each.quality for each in weighed], "o-", label="preferences")
        plain = [each for each in points if each.weight is None]
        axes.plot([each.speedup for each in plain], [each.quality for each in plain], "s", label="supervised")
        axes.plot([1], [1], "k+", label="one token after the other")
        for each in points:
            axes.annotate(each.name, (each.speedup, each.quality), (4, 4), textcoords="offset points", fontsize="small")
        axes.set_xlabel("theoretical speed-up, geometric mean")
        axes.set_ylabel("quality beside the model's own answers")
        axes.set_title(title, fontsize="small")
        axes.legend(fontsize="small")
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata=_METADATA)
    return stream.getvalue()
