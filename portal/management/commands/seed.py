"""`manage.py seed`: makes a database large, to measure with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.management.seeding import counts, seed
from registry.models import Repository


class Command(BaseCommand):
    """Adds made-up projects, repositories, artifacts, tags and journal entries."""

    help = (
        "Fill an empty database with made-up projects, repositories, artifacts, tags and journal entries, to see how"
        " fast a large site is. There are no bytes behind them: not for a registry in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the scale."""
        parser.add_argument(
            "--scale", type=float, default=0.01, help="1 is a million artifacts and ten million journal entries (0.01)"
        )

    def handle(self, *_: Any, scale: float, **__: Any) -> None:
        """Seeds and tells the progress."""
        if not 0 < scale <= 10:  # noqa: PLR2004 - more than this has nobody.
            raise CommandError("--scale takes a number above 0, up to 10.")
        if Repository.objects.exists():
            raise CommandError("This registry is in use: seed a database of its own (PORTOLAN_DATABASE_URL).")
        for what, count in counts(scale).items():
            self.stdout.write(f"{count:>12,} {what}")

        def progress(what: str, done: int, total: int) -> None:
            self.stderr.write(f"\r{what}: {done:,} of {total:,}   ", ending="\n" if done == total else "")

        seed(scale, progress)
        self.stdout.write(self.style.SUCCESS("Done."))
