"""A table between two vocabularies, ready to be used: what each of a drafter's tokens is in the target's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...grammar import DiagnosticError
from ...planner.graph import Table
from ...planner.vocabulary import intersection, is_whole_characters, pushforward_at_once, written
from ..decoding import Array, TokenMap
from .errors import NothingShared
from .words import Words


@dataclass(eq=False)
class Bridge:
    """The images of a drafter's tokens; None for those that have none."""

    images: tuple[int | None, ...]
    source: Words
    target: Words
    is_same_bytes: bool
    rejects_nulls: bool
    """Does a draw without an image propose nothing (or is it never drawn)?"""
    size: int
    """Of the target's laws."""
    _maps: dict[tuple[Any, Any], TokenMap] = field(default_factory=dict, repr=False)
    _domains: dict[tuple[Any, Any], Array] = field(default_factory=dict, repr=False)

    def map(self, like: Array) -> TokenMap:
        """The table where an array of draft laws `[..., D]` lies."""
        place = (like.device, like.dtype)
        if place not in self._maps:
            self._maps[place] = TokenMap.of(self.images, self.size, like)
        return self._maps[place]

    @property
    def is_partial(self) -> bool:
        """Are there words that may not be drawn?"""
        return not self.rejects_nulls

    def allowed(self, like: Array) -> Array | None:
        """Which tokens `[D]` may be drawn; None for all."""
        if self.rejects_nulls:
            return None
        place = (like.device, like.dtype)
        if place not in self._domains:
            self._domains[place] = self.map(like).domain(like.shape[-1])
        return self._domains[place]

    def read_as(self, token: Any) -> Sequence[Any] | None:
        """What the drafter reads behind a guess: the guess, or the spelling of its image; None where there is none.

        The next guess stands behind the image in the target's text (heterogeneous vocabularies, push-forward chain).
        Between tokens of the same bytes nothing has to be looked at. Behind an image that ends within a character nothing
        can be read.
        """
        if self.is_same_bytes:
            return (token,)
        image = self.images[int(token)]
        if image is None:
            return None
        spelled = self.target.spelled[image]
        if spelled is None or spelled == self.source.spelled[int(token)]:
            return (token,)
        return self.source.encode(spelled) if is_whole_characters(spelled) else None


def bridge(table: Table, source: Words, target: Words, ends: Mapping[int, int]) -> Bridge:
    """The declared table between two vocabularies; `ends` are the pairs of end tokens, made by hand.

    Raises DiagnosticError (SP0808) where no token has an image: a draft could never say anything.
    """
    is_same_bytes = str(table.method) == "tli"
    if is_same_bytes:
        words, wanted = (written(each.spelled, each.encode_each) for each in (source, target))
        found = intersection(words, wanted, ends)
    else:
        found = pushforward_at_once(source.spelled, target.encode_each)
    if not set(found.shared) - set(ends):
        raise DiagnosticError([NothingShared(table.span, str(table.source), str(table.target))])
    return Bridge(found.images, source, target, is_same_bytes, str(table.nulls) == "reject", len(target.spelled))
