"""Takes the pulls noted on this machine into the journal. It runs where `serve` runs, since the spool is a local folder."""

import logging
import threading

from django.conf import settings
from django.db import Error, close_old_connections, connection

from audit.ingestion import ingest

_PAUSE_SECONDS = 5

logger = logging.getLogger(__name__)


def ingest_until(stopped: threading.Event) -> None:
    """Ingests every few seconds until told to stop. A database or a disk that fails only delays it."""
    while not stopped.wait(_PAUSE_SECONDS):
        close_old_connections()
        try:
            while ingest(settings.SPOOL_DIR) and not stopped.is_set():
                pass
        except (Error, OSError) as error:
            logger.warning("Pulls wait in the spool: %s", error)
    connection.close()
