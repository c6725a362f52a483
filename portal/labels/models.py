"""Labels, and which artifacts bear them."""

from django.db import models

from portal.projects.models import Project
from registry.models import Manifest


class Label(models.Model):
    """A label of one project, or (without one) for every project."""

    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    color = models.CharField(max_length=16, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="labels")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="label_once"),
            models.UniqueConstraint(fields=["name"], condition=models.Q(project=None), name="label_global_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """`g` for global, `p` for a project's."""
        return "p" if self.project_id else "g"


class ArtifactLabel(models.Model):
    """A label on an artifact."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="uses")
    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="label_uses", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["manifest", "label"], name="artifactlabel_once")]
