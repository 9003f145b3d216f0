"""PASTA-LANG at run time: what the tokens of threads mean, which may come next, and the one answer that they make."""

from .automaton import Automaton, Strictness
from .counts import TagCounts
from .critical_path import Block, critical_path
from .joining import UNTITLED, Joining, TextOf
from .machine import (
    FORK,
    MAIN,
    MOST_NUMBER_TOKENS,
    MOST_TOPIC_TOKENS,
    Closed,
    Ended,
    Fault,
    Meaning,
    Place,
    Promised,
    Said,
    Synced,
    TokenMachine,
    Wrong,
)
from .telling import Cut, Telling, share
from .vocabulary import TagVocabulary
from .written import Encode, Threads, threads_of

__all__ = [
    "FORK",
    "MAIN",
    "MOST_NUMBER_TOKENS",
    "MOST_TOPIC_TOKENS",
    "UNTITLED",
    "Automaton",
    "Block",
    "Closed",
    "Cut",
    "Encode",
    "Ended",
    "Fault",
    "Joining",
    "Meaning",
    "Place",
    "Promised",
    "Said",
    "Strictness",
    "Synced",
    "TagCounts",
    "TagVocabulary",
    "Telling",
    "TextOf",
    "Threads",
    "TokenMachine",
    "Wrong",
    "critical_path",
    "share",
    "threads_of",
]
