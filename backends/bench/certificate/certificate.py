"""What a certificate says: frozen results with a verdict, and their JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, TypeAlias

from ..pairing import LeftOut
from ..setting import Setting
from .chi_square import LEVEL, Fit, bonferroni
from .greedy import NEAR, Departure, Identity

FORMAT_VERSION = 1
COMPARED = 3
"""Tokens of a redraw whose laws are looked at."""
DRIFT = 0.1
"""The largest total variation distance between laws of the engine's passes and of transformers' that rounding may explain."""


class Verdict(Enum):
    """What came out."""

    EXACT = "exact"
    NEAR_TIES = "exact up to near-ties"
    NOT_EXACT = "NOT exact"
    LOSSLESS = "lossless"
    NOT_LOSSLESS = "NOT lossless"
    APPROXIMATE = "approximate"
    NOTHING = "nothing was compared"

    @property
    def certified(self) -> bool:
        """Is this what was to be certified?"""
        return self in (Verdict.EXACT, Verdict.NEAR_TIES, Verdict.LOSSLESS)


@dataclass(frozen=True, slots=True)
class GreedyCertificate:
    """Greedy answers, token by token beside the target's own choices."""

    setting: Setting
    law: str
    """The law that the graph states."""
    approximate: bool
    """Does the graph itself say that its law is not the target's?"""
    answers: tuple[Identity, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def tokens(self) -> int:
        """Of all answers."""
        return sum(each.tokens for each in self.answers)

    @property
    def departures(self) -> tuple[Departure, ...]:
        """All tokens that are not the target's likeliest."""
        return tuple(departure for each in self.answers for departure in each.departures)

    @property
    def verdict(self) -> Verdict:
        """Whether these are the target's own greedy answers."""
        if not self.tokens:
            return Verdict.NOTHING
        if self.approximate:
            return Verdict.APPROXIMATE
        if not self.departures:
            return Verdict.EXACT
        return Verdict.NEAR_TIES if all(each.near for each in self.departures) else Verdict.NOT_EXACT

    def to_json(self) -> dict[str, Any]:
        """What `specplan bench --certify --format json` prints of a greedy plan."""
        return {
            "format_version": FORMAT_VERSION,
            "certificate": "greedy identity",
            "setting": asdict(self.setting),
            "law": self.law,
            "verdict": self.verdict.value,
            "certified": self.verdict.certified,
            "tokens": self.tokens,
            "identical": self.tokens - len(self.departures),
            "near_tie_units": NEAR[self.setting.dtype],
            "departures": [{**asdict(each), "units": each.units} for each in self.departures],
            "answers": [{"id": each.id, "tokens": each.tokens} for each in self.answers],
            "left_out": _left_out(self.left_out),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Tokens at one place of the redraws beside the target's law there."""

    text: tuple[int, ...]
    """What is before it: the prefix and, behind it, the likeliest tokens."""
    likeliest: int
    fit: Fit


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What became of one prefix."""

    id: str | int
    prompt_tokens: int
    said: int
    """Tokens of the answer that are a part of the prefix."""
    places: tuple[Place, ...]
    distance: float
    """The largest total variation distance between the laws that were looked up and those of transformers alone."""
    passes: int
    """Passes of all models that the laws took."""


@dataclass(frozen=True, slots=True)
class SampledCertificate:
    """Redrawn rounds beside the target's laws."""

    setting: Setting
    law: str
    """The law that the graph states."""
    approximate: bool
    """Does the graph itself say that its law is not the target's?"""
    redraws: int
    """Of each prefix."""
    prefixes: tuple[Redrawn, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def p_values(self) -> tuple[float, ...]:
        """Of all tests; a place with one cell that no impossible token was drawn at is none."""
        return tuple(place.fit.p for place in self.places if place.fit.p is not None)

    @property
    def places(self) -> Iterator[Place]:
        """Of all prefixes."""
        return (place for each in self.prefixes for place in each.places)

    @property
    def p(self) -> float | None:
        """Of all tests together, after Bonferroni; None where nothing could be tested."""
        return bonferroni(self.p_values)

    @property
    def distance(self) -> float:
        """The largest of any prefix."""
        return max((each.distance for each in self.prefixes), default=0.0)

    @property
    def verdict(self) -> Verdict:
        """Whether anything speaks against this being the target's own law."""
        if self.p is None:
            return Verdict.NOTHING
        if self.approximate:
            return Verdict.APPROXIMATE
        return Verdict.NOT_LOSSLESS if self.p < LEVEL or self.distance > DRIFT else Verdict.LOSSLESS

    def to_json(self) -> dict[str, Any]:
        """What `specplan bench --certify --format json` prints of a plan that samples."""
        return {
            "format_version": FORMAT_VERSION,
            "certificate": "redrawn rounds",
            "setting": asdict(self.setting),
            "law": self.law,
            "verdict": self.verdict.value,
            "certified": self.verdict.certified,
            "redraws": self.redraws,
            "compared_tokens": COMPARED,
            "level": LEVEL,
            "tests": len(self.p_values),
            "smallest_p": min(self.p_values, default=None),
            "bonferroni_p": self.p,
            "largest_distance": self.distance,
            "prefixes": [_prefix_json(each) for each in self.prefixes],
            "left_out": _left_out(self.left_out),
        }


Certificate: TypeAlias = GreedyCertificate | SampledCertificate


def _prefix_json(found: Redrawn) -> dict[str, Any]:
    size = found.prompt_tokens + found.said
    places = [
        {"given": list(each.text[size:]), "likeliest": each.likeliest, **asdict(each.fit)} for each in found.places
    ]
    return {
        "id": found.id,
        "prompt_tokens": found.prompt_tokens,
        "answer_tokens": found.said,
        "passes": found.passes,
        "distance": found.distance,
        "places": places,
    }


def _left_out(left: tuple[LeftOut, ...]) -> list[dict[str, Any]]:
    return [{"id": each.id, "reasons": [why.message() for why in each.diagnostics]} for each in left]
