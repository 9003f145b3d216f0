"""What every engine shares when it runs a graph: rows, slots of caches, the loop, and the one stream of events."""

from .clock import Clock
from .ending import Ending, Reason, StopText, TextStream
from .errors import AttentionUnknown, CacheFull, NotAProgram, NothingToRead, OutOfMemory, PromptTooLong, WeightsDiffer
from .events import (
    Decoder,
    Event,
    Finished,
    Prompt,
    Refused,
    Result,
    Started,
    Stats,
    Stepped,
    Timing,
    numbered,
    row_key,
)
from .loop import LoopDecoder, Program, State
from .network import Cache, Caches, Encoder, Network, Scores, Wanted
from .ngram import continuation
from .row import Row
from .slots import NoRoom, Reading, Slots
from .spelling import spelled_behind, synchronised, whole_characters
from .translation import Translation
from .values import Guess, OfRow, Path, Tree
from .words import Words

__all__ = [
    "AttentionUnknown",
    "Cache",
    "CacheFull",
    "Caches",
    "Clock",
    "Decoder",
    "Encoder",
    "Ending",
    "Event",
    "Finished",
    "Guess",
    "LoopDecoder",
    "Network",
    "NoRoom",
    "NotAProgram",
    "NothingToRead",
    "OfRow",
    "OutOfMemory",
    "Path",
    "Program",
    "Prompt",
    "PromptTooLong",
    "Reading",
    "Reason",
    "Refused",
    "Result",
    "Row",
    "Scores",
    "Slots",
    "Started",
    "State",
    "Stats",
    "Stepped",
    "StopText",
    "TextStream",
    "Timing",
    "Translation",
    "Tree",
    "Wanted",
    "WeightsDiffer",
    "Words",
    "continuation",
    "numbered",
    "row_key",
    "spelled_behind",
    "synchronised",
    "whole_characters",
]
