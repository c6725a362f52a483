"""The `auditing` feature of the control plane."""

from django.apps import AppConfig


class AuditingConfig(AppConfig):
    """Registers the follower and the job of `auditing`."""

    name = "portal.auditing"
