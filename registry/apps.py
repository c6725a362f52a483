"""The data plane."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """The data plane."""

    name = "registry"
