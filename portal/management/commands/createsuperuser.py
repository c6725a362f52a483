"""Stands in for Django's command, which would create a user without the journal noticing."""

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Points to ours."""

    help = "Not used here: see `manage.py user create --help`."

    def handle(self, **_: Any) -> NoReturn:
        """Says where to go."""
        raise CommandError("Use `manage.py user create NAME --admin` instead; it writes to the journal.")
