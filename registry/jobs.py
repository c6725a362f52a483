"""The registry's background work."""

from datetime import timedelta

from jobs.kinds import JobRun, job
from registry.services import usage
from registry.services.clearing import clear_repository, resume_clearing
from registry.services.garbage import GRACE, Collected, collect_garbage
from registry.services.purge import AGE, purge_uploads
from registry.services.repositories import CLEARING


@job("registry.gc", exclusive=True, cron="0 0 */6 * * *")
def garbage_collection(
    run: JobRun,
    *,
    dry_run: bool = False,
    delete_untagged: bool = False,
    delete_tag: bool = False,  # noqa: ARG001 - Harbor's clients give it and want it back. Here no tag outlives its manifest,
    workers: int = 1,  # noqa: ARG001 - and one worker is enough.
    grace_seconds: int = int(GRACE.total_seconds()),
) -> None:
    """Frees the bytes that no manifest uses, and first deletes manifests that nothing names where that is asked for."""

    def report(done: Collected, message: str) -> None:
        run.progress(done.steps, message=message)
        run.checkpoint()

    if not dry_run and (left := resume_clearing()):
        run.log(f"{left} deleted repositories are still to be cleared away")
    done = collect_garbage(
        origin=run.job.asked_by,
        grace=timedelta(seconds=grace_seconds),
        delete_untagged=delete_untagged,
        dry_run=dry_run,
        progress=report,
    )
    run.result(freed_space=done.freed, purged_blobs=done.blobs + done.orphans, purged_manifests=done.manifests)
    run.log(f"{'A run now would give: ' if dry_run else ''}{done}")


@job("registry.purge-uploads", exclusive=True, every=timedelta(hours=1))
def upload_purge(run: JobRun, *, older_than_seconds: int = int(AGE.total_seconds())) -> None:
    """Removes uploads that were abandoned."""

    def report(purged: int) -> None:
        run.progress(purged, message="removing abandoned uploads")
        run.checkpoint()

    purged = purge_uploads(older_than=timedelta(seconds=older_than_seconds), progress=report)
    run.log(f"{purged} abandoned uploads removed")


@job("registry.fold-usage", exclusive=True, every=timedelta(minutes=1))
def usage_folding(run: JobRun) -> None:
    """Adds what was pushed since the last time to the counters of what namespaces take up."""

    def report(folded: int) -> None:
        run.progress(folded, message="counting content")
        run.checkpoint()

    usage.fold(progress=report)


@job(CLEARING, attempts=10)
def repository_clearing(run: JobRun, *, repository_id: int, name: str) -> None:
    """Clears away what a deleted repository held, on behalf of whoever deleted it."""

    def report(done: int, total: int) -> None:
        run.progress(done, total, "deleting manifests")
        run.checkpoint()

    done = clear_repository(repository_id, origin=run.job.asked_by, name=name, progress=report)
    run.log(f"{done} manifests deleted")
