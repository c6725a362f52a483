"""The `retention` feature of the control plane."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """Registers the models of `retention`."""

    name = "portal.retention"
