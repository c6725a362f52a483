"""Whether anybody works."""

from datetime import timedelta

from django.utils import timezone

from jobs.models import Schedule

_PATIENCE = timedelta(minutes=1)


class NoWorker(Exception):
    """Schedules are due and nobody has acted on them."""


def check() -> None:
    """Raises `NoWorker` when no worker has swept lately: each sweep moves every schedule that is due."""
    overdue = Schedule.objects.filter(enabled=True, next_run_at__lt=timezone.now() - _PATIENCE).order_by("next_run_at").first()
    if overdue:
        raise NoWorker(f"schedule {overdue.name} has been due since {overdue.next_run_at:%Y-%m-%d %H:%M:%S}")
