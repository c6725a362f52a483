"""Whether anybody works."""

from datetime import timedelta

from django.db.models import Exists
from django.db.models.functions import Now

from jobs.kinds import kinds
from jobs.models import SCHEDULES, Pause, Schedule

_PATIENCE = timedelta(minutes=1)


class NoWorker(Exception):
    """Schedules are due and nobody has acted on them."""


def check() -> None:
    """Raises `NoWorker` when no worker has swept lately: each sweep moves every schedule that is due, unless paused."""
    known = [kind.name for kind in kinds()]  # Workers leave alone what a newer or an older version has scheduled.
    overdue_since = Now() - _PATIENCE
    paused = Pause.objects.filter(kind=SCHEDULES)
    due = Schedule.objects.filter(~Exists(paused), enabled=True, kind__in=known, next_run_at__lt=overdue_since)
    if overdue := due.order_by("next_run_at").first():
        raise NoWorker(f"schedule {overdue.name} has been due since {overdue.next_run_at:%Y-%m-%d %H:%M:%S}")
