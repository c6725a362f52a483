"""Care for child processes: none outlives its parent, however that ends.

`python -m portal.processes <module> [arguments]` runs a module as `python -m` does, but ends with its parent.
"""

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Asks Linux to send this process SIGTERM when its parent dies, even by `kill -9`. Elsewhere it does nothing."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # It died in between, and Linux has nobody left to watch.
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
