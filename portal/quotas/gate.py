"""Tells the registry how much a project may hold (`registry.ports.QuotaGate`)."""

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from audit.journal import record
from audit.origin import Origin
from portal.configuration.services import value
from portal.projects.models import Project

# Every push asks: composing this by the ORM would take longer than running it.
_LIMIT = "SELECT storage_limit FROM projects_project WHERE namespace_id = %s AND storage_limit >= 0"


class PortalQuotaGate:
    """The limits of projects, while quotas are switched on."""

    def limit(self, namespace_id: int) -> int | None:
        """The limit, whose row stays locked until the transaction ends; None, and no lock, where there is none."""
        # SQLite has one writer anyhow.
        return _ask(_LIMIT + (" FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""), namespace_id)

    def peek(self, namespace_id: int) -> int | None:
        """The limit without a lock; None where there is none."""
        return _ask(_LIMIT, namespace_id)

    @transaction.atomic
    def exceeded(
        self,
        *,
        origin: Origin,
        namespace_id: int,
        repository: str,
        digest: str,
        tags: Collection[str],
        adding: int,
        used: int,
        limit: int,
    ) -> None:
        """Writes down that a push was refused."""
        after: dict[str, Any] = {"adding": adding, "used": used, "limit": limit}
        if digest:
            after |= {"digest": digest, "tags": list(tags)}
        project = Project.objects.filter(pk=namespace_id).first()
        name = project.name if project else ""
        record(origin, "quota.exceed", project=name, target=repository, after=after, result="denied")


def _ask(sql: str, namespace_id: int) -> int | None:
    if not value("quota_per_project_enable"):
        return None
    with connection.cursor() as cursor:
        cursor.execute(sql, [namespace_id])
        row = cursor.fetchone()
    return row[0] if row else None
