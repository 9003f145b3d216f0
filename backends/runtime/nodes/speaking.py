"""How a drafter speaks: the law that its next token is drawn from, the draw, and the likeliest tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from array_api_compat import array_namespace

from ....planner.graph import Model
from ...decoding import (
    Array,
    Key,
    LateToken,
    Proposal,
    Purpose,
    draw_siblings,
    draw_siblings_ahead,
    law,
    likeliest_token,
    likeliest_tokens,
    restrict_logits,
    send,
)
from ...decoding import Sampling as Law
from ..bridge import Bridge
from ..network import Network, Scores
from ..values import Path
from .constraint import Constraint, Unconstrained
from .machine import Machine, Sampler


@dataclass(frozen=True)
class Speaker:
    """A model that drafts in one node; without a `sampler`, or at temperature 0, it takes its likeliest tokens."""

    machine: Machine
    by: Model
    sampler: Sampler | None
    ordinal: int
    bridge: Bridge | None = None
    """Only what has an image is guessed, or what has none proposes nothing."""
    constraint: Constraint = field(default_factory=Unconstrained)
    """What may come next, where threads fork."""

    @property
    def network(self) -> Network:
        """The model, loaded."""
        return self.machine.network(self.by)

    @property
    def draws(self) -> bool:
        """Are its tokens drawn?"""
        return self.sampler is not None and not self.sampler.is_greedy

    def allowed(self, scores: Array) -> Array:
        """Scores without what is never guessed: the model's own mask, and words that a table has no image of."""
        if self.by.mask is not None:
            scores = array_namespace(scores).asarray(scores, copy=True)
            scores[..., self.by.mask] = -float("inf")
        words = None if self.bridge is None else self.bridge.allowed(scores)
        return scores if words is None else restrict_logits(scores, words)

    def law(self, scores: Array) -> Array:
        """What tokens are drawn from, `[..., V]` of scores `[..., V]`."""
        assert self.sampler is not None, "who draws has a law"
        return law(self.allowed(scores), self.sampler.law)

    def key(self, root: Path, ahead: int, index: int = 0) -> Key:
        """The draw of the token `ahead` tokens behind a root."""
        # Inside a decoder that drafts, the machine knows what its own words count as.
        place = root.next_position if root.draws_at is None or self.machine.is_inside else root.draws_at
        return self.machine.key(root.thread, place + ahead, Purpose.DRAFT, self.ordinal << 16 | index)

    def tokens(self, scores: Array, keys: Sequence[Key]) -> tuple[list[int], Array | None]:
        """A token for each row of scores `[n, V]`, and the laws `[n, V]` that they were drawn from."""
        if not self.draws:
            chosen, laws = likeliest_token(self.allowed(scores)), None
        else:
            assert self.sampler is not None, "who draws has a law"
            laws = self.law(scores)
            chosen = self.sampler.draws.pick_rows(laws, keys)
        return self.seen(chosen), laws

    def seen(self, chosen: Array) -> list[Any]:
        """Tokens of an array `[n]` as numbers, or as they lie on the device where looking is dear."""
        if self.network.looks_are_free:
            numbers: list[int] = chosen.tolist()
            return numbers
        return [LateToken(chosen[place]) for place in range(chosen.shape[0])]

    def siblings(self, scores: Array, count: int, keys: Sequence[Key]) -> list[list[Proposal]]:
        """Up to `count` different tokens behind each row of scores `[n, V]`: the likeliest, or drawn without replacement.

        Where looking is dear a draw that was impossible stands among them: its law is all zeros.
        """
        if not self.draws:
            tokens = self.seen(self.ranked(scores, count).reshape(-1))
            return [
                [Proposal(token) for token in tokens[first : first + count]] for first in range(0, len(tokens), count)
            ]
        assert self.sampler is not None, "who draws has a law"
        laws, draws = self.law(scores), self.sampler.draws
        if self.network.looks_are_free:
            return [draw_siblings(law, count, draws, key) for law, key in zip(laws, keys, strict=True)]
        drawn, left = draw_siblings_ahead(laws, count, draws, keys)
        return [
            [Proposal(token, law[row]) for token, law in zip(self.seen(tokens), left, strict=True)]
            for row, tokens in enumerate(drawn)
        ]

    def ranked(self, scores: Array, count: int) -> Array:
        """The `count` likeliest tokens of each row of scores, `[n, count]`, of equals the lower id first."""
        return likeliest_tokens(self.allowed(scores), count)

    def able(self, scores: Array, floor: float | None) -> list[bool] | None:
        """Is there a guess to make behind each row of scores `[n, V]`? None where there is one anyhow.

        Not if the likeliest token is less likely than `floor`: that is asked before anything is drawn, so that the draw
        stays a true one. Nor if none of the words that a table leaves is possible.
        """
        xp = array_namespace(scores)
        answers = None
        if floor is not None:
            answers = xp.max(law(scores, Law()), axis=-1) >= floor
        if self.bridge is not None and self.bridge.is_partial and self.network.looks_are_free:
            possible = xp.max(self.allowed(scores), axis=-1) > -float("inf")
            answers = possible if answers is None else answers & possible
        return None if answers is None else answers.tolist()

    def reads(self, token: Any) -> Sequence[Any]:
        """What the model reads behind a guess before the next; nothing if no guess follows."""
        if self.bridge is None:
            return (token,)
        with self.machine.clock.translating():
            return self.bridge.read_as(token) or ()

    def ends(self, token: int) -> bool:
        """Is this the end of a text? Not asked where looking is dear: guesses behind an end are idle, and do no harm."""
        return self.network.looks_are_free and token in self.network.eos_ids


def last_of_each(scores: Scores) -> Array:
    """The scores behind each thread's last token, `[threads, V]`."""
    rows, width, _ = scores.padded.shape
    if [(row, end) for row, _, end in scores.spans] == [(row, width) for row in range(rows)]:
        return scores.padded[:, -1]
    integers = array_namespace(scores.padded).int64
    ends = send([end - 1 for _, _, end in scores.spans], scores.padded, integers)
    return scores.padded[send([row for row, _, _ in scores.spans], scores.padded, integers), ends]
