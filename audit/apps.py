"""The journal."""

from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    """One append-only, ordered record of who did what."""

    name = "audit"

    def ready(self) -> None:
        """A start migrates first, which is the last moment to put a restored journal in order."""
        post_migrate.connect(_rebase, sender=self, dispatch_uid="audit.rebase")


def _rebase(*, using: str, **_kwargs: Any) -> None:
    from audit.rebase import rebase

    if using == DEFAULT_DB_ALIAS:
        rebase()
