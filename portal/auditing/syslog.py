"""The journal's entries as syslog messages of RFC 5424, framed by octet counting (RFC 6587, RFC 5425)."""

from datetime import UTC
from urllib.parse import urlsplit

from django.conf import settings

from audit.export import json_lines
from audit.models import Entry
from portal.auditing.events import succeeded

AUDIT = 13  # The facility "log audit",
INFORMATIONAL, WARNING = 6, 4  # and the severities of what succeeded and what did not.
LONGEST_ID = 32


def frames(entries: list[Entry]) -> bytes:
    """The messages, each behind its length."""
    messages = [_message(entry) for entry in entries]
    return b"".join(b"%d %b" % (len(message), message) for message in messages)


def _message(entry: Entry) -> bytes:
    """One entry: who sends it, what happened as the message's id, and everything as JSON, which is ASCII in one line."""
    priority = AUDIT * 8 + (INFORMATIONAL if succeeded(entry) else WARNING)
    moment = f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    host = urlsplit(settings.EXTERNAL_URL).hostname or "-"
    text = f"<{priority}>1 {moment} {host} portolan - {entry.action[:LONGEST_ID]} - {json_lines([entry]).rstrip()}"
    return text.encode("ascii", "replace")
