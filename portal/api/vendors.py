"""What Harbor calls our kinds of jobs. Those it does not have keep our name."""

VENDORS = {
    "registry.gc": "GARBAGE_COLLECTION",
    "audit.purge": "PURGE_AUDIT_LOG",
    "retention.run": "RETENTION",
    "webhooks.deliver": "WEBHOOK",
}
_KINDS = {vendor: kind for kind, vendor in VENDORS.items()}


def vendor_of(kind: str) -> str:
    """Harbor's name of a kind of job."""
    return VENDORS.get(kind, kind)


def kind_of(vendor: str) -> str:
    """Our name of what Harbor calls so; ours stay as they are."""
    return _KINDS.get(vendor, vendor)
