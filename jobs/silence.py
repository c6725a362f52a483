"""The embedded transport: a broker that carries nothing, for a worker that finds its work in the database alone.

Celery's in-memory transport would do, but it looks for messages that never come, and holds up a shutdown by seconds.
"""

import time
from typing import Any, NoReturn

from kombu.transport import memory

from jobs.runner import shutdown

LOOK = 0.1  # Seconds until a shutdown is noticed.


class Transport(memory.Transport):
    """Waits instead of receiving."""

    def drain_events(self, connection: Any, timeout: float = 2.0, **_: Any) -> NoReturn:  # noqa: ARG002 - as inherited
        """Waits for `timeout` seconds or the shutdown; then raises `TimeoutError`, which says that nothing came.

        The wait is a sleep: waiting for the event here could lock up with the signal handler, which sets it in this
        very thread.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end and not shutdown.is_set():
            time.sleep(LOOK)
        raise TimeoutError
