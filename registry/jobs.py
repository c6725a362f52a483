"""The registry's background work."""

from datetime import timedelta

from jobs.kinds import JobRun, job
from registry.services.garbage import GRACE, Collected, collect_garbage
from registry.services.purge import AGE, purge_uploads


@job("registry.gc", exclusive=True, every=timedelta(hours=6))
def garbage_collection(run: JobRun, *, dry_run: bool = False, grace_seconds: int = int(GRACE.total_seconds())) -> None:
    """Frees the bytes that no manifest uses."""

    def report(done: Collected, message: str) -> None:
        run.progress(done.steps, message=message)
        run.checkpoint()

    done = collect_garbage(grace=timedelta(seconds=grace_seconds), dry_run=dry_run, progress=report)
    run.log(f"{'A run now would give: ' if dry_run else ''}{done}")


@job("registry.purge-uploads", exclusive=True, every=timedelta(hours=1))
def upload_purge(run: JobRun, *, older_than_seconds: int = int(AGE.total_seconds())) -> None:
    """Removes uploads that were abandoned."""

    def report(purged: int) -> None:
        run.progress(purged, message="removing abandoned uploads")
        run.checkpoint()

    purged = purge_uploads(older_than=timedelta(seconds=older_than_seconds), progress=report)
    run.log(f"{purged} abandoned uploads removed")
