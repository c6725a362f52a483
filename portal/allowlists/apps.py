"""The `allowlists` feature of the control plane."""

from django.apps import AppConfig


class AllowlistsConfig(AppConfig):
    """Registers the models of `allowlists`."""

    name = "portal.allowlists"
