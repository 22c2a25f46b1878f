"""Ctrl-C, SIGTERM and a vanished `make`, as a question that is asked between steps.

Nothing is interrupted in its middle: whoever waits asks often, whoever works asks after each
step. So no signal ever leaves half a file or a traceback behind.
"""

import os
import signal
import threading


class Stopped(Exception):  # noqa: N818 (no error: somebody wanted it)
    """Somebody asked this process to end."""


class StopRequest:
    """Whether this process has been asked to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        # Under make, we go when make goes; started otherwise we may well outlive our parent.
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def listen(self) -> "StopRequest":
        """Take SIGINT, SIGTERM and SIGHUP as requests, unless they are ignored (nohup)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, lambda *_: self.ask())
        return self

    def ask(self) -> None:
        """Ask this process to end."""
        self._asked.set()

    def check(self) -> None:
        """Raise Stopped if this process has been asked to end."""
        if self._parent is not None and os.getppid() != self._parent:
            self._asked.set()
        if self._asked.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait; raise Stopped as soon as this process is asked to end."""
        self.check()
        self._asked.wait(seconds)
        self.check()
