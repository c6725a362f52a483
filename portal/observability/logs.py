"""Log lines: a JSON object each for machines, or plain ones for people, and never with a secret in them.

The module needs no settings, because the server sets up its own log before there are any.
"""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from registry.context import request_id

FORMATS = ("json", "plain")

# Credentials in a URL, and what an Authorization header holds: messages of libraries may quote either.
_SECRETS = re.compile(r"(://)[^/@\s'\"]+@|\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{6,}", re.IGNORECASE)


def config(form: str = "") -> dict[str, Any]:
    """Django's LOGGING: everything goes to standard error in the form that `formatter` makes."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": "portal.observability.logs.formatter", "form": form}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        # A refused request is the client's news, not the operator's; the access log has it.
        "filters": {"ours": {"()": "portal.observability.logs.Ours"}},
        "loggers": {
            "django.request": {"level": "ERROR", "filters": ["ours"]},
            "django.security.csrf": {"level": "ERROR"},
        },
    }


def formatter(form: str = "") -> logging.Formatter:
    """The form asked for, or PORTOLAN_LOG_FORMAT; by default plain lines on a terminal and JSON elsewhere."""
    form = form or os.environ.get("PORTOLAN_LOG_FORMAT", "").strip() or ("plain" if sys.stderr.isatty() else "json")
    return Json() if form == "json" else Plain("%(asctime)s %(levelname)s %(name)s: %(message)s")


def redacted(text: str) -> str:
    """The text without the credentials that are in it."""
    return _SECRETS.sub(lambda found: "://***@" if found[1] else f"{found[2]} ***", text)


class Ours(logging.Filter):
    """Lets through what went wrong on our side: that a part does not stand yet (501) is an answer like others."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record tells of a failure."""
        return getattr(record, "status_code", None) != HTTPStatus.NOT_IMPLEMENTED


class Plain(logging.Formatter):
    """A line for people; the request's id stands at its end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without a traceback."""
        current = request_id.get()
        return super().formatMessage(record) + (f" [{current}]" if current else "")

    def format(self, record: logging.LogRecord) -> str:
        """The line, with a traceback where there is one."""
        return redacted(super().format(record))


class Json(logging.Formatter):
    """A line for machines. What a record was given as `extra={"fields": {…}}` stands beside the usual keys."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object on one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if current := request_id.get():
            line["request_id"] = current
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        line |= getattr(record, "fields", {})
        return json.dumps(line, default=str, ensure_ascii=False)
