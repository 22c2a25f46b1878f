"""Tie a child process to the life of its parent, even if the parent dies by SIGKILL.

The parent holds the other end of the child's standard input and never writes to it. When the
parent is gone, the operating system closes that end, the read returns, and the child gets the
SIGTERM that the parent could not send.
"""

import os
import signal
import sys
import threading
import time

LAST_WORDS_SECONDS = 30


def leave_with_the_parent() -> None:
    """Watch standard input in the background; stop this process when it ends."""
    threading.Thread(target=_wait_and_leave, daemon=True).start()


def _wait_and_leave() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_WORDS_SECONDS)
    os._exit(1)
