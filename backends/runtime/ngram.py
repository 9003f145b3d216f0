"""Continue a text as it went on when its end last occurred (prompt lookup)."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

_BYTES = array("i").itemsize


def continuation(text: Sequence[int], max_ngram: int, tokens: int) -> tuple[int, ...]:
    """What followed the longest ending of at most `max_ngram` tokens that occurred before; at most `tokens` of it.

    The longest ending counts first, then the latest occurrence. An occurrence may overlap the ending, and what followed
    it may run into the ending, but not beyond the end of the text.

    >>> continuation([1, 2, 3, 9, 1, 2, 4, 1, 2], max_ngram=3, tokens=2)
    (4, 1)
    >>> continuation([1, 2, 3], max_ngram=3, tokens=2)
    ()
    """
    packed = array("i", text).tobytes()
    for length in range(min(max_ngram, len(text) - 1), 0, -1):
        at = _last(packed[:-_BYTES], packed[-length * _BYTES :])
        if at is not None:
            return tuple(text[at + length : at + length + tokens])
    return ()


def _last(text: bytes, ending: bytes) -> int | None:
    """The last place of `ending`, in tokens; a find among bytes is much faster than one among integers."""
    end = len(text)
    while (at := text.rfind(ending, 0, end)) >= 0:
        if at % _BYTES == 0:
            return at // _BYTES
        end = at + len(ending) - 1
    return None
