"""The one Celery task: what a ring of the bell makes a worker do."""

from celery import shared_task

from jobs import runner


@shared_task(name="jobs.work", ignore_result=True, expires=60)  # type: ignore[untyped-decorator] # Celery has no types
def work() -> None:
    """Claims and runs what is due. A ring that is a minute old is dropped: somebody has looked since."""
    runner.work()
