"""Reads of allowlists."""

from portal.allowlists.models import CVEAllowlist
from portal.projects.models import Project


def allowlist_of(project: Project | None) -> CVEAllowlist:
    """The project's own list, or (None) the system's; an unsaved, empty one where nobody has written any."""
    return CVEAllowlist.objects.filter(project=project).first() or CVEAllowlist(project=project)


def allowlist_for(project: Project) -> CVEAllowlist:
    """The list that counts for the project: the system's, unless the project says that it has its own."""
    has_own = project.metadata.get("reuse_sys_cve_allowlist") == "false"
    return allowlist_of(project if has_own else None)
