"""The purge of the journal, by hand or by schedule."""

from datetime import timedelta

from django.utils import timezone

from audit.purging import purge
from audit.sealing import seal
from jobs.kinds import JobRun, job
from portal.auditing.events import OTHER, TYPES, actions_of

LONGEST = 240_000  # hours; the limit is Harbor's.
FOR_EVER = (-1, 0)


@job("audit.purge", exclusive=True)
def purge_journal(
    run: JobRun, *, audit_retention_hour: int, include_event_types: str = "", dry_run: bool = False
) -> None:
    """Removes entries older than so many hours, of the event types that a list with commas names; none of others.

    0 and -1 hours stand for keeping entries for ever.
    """
    if not -1 <= audit_retention_hour <= LONGEST:
        raise ValueError(f"audit_retention_hour is {audit_retention_hour}: it takes -1 to {LONGEST} hours.")
    if audit_retention_hour in FOR_EVER:
        run.result(purged=0)
        run.log(f"With audit_retention_hour {audit_retention_hour} every entry is kept.")
        return
    words = {word.strip().lower() for word in include_event_types.split(",")} - {""}
    actions = actions_of(words)
    for word in sorted(word for word in words if not actions_of([word])):
        run.log(f"There is no event type {word[:64]!r}. Known: {OTHER}, {', '.join(TYPES)}")

    def report(purged: int) -> None:
        run.progress(purged, message="purging the journal")
        run.result(purged=purged)
        run.checkpoint()

    while seal():  # What is not sealed is not purged.
        run.checkpoint()
    before = timezone.now() - timedelta(hours=audit_retention_hour)
    purged = purge(before, actions=actions, dry_run=dry_run, origin=run.job.asked_by, progress=report)
    run.result(purged=purged)
    run.log(f"{purged} entries {'would be purged' if dry_run else 'purged'}")
