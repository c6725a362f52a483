"""Reads of quotas."""

from django.db.models import QuerySet

from portal.errors import Missing
from portal.projects.models import Project
from portal.projects.selectors import project_numbered
from registry.selectors import used


def quota_get(quota_id: int) -> Project:
    """The project whose quota has that id. Raises Missing."""
    project = project_numbered(quota_id)
    if project is None:
        raise Missing(f"There is no quota {quota_id}.")
    return project


def quotas() -> QuerySet[Project]:
    """The projects, each with the bytes it takes up as `used`, by which they can be sorted."""
    return Project.objects.annotate(used=used("namespace__"))
