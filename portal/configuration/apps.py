"""The `configuration` feature of the control plane."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """Registers the models of `configuration`."""

    name = "portal.configuration"
