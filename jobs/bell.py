"""The bell that wakes workers when there is work. A lost ring costs a moment: workers also look by themselves."""

import logging
import threading
import time

from django.conf import settings

logger = logging.getLogger(__name__)


class Bell:
    """Rings through the broker from a thread of its own, so that nobody who commits a job ever waits for the broker.

    Rings asked for while one is on its way become one: it tells of everything that was committed before it left.
    """

    pause = 5.0
    """Seconds of silence after the broker did not answer."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Tells a worker soon that there is work; never raises and never waits.

        Without Redis there is no broker between processes, and workers look into the table often enough instead.
        """
        if not settings.REDIS_URL:
            return
        self._asked.set()
        with self._starting:
            if not (self._thread and self._thread.is_alive()):  # As at first, and in a forked child.
                self._thread = threading.Thread(target=self._serve, name="jobs bell", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        from jobs.tasks import work

        while self._asked.wait():
            self._asked.clear()
            try:
                work.apply_async(retry=False)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the broker, the bell outlives it
                logger.warning("The broker does not answer, so jobs start a little later: %s", error)
                time.sleep(self.pause)


ring = Bell().ring
