"""The work queue's own housekeeping."""

from datetime import timedelta

from jobs.kinds import JobRun, job
from jobs.sweeper import prune


@job("jobs.prune", every=timedelta(hours=6), exclusive=True)
def prune_history(run: JobRun) -> None:
    """Deletes the history of jobs that finished long ago."""
    run.log(f"{prune()} old jobs deleted")
