"""Reads of quotas."""

from django.db.models import BigIntegerField, Case, QuerySet, Value, When

from portal.configuration.keys import UNLIMITED
from portal.errors import Missing
from portal.projects.models import Project
from portal.projects.selectors import project_numbered
from registry.selectors import used

LARGEST = 2**63 - 1
"""What no limit counts as among limits."""


def quota_get(quota_id: int) -> Project:
    """The project whose quota has that id. Raises Missing."""
    project = project_numbered(quota_id)
    if project is None:
        raise Missing(f"There is no quota {quota_id}.")
    return project


def quotas() -> QuerySet[Project]:
    """The projects, each with the bytes it takes up as `used` and those it may as `limit`, for comparing and sorting."""
    limit = Case(
        When(storage_limit=UNLIMITED, then=Value(LARGEST)), default="storage_limit", output_field=BigIntegerField()
    )
    return Project.objects.annotate(used=used("namespace__"), limit=limit)
