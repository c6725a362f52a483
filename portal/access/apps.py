"""The `access` feature of the control plane."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Registers the models and commands of `access`."""

    name = "portal.access"
