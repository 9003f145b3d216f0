"""What plans cost and what they are expected to give: bytes, operations, seconds, tokens per step. Pure functions."""

from .acceptance import Expectation, chain, forked, pipeline, plain, sparse_states, static_tree, tree, within
from .latency import PassCost, memory_needed, pass_cost
from .search import (
    Alternative,
    Choice,
    break_even,
    choose_best,
    choose_by_rows,
    choose_length,
    choose_size,
    stops_paying_at,
)

__all__ = [
    "Alternative",
    "Choice",
    "Expectation",
    "PassCost",
    "break_even",
    "chain",
    "choose_best",
    "choose_by_rows",
    "choose_length",
    "choose_size",
    "forked",
    "memory_needed",
    "pass_cost",
    "pipeline",
    "plain",
    "sparse_states",
    "static_tree",
    "stops_paying_at",
    "tree",
    "within",
]
