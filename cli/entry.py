"""Where the program begins: nothing of ours is loaded yet, so that Ctrl-C ends it quietly while it loads, too."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from threading import Timer, main_thread
from types import FrameType
from typing import NoReturn

from .exit_codes import Exit

AGAIN_S = 0.05
"""How long after a Ctrl-C in the middle of an import it is looked whether that is over."""


def main() -> NoReturn:
    """Run the program with the words of the command line, and end with one of the exit codes."""
    ctrl_c = CtrlC()
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # whoever started us may have it ignored
            signal.signal(signal.SIGINT, ctrl_c)
        code = import_module(".program", __package__).run()
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    # What is left is Python's own end, which would tell of a Ctrl-C in a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(int(Exit.INTERRUPTED if ctrl_c.waits else code))


class CtrlC:
    """Raises KeyboardInterrupt, as Python does by itself, but never in the middle of an import.

    Libraries that are half loaded swallow the exception, take it for a missing part, or abort the process; they are let
    finish first. Whoever asks a second time does not wait for them.
    """

    def __init__(self) -> None:
        self.waits = False
        """Has it come in an import that is not over yet?"""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The signal has come."""
        if not _is_importing(frame):
            raise KeyboardInterrupt
        if self.waits:
            os._exit(Exit.INTERRUPTED)
        self.waits = True
        timer = Timer(AGAIN_S, self._again)
        timer.daemon = True
        timer.start()

    def _again(self) -> None:
        self.waits = False
        # A real signal, to the thread that decides: it may be waiting for input meanwhile.
        ident = main_thread().ident
        assert ident is not None, "the main thread has begun"
        signal.pthread_kill(ident, signal.SIGINT)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            return True
        frame = frame.f_back
    return False
