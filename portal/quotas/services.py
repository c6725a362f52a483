"""What can be done to quotas. Each verb validates, changes and journals in one transaction."""

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.errors import Missing
from portal.projects.models import Project
from portal.projects.rules import check_storage_limit


@transaction.atomic
def quota_update(*, project: Project, storage_limit: int, origin: Origin) -> None:
    """Another limit for the project, in bytes; what it holds already may be more. Raises Invalid or Missing."""
    check_storage_limit(storage_limit)
    row = Project.objects.select_for_update(of=("self",), no_key=True).filter(pk=project.pk).first()
    if row is None:
        raise Missing(f"There is no quota {project.pk}.")
    before, row.storage_limit = {"storage": row.storage_limit}, storage_limit
    row.save(update_fields=["storage_limit", "updated_at"])
    record(origin, "quota.update", project=row.name, target=row.name, before=before, after={"storage": storage_limit})
