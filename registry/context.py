"""What log lines should say of the request that is being answered."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request, empty outside of one."""
