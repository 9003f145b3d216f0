"""What a model can read of a text: its vocabulary may lack characters, and not all bytes are characters."""

from __future__ import annotations

from .spelling import Spelled, begun_character

STAND_IN = "\ufffd"


class Readable:
    """Puts U+FFFD in the place of what a vocabulary cannot spell, or nothing where it cannot spell that either.

    The end of a text may be the beginning of a character: it stays as it is. Otherwise the beginning of a text is read as
    the beginning of the whole is, so what a model has read goes on being true as the text grows.
    """

    def __init__(self, words: Spelled) -> None:
        """`words` are the vocabulary."""
        self._words = words
        self._met: set[str] = set()
        self._strange: dict[int, str] = {}
        self._stand_in = STAND_IN if self._is_spelled(STAND_IN) else ""

    def of(self, text: bytes) -> bytes:
        """A text as the vocabulary can spell it, all but its last bytes if they only begin a character."""
        begun = begun_character(text)
        characters = text[: len(text) - len(begun)].decode(errors="replace")
        self._meet(set(characters) - self._met)
        return (characters.translate(self._strange) if self._strange else characters).encode() + begun

    def _meet(self, new: set[str]) -> None:
        self._met |= new
        self._strange |= {ord(each): self._stand_in for each in new if not self._is_spelled(each)}

    def _is_spelled(self, character: str) -> bool:
        return self._words.encode(character.encode()) is not None
