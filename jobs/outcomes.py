"""What becomes of a job's row when a run ends, as the changes to write; used by runs and by the sweeper."""

import random
from datetime import timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, Value, When
from django.db.models.functions import Now

from audit.sanitise import clean_text
from jobs.models import Job, State

BACKOFF = 10.0  # Seconds before the second attempt; each later wait is twice as long,
LONGEST_BACKOFF = 900.0  # up to this.
ERROR_LENGTH = 2000


def ended(state: State, *, error: str = "") -> dict[str, Any]:
    """The job has reached its last state."""
    return {"state": state, "finished_at": Now(), "error": clean_text(error, ERROR_LENGTH)}


def failed(job: Job, error: str, *, wait: float) -> dict[str, Any]:
    """The attempt failed: another follows after `wait` seconds, unless it was the last one or a stop was asked."""
    if job.attempts >= job.max_attempts:
        return ended(State.ERROR, error=error)
    return {
        "state": Case(When(stop_requested=True, then=Value(State.STOPPED)), default=Value(State.PENDING)),
        "finished_at": Case(When(stop_requested=True, then=Now()), default=None, output_field=DateTimeField()),
        "run_at": Now() + timedelta(seconds=wait) if wait else Now(),
        "error": clean_text(error, ERROR_LENGTH),
    }


def yielded() -> dict[str, Any]:
    """The worker shut down: the job goes back to the queue as if this attempt had not begun."""
    return {"state": State.PENDING, "attempts": F("attempts") - 1}


def backoff(attempts: int) -> float:
    """Seconds to wait after that many attempts: they double, are capped, and differ so that retries spread out."""
    longest = min(LONGEST_BACKOFF, BACKOFF * 2.0 ** (attempts - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
