"""Copies between registries."""

from django.apps import AppConfig


class ReplicationConfig(AppConfig):
    """Copies between registries."""

    name = "replication"
