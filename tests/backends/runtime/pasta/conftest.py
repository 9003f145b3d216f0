"""A small vocabulary with PASTA's six words, whose ordinary tokens spell the same tags, pieces of them, and every byte."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import pytest

from specplan.backends.runtime.pasta import TagVocabulary, TokenMachine
from specplan.grammar import Tag

WORDS = [
    b"sum",
    b"sums",
    b" of",
    b" the",
    b"two ",
    b"12",
    b"0",
    b"240",
    b"  ",
    b"\xc3",
    b"\xa9",
    "é日".encode(),
    b"a b c d",
]
LOOK_ALIKES = [tag.value.encode() for tag in Tag] + [b"<sync", b"/>", b"</", b"&lt;sync/>", b'="']
SPELLED = (
    (None,) * 6 + (None, None) + tuple(dict.fromkeys([bytes([byte]) for byte in range(256)] + WORDS + LOOK_ALIKES))
)
END, SPECIAL = 6, 7


class ToyWords:
    """Encodes by the longest token that fits."""

    def __init__(self) -> None:
        self.vocabulary = TagVocabulary(dict(zip(Tag, range(6), strict=True)), SPELLED, frozenset([END]))
        self.machine = TokenMachine(self.vocabulary)
        self.numbers = {piece: number for number, piece in enumerate(SPELLED) if piece}

    def tag(self, tag: Tag) -> int:
        return self.vocabulary.tags[tag]

    def encode(self, text: bytes) -> tuple[int, ...]:
        ids: list[int] = []
        at = 0
        while at < len(text):
            length = next(size for size in range(20, 0, -1) if text[at : at + size] in self.numbers)
            ids.append(self.numbers[text[at : at + length]])
            at += length
        return tuple(ids)

    def spell(self, script: str) -> list[int]:
        """The tokens of a script: names of tags, `EOS` and `SPECIAL`, and texts between bars."""
        named = {**{tag.name: number for tag, number in self.vocabulary.tags.items()}, "EOS": END, "SPECIAL": SPECIAL}
        parts = [part.strip() for part in script.split()]
        return [
            token
            for part in parts
            for token in ([named[part]] if part in named else self.encode(part.replace("_", " ").encode()))
        ]

    def text(self, *, continues: bool) -> ToyText:
        return ToyText(self.vocabulary)


class ToyText:
    """A text stream of that vocabulary."""

    def __init__(self, vocabulary: TagVocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: Sequence[int]) -> str:
        return self._decoder.decode(self._vocabulary.bytes_of(ids))

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


@pytest.fixture(scope="session")
def toy() -> ToyWords:
    return ToyWords()
