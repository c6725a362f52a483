"""The rules that make tags immutable."""

from django.db import models

from portal.projects.models import Project


class ImmutableRule(models.Model):
    """Tags that fit the selectors can be neither moved nor deleted."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="immutable_rules", db_index=False)
    disabled = models.BooleanField(default=False)
    priority = models.BigIntegerField(
        default=0, help_text="For clients to keep; the order of rules makes no difference."
    )
    tag_selectors = models.JSONField()
    scope_selectors = models.JSONField()
    fingerprint = models.CharField(max_length=64, help_text="Digest of the selectors: a project has no rule twice.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "fingerprint"], name="immutablerule_once")]
