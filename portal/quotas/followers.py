"""Warns, in the journal, of projects whose content comes near its limit."""

from audit.journal import record
from audit.models import Entry
from audit.origin import SYSTEM
from jobs.followers import follow
from portal.configuration.services import value
from portal.projects.models import Project
from portal.quotas.models import QuotaWarning
from registry.oci.names import repository_in
from registry.selectors import usages

WARNED_AT = 85  # percent
# What a project takes up, or may, is another after these.
_MOVING = frozenset(
    {
        "blob.push",
        "blob.mount",
        "blob.delete",
        "manifest.push",
        "manifest.copy",
        "manifest.delete",
        "repository.delete",
        "quota.update",
        "usage.recount",
    }
)


@follow("quotas.warnings")
def warn(entries: list[Entry]) -> None:
    """Looks at the projects that a batch of the journal is about: one entry `quota.warn` each time one gets so full.

    The entry names the repository that changed last.
    """
    moved = {entry.project: entry for entry in entries if entry.action in _MOVING}
    # What is older than a project was of another one that had its name.
    projects = [project for project in _limited(set(moved)) if project.created_at <= moved[project.name].at]
    if not projects:
        return
    used = usages([project.pk for project in projects])
    full = [project for project in projects if used[project.pk] * 100 >= project.storage_limit * WARNED_AT]
    known = QuotaWarning.objects.filter(project__in=projects)
    warned = set(known.values_list("project", flat=True))
    known.exclude(project__in=full).delete()
    for project in full:
        if project.pk not in warned:
            QuotaWarning.objects.create(project=project)
            after = {"percent": WARNED_AT, "used": used[project.pk], "limit": project.storage_limit}
            target = repository_in(moved[project.name].target)
            record(SYSTEM, "quota.warn", project=project.name, target=target, after=after)


def _limited(names: set[str]) -> list[Project]:
    """Those of the projects that have a limit, locked against their deletion in the meantime."""
    if not names or not value("quota_per_project_enable"):
        return []
    limited = Project.objects.select_for_update(of=("self",), no_key=True)
    return list(limited.filter(namespace__name__in=names, storage_limit__gte=0).order_by("pk"))
