"""The durable work queue."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """The durable work queue: rows are the truth, Celery rings the bell."""

    name = "jobs"

    def ready(self) -> None:
        """Imports `jobs.py` and `followers.py` of every app, where kinds of work and readers register themselves."""
        autodiscover_modules("jobs", "followers")
