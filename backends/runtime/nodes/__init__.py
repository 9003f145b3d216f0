"""What each kind of node does when a graph runs one row; emitted programs are made of these and of nothing else."""

from ....planner.graph import Model, Recent, Sampling
from ..network import Cache
from ..values import Guess, Path, Tree
from .deciding import accept, commit, emit, stop
from .drafting import chain, draft, lookup, merge
from .machine import Machine
from .reading import encode, prefill, verify

__all__ = [
    "Cache",
    "Guess",
    "Machine",
    "Model",
    "Path",
    "Recent",
    "Sampling",
    "Tree",
    "accept",
    "chain",
    "commit",
    "draft",
    "emit",
    "encode",
    "lookup",
    "merge",
    "prefill",
    "stop",
    "verify",
]
