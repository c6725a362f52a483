"""Background work of the site as a whole: the journal's, whose package knows no jobs, the keys' and the sessions'."""

from datetime import timedelta

from audit.sealing import seal
from jobs.kinds import JobRun, job
from portal.access.keys import rotate_keys
from portal.access.sessions import sessions_forget


@job("audit.seal", exclusive=True, every=timedelta(minutes=1))
def seal_journal(run: JobRun) -> None:
    """Chains the journal's newest entries to those before, so that a change to any of them shows."""
    total = 0
    while sealed := seal():
        total += sealed
        run.progress(total, message="sealing the journal")
        run.checkpoint()


@job("access.rotate-keys", exclusive=True, cron="0 0 3 1 * *")
def rotate_signing_keys(run: JobRun) -> None:
    """Begins to sign tokens with a new key; those signed before stay good until they expire."""
    run.log(f"new signing key {rotate_keys()}")


@job("access.forget-sessions", exclusive=True, every=timedelta(hours=6))
def forget_sessions(run: JobRun) -> None:
    """Forgets the sessions whose time is over."""
    run.log(f"{sessions_forget()} sessions forgotten")
