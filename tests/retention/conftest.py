"""A project with artifacts of any age, and runs of its retention policy without a worker."""

import threading
import time
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from audit.origin import SYSTEM, Origin
from jobs.kinds import JobRun, kind_named
from jobs.models import Job, State
from jobs.run import Interrupted
from portal.projects.models import Project
from portal.projects.services import project_create
from portal.retention.models import RetentionExecution, RetentionPolicy, RetentionTask
from portal.retention.selectors import log_of
from portal.retention.services import retention_create, retention_run
from registry.models import Manifest, Repository, Tag

_numbers = count()
ALICE = Origin("alice", "user")


def selectors(decoration: str, pattern: str, extras: str = "") -> list[dict[str, str]]:
    return [{"kind": "doublestar", "decoration": decoration, "pattern": pattern, "extras": extras}]


def rule(template: str, number: int | None = None, tags: str = "**", repositories: str = "**", **change: Any) -> Any:
    return {
        "action": "retain",
        "template": template,
        "params": {} if number is None else {template: number},
        "disabled": False,
        "priority": 0,
        "tag_selectors": selectors("matches", tags),
        "scope_selectors": {"repository": selectors("repoMatches", repositories)},
    } | change


def push(repository: str, *tags: str, days: float = 0, pulled: float | None = None, **values: Any) -> Manifest:
    """An artifact that was pushed and perhaps pulled so many days ago."""
    now = timezone.now()
    namespace, _, _ = repository.partition("/")
    row, _ = Repository.objects.get_or_create(
        name=repository, defaults={"namespace": Project.objects.get(namespace__name=namespace).namespace}
    )
    digest = f"sha256:{sha256(str(next(_numbers)).encode()).hexdigest()}"
    given = {"digest": digest, "media_type": "application/json", "payload": b"{}", "size": 2, **values}
    manifest = Manifest.objects.create(repository=row, **given)
    pushed_at = now - timedelta(days=days)
    pulled_at = None if pulled is None else now - timedelta(days=pulled)
    Manifest.objects.filter(pk=manifest.pk).update(pushed_at=pushed_at, pulled_at=pulled_at)
    Tag.objects.bulk_create(Tag(repository=row, name=tag, manifest=manifest) for tag in tags)
    manifest.tags.update(updated_at=pushed_at)
    return manifest


def policy(project: Project, *rules: Any) -> RetentionPolicy:
    return retention_create(project=project, rules=rules, cron="", origin=SYSTEM)


def perform(execution: RetentionExecution, *, checkpoints: int = 10**6) -> RetentionExecution:
    """Does the work of a run as a worker does; after so many checkpoints it is cut off."""
    perform_job(Job.objects.get(pk=execution.job_id), checkpoints=checkpoints)
    execution.refresh_from_db()
    return execution


def perform_job(job: Job, *, checkpoints: int = 10**6) -> None:
    """Does what the job is for."""
    left = count(checkpoints, -1)

    class Run(JobRun):
        def checkpoint(self) -> None:
            if next(left) <= 0:
                raise Interrupted

    run = Run(job, timedelta(minutes=1), time.monotonic(), threading.Event())
    try:
        kind_named(job.kind).function(run, **job.args)
        Job.objects.filter(pk=job.pk).update(state=State.SUCCESS, finished_at=timezone.now())
    except Interrupted:
        pass


def ran(policy: RetentionPolicy, *, dry_run: bool = False, checkpoints: int = 10**6) -> RetentionExecution:
    return perform(retention_run(policy=policy, dry_run=dry_run, origin=ALICE), checkpoints=checkpoints)


def left(repository: str) -> set[str]:
    """The digests of the artifacts that are still there."""
    return set(Manifest.objects.filter(repository__name=repository).values_list("digest", flat=True))


def task(execution: RetentionExecution) -> tuple[RetentionTask, str]:
    """The run's only task, with its log."""
    found = RetentionTask.objects.get(execution=execution)
    return found, log_of(found)


@pytest.fixture
def project(db: None) -> Project:
    return project_create(name="apps", owner=None, origin=SYSTEM)
