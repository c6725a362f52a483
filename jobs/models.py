"""The rows of the work queue. They are the truth: brokers and workers may vanish at any moment, these do not.

Every time that two machines compare is the database's own (`Now()`), so clocks that disagree do no harm.
"""

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from audit.origin import Origin


class State(models.TextChoices):
    """Where a job stands; the words are those of Harbor's job service."""

    PENDING = "Pending"
    RUNNING = "Running"
    STOPPED = "Stopped"
    ERROR = "Error"
    SUCCESS = "Success"


ACTIVE = (State.PENDING, State.RUNNING)


def execution_state(path: str = "") -> Case:
    """The state of what somebody asked for, where that is told apart from the job that does it: it runs from the beginning.

    `path` leads from the rows of the query to the job, as in `job__`.
    """
    return Case(When(**{f"{path}state": State.PENDING}, then=Value(State.RUNNING)), default=F(f"{path}state"))


class Trigger(models.TextChoices):
    """What made a job be asked for; the words are Harbor's."""

    MANUAL = "MANUAL"
    SCHEDULE = "SCHEDULE"
    EVENT = "EVENT"


class Job(models.Model):
    """One piece of work of a registered kind, kept until it is done and for a while after."""

    number = models.BigAutoField(primary_key=True, help_text="The job's id; the newest has the highest.")
    kind = models.CharField(max_length=64)
    args = models.JSONField(default=dict, help_text="Keyword arguments of the kind's function.")
    key = models.CharField(max_length=255, default="", help_text="At most one active job exists per kind and key.")
    exclusive = models.BooleanField(default=False, help_text="No two jobs of this kind run at the same time, anywhere.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    priority = models.SmallIntegerField(default=0, help_text="Higher goes first.")
    run_at = models.DateTimeField(db_default=Now(), help_text="Not before this time.")
    origin = models.JSONField(default=dict, help_text="Who asked for it: the fields of audit.origin.Origin.")
    trigger = models.CharField(max_length=8, choices=Trigger.choices, default=Trigger.MANUAL)

    owner = models.CharField(max_length=128, default="", help_text="Token of the run that holds the lease.")
    lease_expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Runs begun, less those cut short by a shutdown.")
    max_attempts = models.PositiveSmallIntegerField(default=3)
    stop_requested = models.BooleanField(default=False)

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True)
    progress_message = models.CharField(max_length=255, default="")
    result = models.JSONField(default=dict, help_text="What came out so far, in words of the kind's own.")
    error = models.TextField(default="", help_text="Why the last attempt failed.")

    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, help_text="When the last attempt began.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=models.Q(state__in=ACTIVE) & ~models.Q(key=""), name="job_active_key"
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(state=State.RUNNING, exclusive=True), name="job_exclusive_running"
            ),
        ]
        indexes = [
            models.Index(fields=["-priority", "run_at"], condition=models.Q(state=State.PENDING), name="job_pending"),
            models.Index(fields=["lease_expires_at"], condition=models.Q(state=State.RUNNING), name="job_leased"),
            models.Index(fields=["finished_at"], name="job_finished"),
            models.Index(fields=["kind", "number"], name="job_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def status(self) -> str:
        """The state as people see it: a pending job that waits for its time is "Scheduled"."""
        if self.state == State.PENDING and self.run_at > timezone.now():
            return "Scheduled"
        return self.state

    @property
    def execution_state(self) -> str:
        """The same as the function of this name."""
        return State.RUNNING if self.active else self.state

    @property
    def active(self) -> bool:
        """True until the job has reached its last state."""
        return self.state in ACTIVE

    @property
    def pool_id(self) -> str:
        """Which process runs the job; empty unless one does."""
        return self.owner.rpartition(":")[0]

    @property
    def asked_by(self) -> Origin:
        """Who asked for the job; verbs that the job calls take this as their origin."""
        return Origin(**self.origin)


class JobLog(models.Model):
    """A line that a job wrote; only a job's newest lines are kept."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["id"]


class Schedule(models.Model):
    """A job that recurs, by cron or at an interval. People may set any; declarations never overwrite one."""

    name = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=64)
    args = models.JSONField(default=dict)
    cron = models.CharField(max_length=128, default="", help_text="Six fields, seconds first, in UTC.")
    label = models.CharField(max_length=16, default="", help_text="What who set it calls that, such as Daily.")
    every = models.DurationField(null=True)
    enabled = models.BooleanField(default=True)
    chosen = models.BooleanField(default=False, help_text="Somebody set it; it is not what its kind brought along.")
    next_run_at = models.DateTimeField()
    last_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now(), help_text="When it was last set, not when it last ran.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(cron="", every__isnull=False)
                | (~models.Q(cron="") & models.Q(every__isnull=True))
                | models.Q(enabled=False, cron="", every__isnull=True),
                name="schedule_cron_or_every",
            )
        ]
        indexes = [models.Index(fields=["next_run_at"], condition=models.Q(enabled=True), name="schedule_due")]

    def __str__(self) -> str:
        return self.name

    @property
    def when(self) -> str:
        """How often it runs, for people; empty for one that is off and does not say."""
        return self.cron or (f"every {self.every}" if self.every else "")


SCHEDULES = "schedules"


class Pause(models.Model):
    """A kind of work that is held back: its jobs wait, those that run go on. `SCHEDULES` holds back every schedule."""

    kind = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.kind


class WorkerPool(models.Model):
    """A process that works, for as long as it gives signs of life."""

    id = models.CharField(max_length=96, primary_key=True, help_text="host:process:token, the beginning of Job.owner.")
    host = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    concurrency = models.PositiveIntegerField(help_text="How many jobs it runs at a time.")
    start_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.id
