"""Care for child processes: none outlives its parent, however that ends."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Asks Linux to send this process SIGTERM when its parent dies, even by `kill -9`. Elsewhere it does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
