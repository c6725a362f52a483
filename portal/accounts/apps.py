"""The `accounts` feature of the control plane."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the models and commands of `accounts`."""

    name = "portal.accounts"
