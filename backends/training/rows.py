"""What a long piece of work has finished, a line of JSON each, so that a run that was stopped goes on behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ...grammar import DiagnosticError
from .errors import CacheDamaged, OtherRun

Key: TypeAlias = str | int


class Rows:
    """Rows by their ids, as a file keeps them; a row is in the file before anyone sees it.

    The file's first line says with which options the rows were made. A last line that was cut off is forgotten.
    """

    def __init__(self, file: Path, made_by: Mapping[str, Any]) -> None:
        """Read what there is, or begin the file. Raises `DiagnosticError` (SP0850, SP0855)."""
        self._file = file
        self._rows: dict[str, dict[str, Any]] = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes() if file.exists() else b""
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        if not lines:
            file.write_text(_line({"made_by": dict(made_by)}), encoding="utf-8")
            return
        refuse_other_run(file, _object(lines[0], file, 1).get("made_by"), made_by)
        for number, line in enumerate(lines[1:], 2):
            row = _object(line, file, number)
            self._rows[_name(row["id"])] = row
        if not data.endswith(b"\n"):
            with file.open("r+b") as whole:
                whole.truncate(data.rfind(b"\n") + 1)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, id: Key) -> dict[str, Any] | None:
        """The row of that id, if it is finished."""
        return self._rows.get(_name(id))

    def add(self, id: Key, row: Mapping[str, Any]) -> None:
        """A row is finished."""
        whole = {"id": id, **row}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(_line(whole))
        self._rows[_name(id)] = whole


def refuse_other_run(path: Path, was: Any, now: Mapping[str, Any]) -> None:
    """Raises `DiagnosticError` (SP0850) for the first option in which what is at a path was made otherwise."""
    known = was if isinstance(was, dict) else {}
    # As JSON would give it back: tuples as lists.
    wanted: dict[str, Any] = json.loads(json.dumps(dict(now)))
    for option in {**wanted, **known}:
        if known.get(option) != wanted.get(option):
            shown = (json.dumps(each.get(option)) for each in (known, wanted))
            raise DiagnosticError([OtherRun(None, str(path), option.replace("_", " "), *shown)])


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _object(line: bytes, file: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise DiagnosticError([CacheDamaged(None, str(file), number, "not JSON")]) from error
    if not isinstance(value, dict) or not ({"id", "made_by"} & value.keys()):
        raise DiagnosticError([CacheDamaged(None, str(file), number, "no row")])
    return value


def _name(id: Key) -> str:
    return str(id)
