"""Identifiers for boxes and frames, in languages that allow letters, digits and underscores only."""

from __future__ import annotations

import re


class Names:
    """Looks up, or makes, the identifier of a path; two paths never share one."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def __getitem__(self, path: str) -> str:
        if path not in self._of:
            stem = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
            name, count = stem, 2
            while name in self._taken:
                name, count = f"{stem}_{count}", count + 1
            self._taken.add(name)
            self._of[path] = name
        return self._of[path]
