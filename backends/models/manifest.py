"""What a prepared model consists of, written when it is made and compared whenever it is used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "specplan.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """Name, the SHA-256 of what it was made from, and size and SHA-256 of every file."""

    name: str
    made_from: str
    files: dict[str, tuple[int, str]]

    @property
    def fingerprint(self) -> str:
        """One SHA-256 for all of the model's files: what add-ons trained on it refer to."""
        lines = [f"{name} {sha256}" for name, (_, sha256) in sorted(self.files.items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, name: str, made_from: str) -> None:
    """Describe all files of a folder, in the folder."""
    files = {file.name: {"bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in sorted(folder.iterdir())}
    text = json.dumps({"format_version": _FORMAT, "name": name, "made_from": made_from, "files": files}, indent=2)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest, or None where it is missing or not one of ours."""
    try:
        data: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if data["format_version"] != _FORMAT:
            return None
        files = {str(name): (int(each["bytes"]), str(each["sha256"])) for name, each in data["files"].items()}
        return Manifest(str(data["name"]), str(data["made_from"]), files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def damage(folder: Path, *, sums: bool) -> str | None:
    """What is wrong with a prepared model, or None; `sums` reads every byte, else sizes are compared."""
    manifest = read_manifest(folder)
    if manifest is None:
        return f"`{FILE}` is missing or unreadable"
    for name, (size, sha256) in manifest.files.items():
        file = folder / name
        if not file.is_file():
            return f"`{name}` is missing"
        if file.stat().st_size != size:
            return f"`{name}` has {file.stat().st_size} bytes and had {size}"
        if sums and sha256_of(file) != sha256:
            return f"the contents of `{name}` have changed"
    return None
