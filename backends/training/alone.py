"""One run at a time in a folder: two would write over what the other keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...grammar import DiagnosticError
from .errors import FolderBusy

_LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep others out of a folder, which is made. Raises `DiagnosticError` (SP0856) where another run is in it."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DiagnosticError([FolderBusy(None, str(folder))]) from None
    try:
        yield
    finally:
        lock.release()
