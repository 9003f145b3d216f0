"""How the program may end, as one number; nothing else is loaded for it."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes; they are documented and stay as they are."""

    DONE = 0
    DIAGNOSTICS = 1
    USAGE = 2
    MISSING = 3
    BUG = 70
    INTERRUPTED = 130
    READER_LEFT = 141
