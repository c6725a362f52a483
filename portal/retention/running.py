"""A run of a retention policy: repository by repository it decides what to keep, says why, and deletes the rest.

It may be cut off anywhere and begun again: tasks that are finished stay so, and an unfinished one looks at its
repository anew. What has changed between the decision and the deletion is kept, and so is what cannot be read.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from audit.consumers import lag
from audit.journal import record
from audit.origin import Origin
from jobs.models import State
from portal.configuration.services import value
from portal.errors import Refused
from portal.immutability.selectors import protected_tags
from portal.retention.models import RetentionExecution, RetentionLog, RetentionPolicy, RetentionTask
from portal.retention.rules import TEMPLATES, Candidate, Rule, applying, retained
from registry.models import Manifest, ManifestChild, Repository, Tag
from registry.oci.errors import Code, OCIError
from registry.selectors import batches, each
from registry.services.manifests import delete_manifest
from registry.services.repositories import lock_repository

BATCH = 500
PULLS = "registry.pull-statistics"  # Who reads the journal for them,
LATEST = timedelta(minutes=10)  # and how far behind that may be.
NAMED = 100  # Deleted artifacts that a repository's entry in the journal names, and tags that a line of the log does.

log = logging.getLogger(__name__)

Report = Callable[[int, int, str], None]


def carry_out(execution: RetentionExecution, *, origin: Origin, report: Report) -> None:
    """Carries out what is left of the run. `report` hears (tasks done, of how many, which), and may raise to end it.

    Raises RetentionPolicy.DoesNotExist when the policy is deleted meanwhile, and Refused where something is not to be
    deleted now, or could not be read: whatever is left can be carried out later.
    """
    _refuse_old_statistics(execution.policy)
    _plan(execution)
    total = execution.tasks.count()
    for task in each(execution.tasks.filter(finished_at=None), BATCH):
        done = execution.tasks.exclude(finished_at=None).count()

        def checkpoint(done: int = done, name: str = task.repository) -> None:
            report(done, total, name)

        checkpoint()
        if value("read_only") and not execution.dry_run:
            raise Refused("The registry is read-only: nothing is deleted for now.")
        # Who makes the rules milder while they run must not lose anything to the old ones.
        policy = RetentionPolicy.objects.select_related("project__namespace").get(pk=execution.policy_id)
        _Task(task, execution, policy, origin, checkpoint).carry_out()
    if unread := execution.tasks.filter(finished_at=None).count():
        raise Refused(f"{unread} repositories cannot be read, and all of their artifacts are kept.")


def _refuse_old_statistics(policy: RetentionPolicy) -> None:
    """Raises Refused when a rule counts on pulls and the latest of them are not known."""
    since = lag(PULLS, limit=1).since
    if since and timezone.now() - since > LATEST and any(TEMPLATES[rule["template"]].pulls for rule in policy.rules):
        raise Refused("The statistics of pulls are not up to date, so rules about pulls cannot be applied for now.")


def _plan(execution: RetentionExecution) -> None:
    """A task for each repository that a rule is about."""
    policy = execution.policy
    for batch in batches(
        each(Repository.objects.filter(namespace_id=policy.project_id, deleted_at=None), BATCH), BATCH
    ):
        names = [repository.name.partition("/")[2] for repository in batch]
        tasks = [RetentionTask(execution=execution, repository=n) for n in names if applying(policy.rules, n)]
        RetentionTask.objects.bulk_create(tasks, ignore_conflicts=True)


class _Task:
    """The work on one repository."""

    def __init__(
        self,
        task: RetentionTask,
        execution: RetentionExecution,
        policy: RetentionPolicy,
        origin: Origin,
        checkpoint: Callable[[], None],
    ) -> None:
        self.task, self.execution, self.policy = task, execution, policy
        self.origin, self.checkpoint = origin, checkpoint
        self.name = f"{policy.project.name}/{task.repository}"
        self.rules: list[Rule] = applying(policy.rules, task.repository)
        self.deleted: list[str] = []

    def carry_out(self) -> None:
        """Decides, tells and deletes; whatever goes wrong in this repository, the others have their turn."""
        self._set(state=State.RUNNING, started_at=self.task.started_at or timezone.now())
        try:
            doomed = self._decide()
        except DatabaseError:
            raise  # The run is repeated when the database is back.
        except Exception as error:
            log.exception("retention cannot read %s", self.name)
            self._tell([f"The repository cannot be read, so all of it is kept: {type(error).__name__}."])
            self._set(state=State.ERROR)
            return
        if not self.execution.dry_run:
            for candidate in doomed:
                self.checkpoint()
                self._delete(candidate)
        self._finish()

    def _decide(self) -> list[Candidate]:
        """What to delete, the newest first so that an index goes before its members; the log gets all reasons."""
        candidates = _candidates(self.name)
        if self.rules:
            reasons = retained(self.rules, candidates, self.execution.created_at)
        else:
            reasons = dict.fromkeys((one.id for one in candidates), "no rule is about this repository any more")
        tags = {tag for one in candidates if one.id not in reasons for tag in one.tags}
        immutable = protected_tags(self.policy.project_id, self.name, tags)
        for one in candidates:
            if held := immutable.intersection(one.tags):
                reasons.setdefault(one.id, f"immutable tag {min(held)}")
        doomed = [one for one in candidates if one.id not in reasons]
        total = len(candidates) + self.task.deleted
        with transaction.atomic():
            self._set(total=total, retained=len(candidates) - len(doomed))
            self._tell([self._heading(), *(_line(one, reasons.get(one.id)) for one in candidates)])
        return sorted(doomed, key=lambda one: one.id, reverse=True)

    def _heading(self) -> str:
        again = " once more, after an interruption" if self.task.deleted else ""
        trial = ", as a trial that deletes nothing" if self.execution.dry_run else ""
        return f"{self.name} at {_instant(timezone.now())}{again}{trial}:"

    def _delete(self, candidate: Candidate) -> None:
        problem = ""
        try:
            with transaction.atomic():
                lock_repository(self.name)
                problem = _obstacle(self.name, candidate)
                if not problem:
                    delete_manifest(origin=self.origin, repository=self.name, digest=candidate.digest)
                    RetentionTask.objects.filter(pk=self.task.pk).update(deleted=F("deleted") + 1)
        except OCIError as error:
            problem = str(error)
            if error.code in {Code.MANIFEST_UNKNOWN, Code.NAME_UNKNOWN}:
                problem = "it is gone already"
        if problem:
            self._tell([f"Not deleted: {candidate.digest}: {problem}"])
        else:
            reference = f":{candidate.tags[0]}" if candidate.tags else f"@{candidate.digest}"
            self.deleted.append(f"{self.task.repository}{reference}")

    @transaction.atomic
    def _finish(self) -> None:
        if not self.execution.dry_run:
            self.task.refresh_from_db(fields=["deleted"])
            self._set(retained=self.task.total - self.task.deleted)
        self._set(state=State.SUCCESS, finished_at=timezone.now())
        task = self.task
        self._tell([f"{task.total} artifacts, {task.retained} kept, {task.deleted} deleted."])
        if not task.deleted:
            return
        after = {
            "policy": self.policy.pk,
            "execution": self.execution.pk,
            "rules": self.rules,
            "total": task.total,
            "retained": task.retained,
            "deleted": task.deleted,
            "artifacts": self.deleted[:NAMED],
        }
        record(self.origin, "retention.clean", project=self.policy.project.name, target=self.name, after=after)

    def _set(self, **values: object) -> None:
        for name, new in values.items():
            setattr(self.task, name, new)
        RetentionTask.objects.filter(pk=self.task.pk).update(**values)

    def _tell(self, lines: list[str]) -> None:
        pieces = ("".join(f"{line}\n" for line in batch) for batch in batches(lines, BATCH))
        RetentionLog.objects.bulk_create([RetentionLog(task=self.task, text=text) for text in pieces])


def _candidates(name: str) -> list[Candidate]:
    """The artifacts of the repository: no accessories, and no members of an index that have no tag of their own."""
    there = {"repository__name": name}
    found = _read(Manifest.objects.filter(**there, accessory_of=""), Tag.objects.filter(**there))
    members = set(ManifestChild.objects.filter(parent__repository__name=name).values_list("digest", flat=True))
    return [one for one in found if one.tags or one.digest not in members]


def _read(manifests: QuerySet[Manifest], tags: QuerySet[Tag]) -> list[Candidate]:
    """The manifests with those of the tags that name them. What is done with a tag is done with what it names."""
    named: defaultdict[int, list[Tag]] = defaultdict(list)
    for tag in tags.order_by("name").only("manifest_id", "name", "updated_at", "pulled_at"):
        named[tag.manifest_id].append(tag)

    def candidate(pk: int, digest: str, pushed: datetime, pulled: datetime | None) -> Candidate:
        pushes = [pushed, *(tag.updated_at for tag in named[pk])]
        pulls = [pulled, *(tag.pulled_at for tag in named[pk])]
        names = tuple(tag.name for tag in named[pk])
        return Candidate(pk, digest, max(pushes), max(filter(None, pulls), default=None), names)

    return [candidate(*row) for row in manifests.values_list("pk", "digest", "pushed_at", "pulled_at")]


def _obstacle(name: str, candidate: Candidate) -> str:
    """Why the artifact must stay after all, asked under the repository's lock; empty when it may go."""
    present = _read(Manifest.objects.filter(pk=candidate.id), Tag.objects.filter(manifest_id=candidate.id))
    if not present:
        return "it is gone already"
    if present != [candidate]:
        return "it was pushed, pulled or tagged meanwhile"
    if ManifestChild.objects.filter(parent__repository__name=name, digest=candidate.digest).exists():
        return "an index that is kept refers to it"
    return ""


def _line(candidate: Candidate, reason: str | None) -> str:
    pulled = _instant(candidate.pulled_at) if candidate.pulled_at else "never"
    tags = ", ".join(candidate.tags[:NAMED])
    about = f"{candidate.digest} [{tags}] pushed {_instant(candidate.pushed_at)} pulled {pulled}"
    return f"keep   {about}: {reason}" if reason else f"delete {about}: no rule keeps it"


def _instant(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
