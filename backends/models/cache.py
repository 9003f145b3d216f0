"""The per-user folder of prepared models: each is made once, appears whole or not at all, and heals after a kill.

    models/NAME/          a prepared model, with its manifest
    work/NAME/RANDOM/     one being made; renamed into models/ as the last step
    locks/NAME.lock       held while it is made

What lies in work/NAME when the lock is free was left by a process that was killed, and is removed.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...grammar import DiagnosticError
from .errors import CacheUnusable, DiskFull, LibraryMissing
from .manifest import damage, write_manifest
from .progress import Progress

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def needing(purpose: str) -> Iterator[None]:
    """Turn the import of a library that is not installed into a diagnostic."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise DiagnosticError([LibraryMissing(None, missing.name or "?", purpose)]) from missing


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a prepared model comes to be.

    `make` fills an empty folder (its first argument), may use a second one for what does not stay, and returns the
    SHA-256 of what the model was made from. `needed` is the most bytes that lie on the disk meanwhile.
    """

    key: str
    name: str
    needed: int
    make: Callable[[Path, Path], str]


@dataclass(frozen=True, slots=True)
class ModelCache:
    """Prepared models under one root folder."""

    root: Path

    def folder(self, key: str) -> Path:
        """Where a prepared model is, or would be."""
        return self.root / "models" / key

    def build(self, recipe: Recipe, progress: Progress, *, again: bool = False, sums: bool = False) -> Path:
        """The folder of a prepared model, made if it is missing or damaged; others who want it wait.

        With `sums` every byte of what is there is read to find damage, else only sizes are compared.

        Raises `DiagnosticError` when the disk is full or the cache cannot be written, and whatever `make` raises;
        then nothing of it is left.
        """
        with needing("fetching models"):
            from filelock import FileLock, Timeout
        with self._disk(recipe):
            locks = self.root / "locks"
            locks.mkdir(parents=True, exist_ok=True)
            lock = FileLock(locks / f"{recipe.key}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress.stage(f"waiting for another process that prepares {recipe.name}")
                lock.acquire()
            try:
                if again or damage(self.folder(recipe.key), sums=sums) is not None:
                    self._build_locked(recipe)
            finally:
                lock.release()
        return self.folder(recipe.key)

    def _build_locked(self, recipe: Recipe) -> None:
        workplace = self.root / "work" / recipe.key
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir(parents=True)
        try:
            self._check_room(recipe)
            place = Path(tempfile.mkdtemp(dir=workplace))
            result, scratch = place / "model", place / "scratch"
            result.mkdir()
            scratch.mkdir()
            made_from = recipe.make(result, scratch)
            # No fsync: after a power cut the sums tell, and killing a process loses nothing that was written.
            write_manifest(result, recipe.name, made_from)
            self._publish(result, self.folder(recipe.key), place / "old")
        finally:
            shutil.rmtree(workplace, ignore_errors=True)

    def _publish(self, result: Path, final: Path, old: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            final.rename(old)
        result.rename(final)

    def _check_room(self, recipe: Recipe) -> None:
        free = shutil.disk_usage(self.root).free
        if free < recipe.needed:
            raise DiagnosticError([DiskFull(None, recipe.name, str(self.root), recipe.needed, free)])

    @contextmanager
    def _disk(self, recipe: Recipe) -> Iterator[None]:
        """Tell a full or forbidden disk from our own mistakes."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                free = shutil.disk_usage(self.root).free
                found: DiskFull | CacheUnusable = DiskFull(None, recipe.name, str(self.root), recipe.needed, free)
            else:
                found = CacheUnusable(None, str(self.root), error.strerror or str(error))
            raise DiagnosticError([found]) from error


def model_cache() -> ModelCache:
    """The user's cache: SPECPLAN_CACHE, or where this system keeps caches."""
    named = os.environ.get("SPECPLAN_CACHE")
    if named:
        return ModelCache(Path(named).expanduser().absolute())
    with needing("fetching models"):
        from platformdirs import user_cache_path
    return ModelCache(user_cache_path("specplan"))
