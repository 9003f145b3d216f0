"""The folder that a compile writes: whole or not at all, and never over what somebody else put there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from .. import __version__
from ..grammar import DiagnosticError
from .errors import CannotWrite, IsFile, NotOurFolder
from .files import name_beside, replace_file
from .output import as_json

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


def write_folder(path: str, files: Mapping[str, str], about: Mapping[str, object], *, force: bool) -> None:
    """Write files and a manifest that lists them with their checksums; `about` goes into the manifest too.

    An older folder of ours is replaced in one step; the one in which the command runs stays, or the shell would stand in
    a deleted folder, and its files are replaced one by one. With `force`, so they are beside what is there.
    Raises DiagnosticError where that cannot be done; what was there before is then still there.
    """
    if not path:
        raise DiagnosticError([CannotWrite(None, path, "the name is empty")])
    contents = {name: text.encode() for name, text in sorted(files.items())}
    contents[MANIFEST] = as_json(_manifest(contents, about)).encode()
    try:
        target = Path(path).resolve()
        if target.exists() and not target.is_dir():
            raise DiagnosticError([IsFile(None, path)])
        stranger = _stranger(target)
        if stranger is None and Path.cwd().is_relative_to(target):
            _replace_files(target, contents, {*_listed(target / MANIFEST)} - {*contents})
        elif stranger is None:
            _replace_folder(target, contents)
        elif force:
            _replace_files(target, contents)
        else:
            raise DiagnosticError([NotOurFolder(None, path, stranger)])
    except OSError as error:
        raise DiagnosticError([CannotWrite(None, path, error.strerror or str(error))]) from None


def _manifest(contents: Mapping[str, bytes], about: Mapping[str, object]) -> dict[str, object]:
    listed = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()}
    return {"format_version": FORMAT_VERSION, "specplan": __version__, **about, "files": listed}


def _stranger(target: Path) -> str | None:
    """Something at or in the target that no manifest of ours lists, if there is any."""
    if not target.exists():
        return None
    listed = _listed(target / MANIFEST)
    ours = {PurePosixPath(name) for name in (MANIFEST, *listed)} if listed else set()
    ours |= {folder for name in ours for folder in name.parents}
    there = sorted(PurePosixPath(each.relative_to(target).as_posix()) for each in target.rglob("*"))
    return next((str(name) for name in there if name not in ours and not _is_compiled_python(name)), None)


def _is_compiled_python(name: PurePosixPath) -> bool:
    """Whether running a program of ours left it there."""
    return name.name == "__pycache__" or (name.parent.name == "__pycache__" and name.suffix == ".pyc")


def _listed(manifest: Path) -> list[str]:
    try:
        value = json.loads(manifest.read_bytes())
        return [*map(str, value["files"])] if "specplan" in value else []
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def _replace_files(target: Path, contents: Mapping[str, bytes], stale: Iterable[str] = ()) -> None:
    for name, data in contents.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        replace_file(target / name, data)
    for name in stale:
        if ".." not in PurePosixPath(name).parts and not name.startswith("/"):  # a manifest names nothing outside
            (target / name).unlink(missing_ok=True)
            with suppress(OSError):  # its folder, too, if that was all there was
                (target / name).parent.rmdir()


def _replace_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = name_beside(target), name_beside(target)
    try:
        for name, data in contents.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
