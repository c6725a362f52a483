"""Lists of vulnerabilities that are accepted."""

from django.db import models
from django.db.models.functions import Coalesce

from portal.projects.models import Project


class CVEAllowlist(models.Model):
    """The vulnerabilities that a project, or (without one) the whole registry, accepts."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, null=True, related_name="cve_allowlist")
    cves = models.JSONField(default=list, help_text="Names such as CVE-2026-0001.")
    expires_at = models.BigIntegerField(null=True, help_text="Seconds since 1970; null: never.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        # The foreign key alone would allow several lists without a project.
        constraints = [models.UniqueConstraint(Coalesce("project", 0), name="cveallowlist_once")]

    def __str__(self) -> str:
        return f"allowlist of {self.project or 'the system'}"
