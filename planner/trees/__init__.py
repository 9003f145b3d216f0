"""The topology of draft trees: fixed, chosen by score, and PPD's states with prompts behind the nodes. No tensors here."""

from .sparse import (
    MOST_RANKED,
    RankAccuracies,
    SparseState,
    SparseStates,
    build_sparse,
    candidates,
    expected_accepted,
    path_probability,
    read_state,
    stop_probabilities,
)
from .topology import Path, Topology, chain, layout_order, most_probable, static, static_size, written_out

__all__ = [
    "MOST_RANKED",
    "Path",
    "RankAccuracies",
    "SparseState",
    "SparseStates",
    "Topology",
    "build_sparse",
    "candidates",
    "chain",
    "expected_accepted",
    "layout_order",
    "most_probable",
    "path_probability",
    "read_state",
    "static",
    "static_size",
    "stop_probabilities",
    "written_out",
]
