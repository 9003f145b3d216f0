"""The header of a GGUF file, read with suspicion: its counts and lengths are claims, checked against what is there.

Layout (GGUF 2 and 3, little-endian): magic, version, number of tensors, number of entries; then the entries, each a key,
a type and a value; then for each tensor its name, dimensions, type and offset. Only this header is read, never the weights.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ...grammar import Tag

MAGIC = b"GGUF"
PASTA_TOKENS = frozenset(tag.token.encode() for tag in Tag)

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_ENTRIES, _MOST_TENSORS, _MOST_STRINGS = 65_536, 1_000_000, 4_000_000
_LONGEST_KEY, _LONGEST_KEPT_ARRAY = 65_535, 4_096
_UNUSED_TOKEN = 5

Scalar = str | int | float | bool


class GgufDamaged(Exception):
    """The header contradicts itself or ends too early; the words say how."""


class NotGguf(Exception):
    """The file does not begin as a GGUF file does."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What is kept of the tokenizer's list: how many, which it is, and whether PASTA's six are among them."""

    count: int
    digest: str
    has_pasta: bool


@dataclass(slots=True)
class GgufHeader:
    """Entries with one value, short arrays of numbers, what is kept of the long ones, and the keys of the `unread`."""

    version: int
    values: dict[str, Scalar] = field(default_factory=dict)
    arrays: dict[str, tuple[Scalar, ...]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    tokens: Tokens | None = None
    padding_tokens: int = 0
    unread: set[str] = field(default_factory=set)
    digest: str = ""


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of the file. Raises NotGguf, GgufDamaged or OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < len(MAGIC) or file.read(len(MAGIC)) != MAGIC:
            raise NotGguf
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data, size).header()


class _Reader:
    """Walks over the bytes, never past their end."""

    def __init__(self, data: mmap.mmap, size: int) -> None:
        self._data = data
        self._size = size
        self._at = len(MAGIC)

    def header(self) -> GgufHeader:
        version = self._number("I")
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
            hint = ", or a big-endian file" if swapped in (2, 3) else ""
            raise GgufDamaged(f"version {version}{hint}; versions 2 and 3, little-endian, are read")
        tensors, entries = self._number("Q"), self._number("Q")
        self._limit(entries, _MOST_ENTRIES, "entries")
        self._limit(tensors, _MOST_TENSORS, "tensors")
        header = GgufHeader(version)
        for _ in range(entries):
            self._entry(header)
        for _ in range(tensors):
            self._tensor(header)
        header.digest = sha256(self._data[: self._at] + self._size.to_bytes(8, "little")).hexdigest()
        return header

    def _entry(self, header: GgufHeader) -> None:
        key = self._string(_LONGEST_KEY).decode("utf-8", "replace")
        kind = self._number("I")
        if kind == _ARRAY:
            self._array(key, header)
        elif kind == _STRING:
            header.values[key] = self._string(self._size).decode("utf-8", "replace")
        else:
            header.values[key] = self._scalar(kind)

    def _array(self, key: str, header: GgufHeader) -> None:
        kind, count = self._number("I"), self._number("Q")
        if kind == _STRING:
            self._strings(key, count, header)
            return
        if kind not in _SCALARS:
            raise GgufDamaged(f"an array of type {kind} in `{_shown(key)}`")
        code = _SCALARS[kind]
        start = self._skip(count * struct.calcsize(code), f"{count} numbers in `{_shown(key)}`")
        if key == "tokenizer.ggml.token_type" and code in "Ii":
            header.padding_tokens = _unused_at_the_end(memoryview(self._data)[start : self._at])
        elif count <= _LONGEST_KEPT_ARRAY and count:
            header.arrays[key] = struct.unpack_from(f"<{count}{code}", self._data, start)
        else:
            header.unread.add(key)

    def _strings(self, key: str, count: int, header: GgufHeader) -> None:
        self._limit(count, min(_MOST_STRINGS, (self._size - self._at) // 8), f"strings in `{_shown(key)}`")
        wanted = PASTA_TOKENS if key == "tokenizer.ggml.tokens" else frozenset()
        found: set[bytes] = set()
        lengths = {len(each) for each in wanted}
        start = at = self._at
        data, size, unpack = self._data, self._size, struct.Struct("<Q").unpack_from
        for _ in range(count):  # a quarter of a million strings are usual: this loop is kept bare
            if at + 8 > size:
                raise GgufDamaged(f"the file ends within the strings of `{_shown(key)}`")
            (length,) = unpack(data, at)
            at += 8 + length
            if at > size:
                raise GgufDamaged(f"the file ends within the strings of `{_shown(key)}`")
            if length in lengths and (text := data[at - length : at]) in wanted:
                found.add(text)
        self._at = at
        header.unread.add(key)
        if key == "tokenizer.ggml.tokens":
            digest = sha256(memoryview(data)[start:at]).hexdigest()
            header.tokens = Tokens(count, digest, found == PASTA_TOKENS)

    def _tensor(self, header: GgufHeader) -> None:
        name = self._string(_LONGEST_KEY).decode("utf-8", "replace")
        rank = self._number("I")
        self._limit(rank, 8, f"dimensions of `{_shown(name)}`")
        header.shapes[name] = tuple(self._number("Q") for _ in range(rank))
        self._skip(12, "a tensor's type and offset")

    def _scalar(self, kind: int) -> Scalar:
        if kind not in _SCALARS:
            raise GgufDamaged(f"a value of type {kind}")
        return self._number(_SCALARS[kind])

    def _string(self, longest: int) -> bytes:
        length = self._number("Q")
        self._limit(length, min(longest, self._size - self._at), "bytes in a string")
        return bytes(self._data[self._skip(length, "a string") : self._at])

    def _number(self, code: str) -> int:
        start = self._skip(struct.calcsize(code), "a number")
        value: int = struct.unpack_from(f"<{code}", self._data, start)[0]
        return value

    def _skip(self, length: int, what: str) -> int:
        start = self._at
        if length > self._size - start:
            raise GgufDamaged(f"the file ends within {what}")
        self._at = start + length
        return start

    def _limit(self, count: int, most: int, what: str) -> None:
        if count > most:
            raise GgufDamaged(f"{count} {what}, where {most} fit or are allowed")


def _unused_at_the_end(types: memoryview) -> int:
    """How many tokens at the end of the list are marked as unused: the padding of the embedding."""
    numbers = types.tobytes()
    count = 0
    for at in range(len(numbers) - 4, -1, -4):
        if numbers[at] != _UNUSED_TOKEN or numbers[at + 1 : at + 4] != b"\0\0\0":
            break
        count += 1
    return count


def _shown(key: str) -> str:
    return key if len(key) <= 60 else key[:60] + "…"
