"""The `labels` feature of the control plane."""

from django.apps import AppConfig


class LabelsConfig(AppConfig):
    """Registers the models of `labels`."""

    name = "portal.labels"
