"""From token ids to text as it is written: tokens are bytes, and only whole characters are shown."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ...planner.vocabulary import piece_bytes
from .spelling import drops_first_space, special_ids, spelling_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TextStream(Protocol):
    """The text of one row."""

    def push(self, ids: Iterable[int]) -> str:
        """The text that these further tokens complete; a character's last byte brings the character."""

    def flush(self) -> str:
        """What is left at the end: half a character becomes U+FFFD."""


class Detokenizer:
    """Turns a model's token ids into text; special tokens have none."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special = special_ids(tokenizer)
        self._spelling, self._strips = spelling_of(tokenizer), drops_first_space(tokenizer)
        self._known: dict[int, bytes] = {}

    def stream(self, *, continues: bool = False) -> TextStream:
        """A new row's text.

        Some tokenizers spell a leading space that is not part of an answer; it is dropped, as `decode` does, unless
        the text `continues` a prompt.
        """
        if self._spelling is None:
            return _DecodedAgain(self._tokenizer)
        return _ByteStream(self, strip=self._strips and not continues)

    def text(self, ids: Iterable[int], *, continues: bool = False) -> str:
        """The whole text of some tokens."""
        stream = self.stream(continues=continues)
        return stream.push(ids) + stream.flush()

    def bytes_of(self, token: int) -> bytes:
        """The bytes that a token stands for; none for special tokens and ids that the tokenizer does not have."""
        found = self._known.get(token)
        if found is None:
            found = self._known[token] = self._spell(token)
        return found

    def _spell(self, token: int) -> bytes:
        piece = None if token in self._special else self._tokenizer.convert_ids_to_tokens(token)
        if piece is None:
            return b""
        return piece.encode() if self._spelling is None else piece_bytes(piece, self._spelling)


class _ByteStream:
    """Collects bytes and lets whole characters out."""

    def __init__(self, detokenizer: Detokenizer, *, strip: bool) -> None:
        self._bytes_of, self._strip = detokenizer.bytes_of, strip
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: Iterable[int]) -> str:
        text = self._decoder.decode(b"".join(map(self._bytes_of, ids)))
        if self._strip and text:
            self._strip = False
            return text.removeprefix(" ")
        return text

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


class _DecodedAgain:
    """For spellings that we do not know: decode the last words again and again and show what is new."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = self._shown = 0  # the words decoded again begin at `start`; tokens before `shown` are out

    def push(self, ids: Iterable[int]) -> str:
        self._ids.extend(ids)
        text = self._decode(self._start, len(self._ids))
        if text.endswith("\ufffd"):  # perhaps half a character; what follows will tell
            return ""
        return self._show(text)

    def flush(self) -> str:
        return self._show(self._decode(self._start, len(self._ids)))

    def _show(self, text: str) -> str:
        new = text[len(self._decode(self._start, self._shown)) :]
        self._start, self._shown = self._shown, len(self._ids)
        return new

    def _decode(self, start: int, end: int) -> str:
        return str(self._tokenizer.decode(self._ids[start:end], skip_special_tokens=True))
