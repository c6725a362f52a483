"""Whether anybody works."""

from datetime import timedelta

from django.db.models.functions import Now

from jobs.kinds import kinds
from jobs.models import Schedule

_PATIENCE = timedelta(minutes=1)


class NoWorker(Exception):
    """Schedules are due and nobody has acted on them."""


def check() -> None:
    """Raises `NoWorker` when no worker has swept lately: each sweep moves every schedule that is due."""
    known = [kind.name for kind in kinds()]  # Workers leave alone what a newer or an older version has scheduled.
    due = Schedule.objects.filter(enabled=True, kind__in=known, next_run_at__lt=Now() - _PATIENCE)
    if overdue := due.order_by("next_run_at").first():
        raise NoWorker(f"schedule {overdue.name} has been due since {overdue.next_run_at:%Y-%m-%d %H:%M:%S}")
