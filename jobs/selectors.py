"""What others may want to know of the work queue."""

from datetime import timedelta

from django.db.models.functions import Now

from jobs.models import Job, Schedule, State
from jobs.runner import due

GRACE = timedelta(minutes=1)


def workers_alive() -> bool:
    """False when work has been due for a while and no worker does any: the health of the job service."""
    if Job.objects.filter(state=State.RUNNING, lease_expires_at__gte=Now()).exists():
        return True
    late = Now() - GRACE
    return not (
        due().filter(run_at__lt=late).exists()
        or Job.objects.filter(state=State.RUNNING, lease_expires_at__lt=late).exists()
        or Schedule.objects.filter(enabled=True, next_run_at__lt=late).exists()
    )
