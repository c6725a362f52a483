"""The `quotas` feature of the control plane."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    """Registers the models of `quotas`."""

    name = "portal.quotas"
