"""Reads of allowlists."""

from collections.abc import Sequence

from django.db.models import Q

from portal.allowlists.models import CVEAllowlist
from portal.projects.models import Project


def allowlist_of(project: Project | None) -> CVEAllowlist:
    """The project's own list, or (None) the system's; an unsaved, empty one where nobody has written any."""
    return CVEAllowlist.objects.filter(project=project).first() or CVEAllowlist(project=project)


def allowlists_for(projects: Sequence[Project]) -> dict[int, CVEAllowlist]:
    """The list that counts for each project, by its id: the system's, unless the project says that it has its own."""
    own = {project.pk for project in projects if project.metadata.get("reuse_sys_cve_allowlist") == "false"}
    found = {row.project_id: row for row in CVEAllowlist.objects.filter(Q(project=None) | Q(project__in=own))}
    return {project.pk: found.get(project.pk if project.pk in own else None) or CVEAllowlist() for project in projects}
