"""`manage.py fsck`: compares the index with the store."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.management.progress import show
from registry.services.fsck import Check, Finding
from registry.services.garbage import GRACE
from registry.storage.errors import StorageError


class Command(BaseCommand):
    """One line for each finding; exit code 1 if there is any."""

    help = (
        "Compare the database with the store, both ways. It may run beside pushes and pulls. Exit code 1 means that "
        "something was found, mended or not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--verify", action="store_true", help="also read every blob and check its digest")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="hide blobs without bytes, so that the next push uploads them again, and correct the database",
        )
        parser.add_argument(
            "--quarantine", action="store_true", help="move corrupt content into the store's folder quarantine/"
        )
        parser.add_argument(
            "--grace",
            type=int,
            default=int(GRACE.total_seconds()),
            metavar="SECONDS",
            help="tell of files without a row only when they are this old (default: %(default)s): younger ones may "
            "belong to a push",
        )

    def handle(self, *, verify: bool, repair: bool, quarantine: bool, grace: int, **_options: Any) -> None:
        """Tells each finding as it is made."""
        if grace < 0:
            raise CommandError("--grace takes a number of seconds, 0 or more.")
        check = Check(
            verify=verify,
            repair=repair,
            quarantine=quarantine,
            grace=timedelta(seconds=grace),
            progress=self._progress,
        )
        found = mended = 0
        try:
            for finding in check.findings():
                show(self.stderr)
                self.stdout.write(_line(finding))
                found += 1
                mended += finding.mended
        except StorageError as error:
            raise CommandError(f"The store does not work: {error}. Nothing can be said of what is in it.") from error
        finally:
            show(self.stderr)
        if found:
            raise CommandError(f"{found} found, {mended} of them mended.")
        self.stdout.write(self.style.SUCCESS("The database and the store agree."))

    def _progress(self, done: int, message: str) -> None:
        show(self.stderr, f"{done} {message}")


def _line(finding: Finding) -> str:
    name, remedy = finding.problem.value
    return f"{name}: {finding.subject}: {finding.detail} [{'mended' if finding.mended else remedy}]"
