"""Runs any graph on table models, exactly: what every kind of node means, before any of it is fast."""

from .enumerate import FORK, Text, joint_law, output_law, steps_from
from .machine import Machine, State, Stepped
from .references import autoregressive_law, forked_law, law_distance, typical_law
from .shrink import TOY, Toy, regions_of, shrink
from .tables import TableModel, TableVocabulary, World, blended, random_table

__all__ = [
    "FORK",
    "TOY",
    "Machine",
    "State",
    "Stepped",
    "TableModel",
    "TableVocabulary",
    "Text",
    "Toy",
    "World",
    "autoregressive_law",
    "blended",
    "forked_law",
    "joint_law",
    "law_distance",
    "output_law",
    "random_table",
    "regions_of",
    "shrink",
    "steps_from",
    "typical_law",
]
