"""Retention's background work."""

from jobs.kinds import JobRun, job
from jobs.services import schedule_delete
from portal.retention.models import RetentionExecution, RetentionPolicy
from portal.retention.running import carry_out
from portal.retention.services import KIND, schedule_name


@job(KIND, attempts=10)
def run_retention(run: JobRun, *, policy: int, dry_run: bool = False) -> None:
    """Deletes the artifacts that the policy's rules do not keep, or only says which."""

    def report(done: int, total: int, repository: str) -> None:
        run.progress(done, total, repository)
        run.checkpoint()

    found = RetentionPolicy.objects.filter(pk=policy).first()
    if found is None:  # It went with its project, which knows nothing of schedules.
        schedule_delete(schedule_name(policy), origin=run.job.asked_by)
        run.log("The retention policy is gone.")
        return
    execution, _ = RetentionExecution.objects.get_or_create(
        job_id=run.job.pk, defaults={"policy": found, "dry_run": dry_run}
    )
    carry_out(execution, origin=run.job.asked_by, report=report)
    for task in execution.tasks.order_by("pk").iterator():
        run.log(
            f"{task.repository}: {task.total} artifacts, {task.retained} kept, {task.deleted} deleted: {task.state}"
        )
