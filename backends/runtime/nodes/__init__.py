"""What each kind of node does when a graph runs; emitted programs are made of these and of nothing else.

A value is a tuple with one entry for each row that does not rest.
"""

from ....planner.graph import Dynamic, Model, Recent, Sampling, Static, Table
from ..network import Caches, Scores
from ..values import Guesses, Paths, Rows, Trees, Trust
from .accepting import accept
from .bridging import respell, spell, translate
from .deciding import choose, commit, emit, stop, watch
from .drafting import draft, lookup, repeat
from .machine import Machine
from .reading import encode, prefill, verify
from .shaping import branch, chain, merge, pack

__all__ = [
    "Caches",
    "Dynamic",
    "Guesses",
    "Machine",
    "Model",
    "Paths",
    "Recent",
    "Rows",
    "Sampling",
    "Scores",
    "Static",
    "Table",
    "Trees",
    "Trust",
    "accept",
    "branch",
    "chain",
    "choose",
    "commit",
    "draft",
    "emit",
    "encode",
    "lookup",
    "merge",
    "pack",
    "prefill",
    "repeat",
    "respell",
    "spell",
    "stop",
    "translate",
    "verify",
    "watch",
]
