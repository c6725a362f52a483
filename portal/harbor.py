"""What Harbor calls things that more than one part of the portal speaks of: its version, and our kinds of jobs."""

VERSION = "v2.16.0-portolan"
"""Whose contract is kept; clients compare it before they use what is new."""

VENDORS = {
    "registry.gc": "GARBAGE_COLLECTION",
    "audit.purge": "PURGE_AUDIT_LOG",
    "retention.run": "RETENTION",
    "webhooks.deliver": "WEBHOOK",
}
"""By kind. Kinds that Harbor does not have keep our name."""


def vendor_of(kind: str) -> str:
    """Harbor's name of a kind of job."""
    return VENDORS.get(kind, kind)
