"""Turns whatever went wrong into an answer of the distribution API. What we did not foresee is logged, not shown."""

import logging

from django.db import InterfaceError, OperationalError

from registry.distribution.messages import Response
from registry.oci.errors import Code, OCIError
from registry.storage.errors import NoSpace, StorageError

logger = logging.getLogger(__name__)

_RETRY = {"Retry-After": "5"}


def response_to(error: Exception, request_id: str) -> Response:
    """The answer to a failed request."""
    failure = error if isinstance(error, OCIError) else _foreseen(error, request_id)
    return Response(failure.status, {"Content-Type": "application/json", **failure.headers}, failure.body())


def _foreseen(error: Exception, request_id: str) -> OCIError:
    if isinstance(error, NoSpace) or (isinstance(error, OperationalError) and _is_full(error)):
        logger.error("No space left (request %s): %s", request_id, error)
        return OCIError(Code.INSUFFICIENT_STORAGE, headers=_RETRY)
    if isinstance(error, StorageError):
        logger.error("The store failed (request %s): %s", request_id, error)
        return OCIError(Code.UNAVAILABLE, "the registry's storage cannot be reached now, try again", headers=_RETRY)
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database failed (request %s): %s", request_id, error)
        return OCIError(Code.UNAVAILABLE, "the registry's database cannot be reached now, try again", headers=_RETRY)
    logger.error("Request %s failed", request_id, exc_info=error)
    return OCIError(Code.UNKNOWN, f"internal server error; the log has more under request {request_id}")


def _is_full(error: OperationalError) -> bool:
    """Whether the database has no room left: told by SQLite in words, by PostgreSQL with SQLSTATE 53100."""
    return "disk is full" in str(error) or getattr(error.__cause__, "sqlstate", None) == "53100"
