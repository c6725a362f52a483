"""`manage.py gc`: frees the bytes that no manifest uses."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.services import enqueue
from registry.management.progress import show
from registry.services.garbage import GRACE, Collected, collect_garbage
from registry.storage.errors import StorageError


class Command(BaseCommand):
    """Garbage collection by hand, beside the one that runs by itself."""

    help = (
        "Free the bytes that no manifest uses. Pushes and pulls go on meanwhile. What a push may still need is kept for "
        "a grace period: first unused blobs become invisible, a grace period later they are deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--dry-run", action="store_true", help="change nothing, tell what a run would do")
        parser.add_argument(
            "--grace",
            type=int,
            default=int(GRACE.total_seconds()),
            metavar="SECONDS",
            help="how long to keep what no manifest uses (default: %(default)s); with 0, pushes under way may have to "
            "be repeated",
        )
        parser.add_argument(
            "--delete-untagged", action="store_true", help="first delete manifests that no tag and no index names"
        )
        parser.add_argument("--background", action="store_true", help="leave it to the job workers")

    def handle(self, *, dry_run: bool, grace: int, delete_untagged: bool, background: bool, **_options: Any) -> None:
        """Runs it, or asks for it."""
        if grace < 0:
            raise CommandError("--grace takes a number of seconds, 0 or more.")
        if background:
            job = enqueue("registry.gc", dry_run=dry_run, delete_untagged=delete_untagged, grace_seconds=grace)
            self.stdout.write(f"Job {job.pk} is in the queue; `manage.py jobs show {job.pk}` tells how it goes.")
            return
        try:
            done = collect_garbage(
                grace=timedelta(seconds=grace),
                delete_untagged=delete_untagged,
                dry_run=dry_run,
                progress=self._progress,
            )
        except StorageError as error:
            raise CommandError(f"The store does not work: {error}. Run it again when it does.") from error
        finally:
            show(self.stderr)
        self.stdout.write(f"A run now would give: {done}" if dry_run else self.style.SUCCESS(str(done)))

    def _progress(self, done: Collected, message: str) -> None:
        show(self.stderr, f"{message}: {done.steps}")
