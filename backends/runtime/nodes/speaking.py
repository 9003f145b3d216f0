"""How a drafter speaks: the law that its next token is drawn from, the draw, and the likeliest tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
)
from ...decoding import Sampling as Law
from ..network import Network
from ..values import Path
from .machine import Machine, Sampler


@dataclass(frozen=True)
class Speaker:
    """A model that drafts in one node; without a `sampler`, or at temperature 0, it takes its likeliest tokens."""

    machine: Machine
    by: Model
    sampler: Sampler | None
    ordinal: int

    @property
    def network(self) -> Network:
        """The model, loaded."""
        return self.machine.network(self.by)

    @property
    def draws(self) -> bool:
        """Are its tokens drawn?"""
        return self.sampler is not None and not self.sampler.is_greedy

    def allowed(self, scores: Array) -> Array:
        """A model never guesses its own mask."""
        if self.by.mask is None:
            return scores
        scores = array_namespace(scores).asarray(scores, copy=True)
        scores[..., self.by.mask] = -float("inf")
        return scores

    def law(self, scores: Array) -> Array:
        """What tokens are drawn from, `[..., V]` of scores `[..., V]`."""
        assert self.sampler is not None, "who draws has a law"
        return law(self.allowed(scores), self.sampler.law)

    def key(self, root: Path, ahead: int, index: int = 0) -> Key:
        """The draw of the token `ahead` tokens behind a root."""
        return self.machine.key(root.row, root.end + ahead, Purpose.DRAFT, self.ordinal << 16 | index)

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

    def confident(self, scores: Array, floor: float) -> list[bool]:
        """Is each row's likeliest token likely enough? Asked before anything is drawn, so that the draw stays a true one."""
        xp = array_namespace(scores)
        answers: list[bool] = (xp.max(law(scores, Law()), axis=-1) >= floor).tolist()
        return answers

    def ends(self, token: int) -> bool:
        """Is this the end of a text? Not asked where looking is dear: guesses behind an end are idle, and do no harm."""
        return self.network.looks_are_free and token in self.network.eos_ids
