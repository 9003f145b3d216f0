"""What our SVG pictures are made of: text, rectangles, the whole file. No script, and no font to fetch."""

from __future__ import annotations

import re
from collections.abc import Iterable

TEXT = "font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2937"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def picture(width: float, height: float, title: str, style: str, elements: Iterable[str]) -> str:
    """A whole file, on white: readable on light and dark pages."""
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
                f'viewBox="0 0 {number(width)} {number(height)}" role="img">',
                f"<title>{escaped(title)}</title>",
                f"<style>{style}</style>",
                *elements,
                "</svg>",
            ]
        )
        + "\n"
    )


def text(words: str, kind: str, x: float, y: float) -> str:
    """A line of text, of a class of the style."""
    place = f'x="{number(x)}" y="{number(y)}"'
    return f'<text class="{kind}" {place} xml:space="preserve">{escaped(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, fill: str, stroke: str, radius: int) -> str:
    """A rectangle, with round corners if they have a radius."""
    size = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {size} rx="{radius}" fill="{fill}" stroke="{stroke}"/>'


def number(value: float) -> str:
    """One decimal: the same digits wherever it is computed."""
    return f"{value:.1f}".removesuffix(".0")


def escaped(words: str) -> str:
    """What XML takes for text."""
    words = _NOT_XML.sub("\ufffd", words)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
