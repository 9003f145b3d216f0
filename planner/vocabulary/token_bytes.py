"""What a token stands for, in bytes: the only spelling in which two vocabularies can be compared.

Vocabularies spell their tokens in two ways. Byte-level BPE writes every byte as one printable character (GPT-2's table:
`Ġ` is a space, `Ċ` a line feed); SentencePiece writes text with `▁` for a space, and single bytes as `<0x0A>`. Comparing
these spellings instead of the bytes misses pairs (line feeds, accents) and invents others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import Enum
from functools import lru_cache

_SINGLE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Spelling(Enum):
    """How a vocabulary writes its tokens."""

    BYTE_LEVEL = "byte-bpe"
    SENTENCEPIECE = "sentencepiece"


@lru_cache(maxsize=1)
def byte_characters() -> dict[str, int]:
    """GPT-2's table: the 256 characters of byte-level BPE and the byte that each stands for.

    Bytes that print stand for themselves; the others, in order, are the characters from U+0100 on.

    >>> byte_characters()["Ġ"], byte_characters()["A"]
    (32, 65)
    """
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printing]
    return {chr(byte): byte for byte in printing} | {chr(256 + n): byte for n, byte in enumerate(hidden)}


@lru_cache(maxsize=1)
def _latin_1() -> dict[int, str]:
    """The same table for `translate`, which is many times faster; what is not in it becomes what is no byte."""
    strange = {number: "\uffff" for number in range(256)}
    return strange | {ord(character): chr(byte) for character, byte in byte_characters().items()}


def byte_level_bytes(piece: str) -> bytes | None:
    """The bytes of a byte-level BPE token, or None where a character is not in the table.

    >>> byte_level_bytes("ĠcafÃ©") == " café".encode()
    True
    """
    try:
        return piece.translate(_latin_1()).encode("latin-1")
    except UnicodeEncodeError:
        return None


def sentencepiece_bytes(piece: str) -> bytes:
    """The bytes of a SentencePiece token.

    >>> sentencepiece_bytes("▁the"), sentencepiece_bytes("<0x0A>")
    (b' the', b'\\n')
    """
    single = _SINGLE_BYTE.fullmatch(piece)
    if single:
        return bytes([int(single[1], 16)])
    return piece.replace("▁", " ").encode("utf-8", "surrogatepass")


def piece_bytes(piece: str, spelling: Spelling) -> bytes:
    """The bytes of a token that is not special.

    Added tokens are written as they are, whatever the spelling of the others; when they fit the table of bytes, they
    spell themselves in it, as the library that decodes them has it, too.

    >>> piece_bytes("Ċ", Spelling.BYTE_LEVEL), piece_bytes("  ", Spelling.BYTE_LEVEL)
    (b'\\n', b'  ')
    """
    if spelling is Spelling.SENTENCEPIECE:
        return sentencepiece_bytes(piece)
    spelled = byte_level_bytes(piece)
    return piece.encode("utf-8", "surrogatepass") if spelled is None else spelled


def token_bytes(
    pieces: Iterable[str | None], spelling: Spelling, *, special: Collection[int] = ()
) -> tuple[bytes | None, ...]:
    """For each id the bytes that it stands for; None for `special` ids and where there is no piece."""
    special = frozenset(special)
    return tuple(
        None if piece is None or number in special else piece_bytes(piece, spelling)
        for number, piece in enumerate(pieces)
    )
