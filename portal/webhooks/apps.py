"""The `webhooks` feature of the control plane."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Registers the models of `webhooks`."""

    name = "portal.webhooks"
