"""What each kind of node does when a graph runs; emitted programs are made of these and of nothing else.

A value is a tuple with one entry for each row that does not rest.
"""

from ....planner.graph import Dynamic, Model, Recent, Sampling, Static, Table, Tags
from ..network import Caches, Scores
from ..values import Guesses, Paths, Rows, Trees, Trust
from ..woven import Threads
from .accepting import accept
from .bridging import respell, spell, translate
from .deciding import choose, commit, emit, watch
from .drafting import draft, lookup, repeat
from .forking import cut, fork, join
from .machine import Machine
from .reading import encode, prefill, verify
from .shaping import branch, chain, merge, pack
from .stopping import stop

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
    "Tags",
    "Threads",
    "Trees",
    "Trust",
    "accept",
    "branch",
    "chain",
    "choose",
    "commit",
    "cut",
    "draft",
    "emit",
    "encode",
    "fork",
    "join",
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
