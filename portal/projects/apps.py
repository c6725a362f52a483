"""The `projects` feature of the control plane."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Registers the models and commands of `projects`."""

    name = "portal.projects"
