"""Webhook policies, and every delivery there was or is to be.

A delivery is a job with something to say; its state, its times and its log are the job's. It goes when the job's
history goes.
"""

from datetime import datetime

from django.db import models

from jobs.models import Job
from portal.projects.models import Project


class WebhookPolicy(models.Model):
    """What a project tells whom."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks", db_index=False)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    enabled = models.BooleanField(default=True)
    event_types = models.JSONField()
    targets = models.JSONField(help_text="Addresses; what is sent as Authorization is sealed.")
    creator = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="webhookpolicy_once")]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One event on its way to one target of a policy."""

    policy = models.ForeignKey(WebhookPolicy, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="+")
    event_type = models.CharField(max_length=32)
    notify_type = models.CharField(max_length=16)
    target = models.PositiveSmallIntegerField(help_text="Its place among the policy's targets.")
    payload = models.JSONField(help_text="The event in the default format.")
    request_id = models.CharField(max_length=128, blank=True, help_text="Of the request that caused the event.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["policy", "-id"], name="delivery_newest"),
            models.Index(fields=["policy", "event_type", "-id"], name="delivery_newest_of_type"),
        ]

    @property
    def changed_at(self) -> datetime:
        """When its job last changed its state."""
        return self.job.finished_at or self.job.started_at or self.created_at
