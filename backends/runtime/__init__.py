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
    ThreadStats,
    ThreadStep,
    Timing,
    numbered,
    row_key,
)
from .forks import Fork, Phase
from .loop import LoopDecoder, Program, State
from .network import Cache, Caches, Encoder, Network, Scores, Span, Wanted
from .ngram import continuation
from .readings import Reading
from .row import Row
from .seats import Seat
from .slots import NoRoom, Slots
from .spelling import spelled_behind, synchronised, whole_characters
from .thread import Thread
from .timeline import Lane, Stretch, Timeline
from .translation import Translation
from .values import Guess, OfRow, Path, Tree
from .words import Words
from .woven import Woven

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
    "Fork",
    "Guess",
    "Lane",
    "LoopDecoder",
    "Network",
    "NoRoom",
    "NotAProgram",
    "NothingToRead",
    "OfRow",
    "OutOfMemory",
    "Path",
    "Phase",
    "Program",
    "Prompt",
    "PromptTooLong",
    "Reading",
    "Reason",
    "Refused",
    "Result",
    "Row",
    "Scores",
    "Seat",
    "Slots",
    "Span",
    "Started",
    "State",
    "Stats",
    "Stepped",
    "StopText",
    "Stretch",
    "TextStream",
    "Thread",
    "ThreadStats",
    "ThreadStep",
    "Timeline",
    "Timing",
    "Translation",
    "Tree",
    "Wanted",
    "WeightsDiffer",
    "Words",
    "Woven",
    "continuation",
    "numbered",
    "row_key",
    "spelled_behind",
    "synchronised",
    "whole_characters",
]
