"""What must hold before `serve` starts anything, each with a sentence that says what to do."""

import errno
import resource
import socket

from django.conf import settings
from django.core.management.base import CommandError

from registry.models import Blob
from registry.storage import paths
from registry.storage.errors import StorageError
from registry.store import store


def address(host: str) -> str:
    """`host:port` of this instance under one of its hosts."""
    port = settings.LISTEN[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def require_free_address() -> None:
    """Raises CommandError when the address cannot be ours.

    The server shares its socket between processes in a way that lets a second instance join in unnoticed.
    """
    host, port = settings.LISTEN
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # What the last instance left does not count.
            probe.bind(found[4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Another program is using {address(host)}; is Portolan running already? Stop it, or set PORTOLAN_LISTEN."
            ) from None
        raise CommandError(f"{address(host)} cannot be listened on ({error.strerror}): set PORTOLAN_LISTEN.") from None


def allow_connections(number: int) -> None:
    """Raises the limit of open files for our processes as far as we may: every connection is one, and a blob another."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * number if hard == resource.RLIM_INFINITY else min(hard, 2 * number)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_store() -> None:
    """Raises CommandError when the store does not work, or is empty beside a database that knows blobs."""
    try:
        store().check()
        if Blob.objects.exists() and next(iter(store().walk(paths.BLOBS)), None) is None:
            raise CommandError(
                "The database knows blobs but the store is empty. Is its disk mounted, and PORTOLAN_STORAGE_URL right?"
            )
    except StorageError as error:
        raise CommandError(f"The store cannot be used: {error}. Is PORTOLAN_STORAGE_URL right?") from error
