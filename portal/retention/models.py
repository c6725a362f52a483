"""Retention policies, and what became of each run of one.

A run is a job; its state, its times and who asked for it are the job's. It goes when the job's history goes.
"""

from django.db import models

from jobs.models import Job, State
from portal.projects.models import Project


class RetentionPolicy(models.Model):
    """What a project keeps. Artifacts that no rule keeps are deleted when the policy runs."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="retention")
    rules = models.JSONField(help_text="Its rules, each as the REST API shows it.")
    cron = models.CharField(max_length=128, blank=True, help_text="When it runs by itself; empty: never.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class RetentionExecution(models.Model):
    """One run of a policy."""

    policy = models.ForeignKey(RetentionPolicy, on_delete=models.CASCADE, related_name="executions", db_index=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="+")
    dry_run = models.BooleanField(help_text="It only tells what it would delete.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="The instant from which its rules count days back.")

    class Meta:
        indexes = [models.Index(fields=["policy", "-id"], name="retentionexecution_newest")]


class RetentionTask(models.Model):
    """A run's work on one repository."""

    execution = models.ForeignKey(RetentionExecution, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    repository = models.CharField(max_length=255, help_text="Its name without the project.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    total = models.PositiveIntegerField(default=0)
    retained = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "repository"], name="retentiontask_once")]
        indexes = [models.Index(fields=["execution", "id"], name="retentiontask_order")]

    @property
    def status(self) -> str:
        """Its state; one that its job left behind, unfinished, shares the job's."""
        job = self.execution.job
        return self.state if self.finished_at or job.active else job.state


class RetentionLog(models.Model):
    """A piece of a task's log: some lines, each with what became of an artifact and why."""

    task = models.ForeignKey(RetentionTask, on_delete=models.CASCADE, related_name="log")
    text = models.TextField()

    class Meta:
        ordering = ["id"]
