"""The values that differ from the defaults in `portal.configuration.keys`."""

from django.db import models


class Setting(models.Model):
    """A configured value."""

    key = models.CharField(max_length=128, primary_key=True)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key
