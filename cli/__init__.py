"""The command line: every command reads, calls a room, and writes; its file is loaded when it is called."""

from .entry import main

__all__ = ["main"]
