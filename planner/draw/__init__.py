"""Graphs as pictures: for Graphviz, for Mermaid, and drawn as SVG with nothing but our own arithmetic."""

from .diagram import Captions, Diagram, diagram, node_path
from .dot import graph_to_dot
from .elements import TEXT, picture, rectangle, text
from .mermaid import graph_to_mermaid
from .svg import graph_to_svg

__all__ = [
    "TEXT",
    "Captions",
    "Diagram",
    "diagram",
    "graph_to_dot",
    "graph_to_mermaid",
    "graph_to_svg",
    "node_path",
    "picture",
    "rectangle",
    "text",
]
