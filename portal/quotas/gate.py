"""Tells the registry how much a project may hold (`registry.ports.QuotaGate`)."""

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.configuration.services import value
from portal.projects.models import Project


class PortalQuotaGate:
    """The limits of projects, while quotas are switched on."""

    def limit(self, namespace_id: int) -> int | None:
        """The limit, whose row stays locked until the transaction ends; None, and no lock, where there is none."""
        if not value("quota_per_project_enable"):
            return None
        limited = Project.objects.filter(pk=namespace_id, storage_limit__gte=0).select_for_update(no_key=True)
        return limited.values_list("storage_limit", flat=True).first()

    def peek(self, namespace_id: int) -> int | None:
        """The limit without a lock; None where there is none."""
        if not value("quota_per_project_enable"):
            return None
        limited = Project.objects.filter(pk=namespace_id, storage_limit__gte=0)
        return limited.values_list("storage_limit", flat=True).first()

    @transaction.atomic
    def exceeded(
        self, *, origin: Origin, namespace_id: int, repository: str, adding: int, used: int, limit: int
    ) -> None:
        """Writes down that a push was refused."""
        numbers = {"adding": adding, "used": used, "limit": limit}
        project = Project.objects.filter(pk=namespace_id).first()
        name = project.name if project else ""
        record(origin, "quota.exceed", project=name, target=repository, after=numbers, result="denied")
