"""What went between the words of a drafter and those of its target: in one step of a row, or in all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Translation:
    """Counts of what crossed from one vocabulary to another; they add up."""

    candidates: int = 0
    """Tokens of the target that guesses came to be."""
    respellings: int = 0
    """How often guesses were spelled anew, as a continuation of the text; a table of tokens spells nothing."""
    canonical: int = 0
    """Of these times: how often the target's tokenizer would have cut the text so, too."""
    encoded_bytes: int = 0
    """Of guesses and of text, through either tokenizer."""

    def __str__(self) -> str:
        """For people: how many candidates, and how they were cut.

        >>> print(Translation(9, 3, 2, 40)), print(Translation(9, encoded_bytes=40))
        9 candidates (2 of 3 times cut as the target would); 40 bytes spelled in other words
        9 candidates; 40 bytes spelled in other words
        (None, None)
        """
        cut = f" ({self.canonical} of {self.respellings} times cut as the target would)" if self.respellings else ""
        return f"{self.candidates} candidates{cut}; {self.encoded_bytes} bytes spelled in other words"

    def __add__(self, other: Translation) -> Translation:
        """Both together.

        >>> Translation(candidates=3, encoded_bytes=9) + Translation(candidates=2)
        Translation(candidates=5, respellings=0, canonical=0, encoded_bytes=9)
        """
        mine, theirs = asdict(self), asdict(other)
        return Translation(**{name: count + theirs[name] for name, count in mine.items()})
