"""The `immutability` feature of the control plane."""

from django.apps import AppConfig


class ImmutabilityConfig(AppConfig):
    """Registers the models of `immutability`."""

    name = "portal.immutability"
