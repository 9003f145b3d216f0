"""The files that commands read and write; `-` is standard input or output."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..grammar import DiagnosticError
from .errors import CannotRead, CannotWrite, IsFile, IsFolder, NoSuchFile

# No plan, graph or list of prompts comes near this; /dev/zero does.
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Input:
    """What was read: its name as shown to people, its bytes, and the folder from which it names other files."""

    name: str
    data: bytes
    folder: Path


def read_input(path: str) -> Input:
    """Read a file, or standard input.

    Raises DiagnosticError where there is nothing to read.
    """
    if path == "-":
        if sys.stdin is None:
            raise DiagnosticError([CannotRead(None, "<stdin>", "it is closed")])
        return Input("<stdin>", _read(sys.stdin.buffer, path), Path())
    try:
        with open(path, "rb") as file:
            return Input(path, _read(file, path), Path(path).parent)
    except FileNotFoundError:
        raise DiagnosticError([NoSuchFile(None, path, _neighbours(path))]) from None
    except IsADirectoryError:
        raise DiagnosticError([IsFolder(None, path)]) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte in it
        raise DiagnosticError([CannotRead(None, path, _reason(error))]) from None


def _read(file: BinaryIO, path: str) -> bytes:
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise DiagnosticError([CannotRead(None, path, f"it has more than {MOST_BYTES >> 20} MiB")])
    return data


def _neighbours(path: str) -> tuple[str, ...]:
    folder = os.path.dirname(path)
    with suppress(OSError, ValueError):
        return tuple(os.path.join(folder, name) for name in sorted(os.listdir(folder or ".")))
    return ()


def write_result(path: str, text: str) -> None:
    """Write a file whole or not at all, or write to standard output.

    Raises DiagnosticError where that cannot be done.
    """
    if path == "-":
        print_result(text)
        return
    with telling(path):
        replace_file(Path(path), text.encode())


def refuse_unwritable(path: str) -> None:
    """Raises DiagnosticError for a file that `write_result` could not write; nothing is left behind."""
    with telling(path):
        if Path(path).is_dir():
            raise IsADirectoryError(path)
        if not Path(path).exists() or Path(path).is_file():
            beside = name_beside(Path(path).resolve())
            beside.touch()
            beside.unlink()


def make_folder(path: str) -> Path:
    """A folder that can be written into, made if there is none. Raises DiagnosticError where it cannot be."""
    with telling(path):
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise DiagnosticError([IsFile(None, path)])
        folder.mkdir(parents=True, exist_ok=True)
        beside = name_beside(folder.resolve() / "x")
        beside.touch()
        beside.unlink()
    return folder


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Raises DiagnosticError where the system refuses to let us write a file."""
    if not path:
        raise DiagnosticError([CannotWrite(None, path, "the name is empty")])
    try:
        yield
    except IsADirectoryError:
        raise DiagnosticError([CannotWrite(None, path, "it is a folder, and a file is written here")]) from None
    except OSError as error:
        raise DiagnosticError([CannotWrite(None, path, _reason(error))]) from None


def print_result(text: str) -> None:
    """Write to standard output, at once.

    Raises DiagnosticError where that cannot be done, and BrokenPipeError where nobody reads any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiagnosticError([CannotWrite(None, "<stdout>", _reason(error))]) from None


def replace_file(path: Path, data: bytes) -> None:
    """Put new contents in place in one step, so that nobody ever sees a part of them.

    Raises OSError.
    """
    if path.is_dir():
        raise IsADirectoryError(path)
    if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
        path.write_bytes(data)
        return
    target = path.resolve()  # through a link, to what it names
    beside = name_beside(target)
    try:
        beside.write_bytes(data)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def name_beside(path: Path) -> Path:
    """A new name in the same folder, hence on the same file system, where a rename is one step."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
