"""What is remembered about quotas. The limit itself is the project's `storage_limit`, its id the project's."""

from django.db import models

from portal.projects.models import Project


class QuotaWarning(models.Model):
    """The project's content is near its limit, and the journal says so; it goes when there is room again."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="quota_warning")
    made_at = models.DateTimeField(auto_now_add=True)
