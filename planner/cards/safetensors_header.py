"""The header of a safetensors file, read with suspicion: the names, types and shapes of its tensors, never their numbers.

Layout: the header's length in 8 bytes, little-endian; the header, a JSON object in which each tensor has its type, shape and
place; then all numbers, one tensor behind the other without gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from .json_text import parse_object

BYTES: Mapping[str, int] = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""How many bytes a number takes, by the format's names of types."""

_LENGTH, _LONGEST = 8, 64 << 20
_METADATA = "__metadata__"
_MOST_DIMENSIONS, _LARGEST = 8, 1 << 48


class SafetensorsDamaged(Exception):
    """The header is none, or contradicts itself or the file; the words say how."""


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What a header says of a tensor; `type` is the format's own name, such as BF16."""

    type: str
    shape: tuple[int, ...]


def read_safetensors_header(path: Path) -> Mapping[str, TensorFacts]:
    """The tensors of a file by name. Raises SafetensorsDamaged or OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if size < _LENGTH or length > size - _LENGTH:
            raise SafetensorsDamaged("the file ends within its header")
        if length > _LONGEST:
            raise SafetensorsDamaged(f"a header of {length} bytes is far too large")
        raw = file.read(length)
    try:
        described = parse_object(raw)
    except ValueError as error:
        raise SafetensorsDamaged(f"its header is not JSON: {error}") from None
    tensors = {name: each for name, each in described.items() if name != _METADATA}
    _check_places(sorted(_place(*each) for each in tensors.items()), size - _LENGTH - length)
    return {name: TensorFacts(each["dtype"], tuple(each["shape"])) for name, each in tensors.items()}


def _place(name: str, described: Any) -> tuple[int, int]:
    """Where a tensor begins and ends."""
    match described:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if (
            kind in BYTES
            and len(shape) <= _MOST_DIMENSIONS
            and all(type(n) is int and 0 <= n < _LARGEST for n in shape)
        ):
            if end - begin != prod(shape) * BYTES[kind]:
                raise SafetensorsDamaged(f"`{name}` has not the size of its shape")
            return begin, end
    raise SafetensorsDamaged(f"what it says of `{name[:80]}` is not a tensor's type, shape and place")


def _check_places(places: list[tuple[int, int]], size: int) -> None:
    at = 0
    for begin, end in places:
        if begin != at:
            raise SafetensorsDamaged("its tensors do not lie one behind the other")
        at = end
    if at != size:
        what = "ends before its last tensor" if at > size else "goes on behind its last tensor"
        raise SafetensorsDamaged(f"the file {what}")
