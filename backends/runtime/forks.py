"""A fork of a row: the promise that opened it, how much it may say, and how far it is (PASTA sections 3.1 to 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """How far a thread is at the end of a step."""

    QUEUED = "queued"
    """A fork waits until another ends."""
    RUNNING = "running"
    WAITING = "waiting"
    """The main thread rests at a sync."""
    ENDED = "ended"
    JOINED = "joined"
    """The main thread sees the fork."""


@dataclass(frozen=True, slots=True)
class Fork:
    """One fork; those of a row are numbered from 1 in the order of their promises."""

    end: int
    """The number of its promise's last token in the main thread."""
    position: int
    """The position of that token."""
    budget: int
    """How many tokens it may say, its closing tag included."""
    topic: str
    tens: int
    """A tenth of the length that was promised."""
    made: int = 0
    """How many tokens it has said."""
    phase: Phase = Phase.QUEUED
    joined: int | None = None
    """The number of the main thread's sync from which on that sees the fork."""

    @property
    def has_ended(self) -> bool:
        """Does it say no more?"""
        return self.phase in (Phase.ENDED, Phase.JOINED)
