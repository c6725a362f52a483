"""Stands in for Django's command, which would change a password without the journal noticing."""

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Points to ours."""

    help = "Not used here: see `manage.py user password --help`."

    def handle(self, **_: Any) -> NoReturn:
        """Says where to go."""
        raise CommandError("Use `manage.py user password NAME` instead; it writes to the journal.")
