"""What a long piece of work has finished, a line of JSON each, so that a run that was stopped goes on behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Generic, TypeAlias, TypeVar

from ...grammar import DiagnosticError
from .errors import LineDamaged, OtherRun

Key: TypeAlias = str | int
Told: TypeAlias = Mapping[str, Any]
T = TypeVar("T")
_WIDEST = 100
"""Characters of a reason; what is on a line may have any length."""


class Rows(Generic[T]):
    """Rows by their ids, as a file keeps them; a row is in the file before anyone sees it.

    The file's first line says with which options the rows were made. A last line that was cut off is forgotten. `read` makes
    of an object what it stands for, and raises KeyError or TypeError for one that nobody wrote.
    """

    def __init__(self, file: Path, made_by: Told, read: Callable[[Told], T]) -> None:
        """Read what there is, or begin the file. Raises `DiagnosticError` (SP0850, SP0855)."""
        self._file, self._read = file, read
        self._rows: dict[str, T] = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes() if file.exists() else b""
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        if not lines:
            file.write_text(_line({"made_by": dict(made_by)}), encoding="utf-8")
            return
        refuse_other_run(file, read_line(lines[0], file, 1, lambda head: told(head, "made_by", dict)), made_by)
        for number, line in enumerate(lines[1:], 2):
            name, row = read_line(line, file, number, self._named)
            self._rows[name] = row
        if not data.endswith(b"\n"):
            with file.open("r+b") as whole:
                whole.truncate(data.rfind(b"\n") + 1)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, id: Key) -> T | None:
        """The row of that id, if it is finished."""
        return self._rows.get(str(id))

    def add(self, id: Key, row: Told) -> None:
        """A row is finished."""
        line = _line({"id": id, **row})
        with self._file.open("a", encoding="utf-8") as file:
            file.write(line)
        self._rows[str(id)] = self._read(json.loads(line))

    def _named(self, row: Told) -> tuple[str, T]:
        return str(told(row, "id", str | int)), self._read(row)


def told(row: Told, field: str, kind: type | UnionType) -> Any:
    """A field of a row. Raises KeyError where it is missing, and TypeError where it is something else."""
    value = row[field]
    if not isinstance(value, kind):
        raise TypeError(f"`{field}` is {json.dumps(value)}")
    return value


def all_told(row: Told, field: str, kind: type[T]) -> tuple[T, ...]:
    """A field of many things of a kind. Raises as `told` does."""
    found = told(row, field, list)
    if not all(isinstance(each, kind) for each in found):
        raise TypeError(f"`{field}` is {json.dumps(found)}")
    return tuple(found)


def read_line(line: bytes, file: Path, number: int, read: Callable[[Told], T], then: str = "it is made again") -> T:
    """What an object on a line stands for. Raises `DiagnosticError` (SP0855) where nobody wrote that."""
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            raise TypeError("not an object")
        return read(found)
    except KeyError as error:
        reason = f"it has no `{error.args[0]}`"
    except TypeError as error:
        reason = str(error)
    except ValueError:
        reason = "not JSON"
    raise DiagnosticError([LineDamaged(None, str(file), number, _short(reason), then)])


def refuse_other_run(path: Path, was: Told, now: Told) -> None:
    """Raises `DiagnosticError` (SP0850) for the first setting in which what is at a path was made otherwise."""
    # As JSON would give it back: tuples as lists.
    wanted: dict[str, Any] = json.loads(json.dumps(dict(now)))
    for option in {**wanted, **was}:
        if was.get(option) != wanted.get(option):
            shown = (json.dumps(each.get(option)) for each in (was, wanted))
            raise DiagnosticError([OtherRun(None, str(path), option.replace("_", " "), *shown)])


def _line(value: Told) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _short(reason: str) -> str:
    return reason if len(reason) <= _WIDEST else f"{reason[:_WIDEST]}..."
