"""How many bits a number takes in each of the formats that weights and caches are kept in."""

from __future__ import annotations

from collections.abc import Mapping

BITS: Mapping[str, float] = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "int8": 8.5,  # a 16-bit scale for each block of 32
    "int4": 4.5,
}


def bytes_of(count: int, dtype: str) -> int:
    """The bytes that so many numbers take, blocks' scales included.

    >>> bytes_of(64, "int4")
    36
    """
    assert dtype in BITS, f"the checker has let through the dtype {dtype}"
    return round(count * BITS[dtype] / 8)
