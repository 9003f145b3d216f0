"""What went between the words of a drafter and those of its target: in one step of a row, or in all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Translation:
    """Counts of what crossed from one vocabulary to another; they add up."""

    candidates: int = 0
    """Tokens of the target that guesses came to be."""
    spelled: int = 0
    """How often guesses were spelled anew, as a continuation of the text; a table of tokens spells nothing."""
    canonical: int = 0
    """Of these times: how often the target's tokenizer would have cut the text so, too."""
    encoded_bytes: int = 0
    """Of guesses and of text, through either tokenizer."""

    def __add__(self, other: Translation) -> Translation:
        """Both together.

        >>> Translation(candidates=3, encoded_bytes=9) + Translation(candidates=2)
        Translation(candidates=5, spelled=0, canonical=0, encoded_bytes=9)
        """
        mine, theirs = asdict(self), asdict(other)
        return Translation(**{name: count + theirs[name] for name, count in mine.items()})
