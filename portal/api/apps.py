"""The REST API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers nothing but the name."""

    name = "portal.api"
