"""`manage.py bootstrap`: brings the database up to date and makes what a first start needs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, transaction

from audit.origin import SYSTEM
from jobs.followers import followers
from portal.access.keys import ensure_key, rotate_keys
from portal.access.secrets import new_secret
from portal.accounts.models import User
from portal.accounts.names import BUILT_IN
from portal.accounts.services import user_create
from portal.env import env_str, private_file
from portal.errors import PortalError
from portal.projects.services import project_create

ADVISORY_LOCK = 0x706F72746F6C616E  # "portolan" in ASCII.


class Command(BaseCommand):
    """Safe to run at every start, and by several instances at once: they queue, and the later ones find it done."""

    help = (
        "Apply database migrations; on a first start create the user admin (password from PORTOLAN_ADMIN_PASSWORD, or "
        "a random one that is printed once and kept in DATA_DIR/admin_password) and the public project library; make "
        "the key that signs registry tokens."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--new-signing-key", action="store_true", help="sign tokens with a new key from now on")

    def handle(self, *, new_signing_key: bool, **_options: Any) -> None:
        """Does what is not done yet."""
        try:
            with _alone():
                call_command("migrate", verbosity=0, interactive=False)
                self._first_start()
                # Else what happens before the first worker has begun to follow the journal would be told to nobody.
                for follower in followers():
                    follower.subscribe()
                if new_signing_key:
                    self.stdout.write(f"Registry tokens are signed with key {rotate_keys()} from now on.")
                ensure_key()
        except OperationalError as error:
            raise CommandError(
                f"The database cannot be used: {error}. Check that it runs and that PORTOLAN_DATABASE_URL is right."
            ) from error
        except PortalError as error:
            raise CommandError(str(error)) from error

    @transaction.atomic
    def _first_start(self) -> None:
        if User.objects.exists():
            return
        chosen = env_str("PORTOLAN_ADMIN_PASSWORD")
        # The file is written before the user, so that no crash can leave a password nobody knows.
        password = chosen or private_file(settings.DATA_DIR / "admin_password", new_secret())
        try:
            admin = user_create(username=BUILT_IN, password=password, is_admin=True, origin=SYSTEM)
        except PortalError as error:
            source = "PORTOLAN_ADMIN_PASSWORD" if chosen else str(settings.DATA_DIR / "admin_password")
            raise CommandError(f"{source} cannot be used. {error}") from error
        project_create(name="library", public=True, owner=admin, origin=SYSTEM)
        if not chosen:
            self.stdout.write(f"Created the user admin with the password {password}")


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps other instances that share the database waiting."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
        return
    with (settings.DATA_DIR / "bootstrap.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
