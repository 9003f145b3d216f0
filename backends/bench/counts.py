"""How often something is done, as it is said from Python: checked before anything loads."""

from __future__ import annotations


def check_count(name: str, count: int, *, least: int) -> None:
    """Raises `TypeError` for what is no whole number, and `ValueError` for one below `least`."""
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"`{name}` is a whole number, which {count!r} is not")
    if count < least:
        raise ValueError(f"`{name}` is at least {least}, and {count} is less")
