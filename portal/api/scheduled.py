"""Work that recurs and can be run by hand, in Harbor's words: garbage collection, the purge of the audit log.

A schedule has a type (Hourly, Daily, Weekly, Custom, None) or stands for one run now (Manual). Custom needs a cron
expression; the others may have one that differs from what their names say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from audit.origin import Origin
from jobs.cron import next_after
from jobs.models import Job, Schedule, execution_state
from jobs.selectors import log_line, log_text
from jobs.services import enqueue, schedule_set, stop
from portal.api.wire.query import Field, Fields, moment, number
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.errors import Invalid, Missing
from portal.harbor import vendor_of

CRONS = {"Hourly": "0 0 * * * *", "Daily": "0 0 0 * * *", "Weekly": "0 0 0 * * 0"}
_SPOKEN = {bool: "true or false", int: "a whole number", str: "a text"}
MANUAL, NONE, CUSTOM, SCHEDULE = "Manual", "None", "Custom", "Schedule"
LONGEST = 4096  # Characters of a parameter.
TYPES = (*CRONS, CUSTOM, MANUAL, NONE, SCHEDULE)
ALIASES = {SCHEDULE: CUSTOM}

FIELDS: Fields = {
    "id": Field("number", number),
    "job_status": Field("status_shown"),
    "creation_time": Field("created_at", moment),
}


class ScheduleObjSerializer(Wire):
    """When the work is done."""

    type = serializers.ChoiceField(TYPES, required=False)
    cron = Text(required=False)
    next_scheduled_time = Moment(required=False, allow_null=True)


class ScheduleSerializer(Wire):
    """A schedule with the parameters of the work."""

    schedule = ScheduleObjSerializer()
    parameters = serializers.DictField(required=False, default=dict)


class ExecHistorySerializer(Wire):
    """One run, or the schedule itself."""

    id = Whole(required=False)
    job_name = Text(required=False)
    job_kind = Text(required=False)
    job_parameters = Text(required=False)
    schedule = ScheduleObjSerializer(required=False)
    job_status = Text(required=False)
    deleted = Flag(required=False)
    creation_time = Moment(required=False)
    update_time = Moment(required=False)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of job that administrators schedule.

    `defaults` are its parameters where a client leaves them out, which it may not with the `required` ones; `ranges` are
    the values that some may have.
    """

    kind: str
    defaults: dict[str, Any]
    ranges: Mapping[str, range] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def runs(self) -> QuerySet[Job]:
        """Its jobs."""
        return Job.objects.filter(kind=self.kind).annotate(status_shown=execution_state())

    def run(self, number_of_run: int) -> Job:
        """One of its jobs. Raises Missing."""
        job = self.runs.filter(number=number_of_run).first()
        if job is None:
            raise Missing(f"There is no run {number_of_run}.")
        return job

    def set(self, wanted: dict[str, Any], *, origin: Origin) -> Job | None:
        """Sets the work's one schedule, or runs it now and gives the job. Raises Invalid."""
        when = wanted["schedule"]
        if "type" not in when:
            raise Invalid(f"schedule.type is missing: it is one of {', '.join(TYPES)}.")
        kind = ALIASES.get(when["type"], when["type"])
        parameters = self._parameters(wanted["parameters"], complete=kind != NONE)
        if kind == MANUAL:
            return enqueue(self.kind, origin=origin, **parameters)
        given = {"enabled": False} if kind == NONE else {"cron": _cron(kind, when.get("cron", "")), "label": kind}
        schedule_set(self.kind, self.kind, args=parameters, origin=origin, **given)
        return None

    def _parameters(self, given: dict[str, Any], *, complete: bool) -> dict[str, Any]:
        parameters = {name: given.get(name, default) for name, default in self.defaults.items()}
        for name, value in parameters.items():
            if complete and name in self.required and name not in given:
                raise Invalid(f"{name} is missing from the parameters.")
            if type(value) is not type(self.defaults[name]):
                raise Invalid(f"{name} is {_SPOKEN[type(self.defaults[name])]}.")
            if isinstance(value, str):
                Text(max_length=LONGEST).run_validation(value)
            allowed = self.ranges.get(name)
            if allowed and value not in allowed:
                raise Invalid(f"{name} goes from {allowed[0]} to {allowed[-1]}.")
        return parameters

    def stop(self, number_of_run: int, *, origin: Origin) -> None:
        """Ends a run at its next checkpoint. Raises Missing."""
        stop(self.run(number_of_run).number, origin=origin)

    def schedule(self) -> dict[str, Any]:
        """The schedule in force, as Harbor shows it among the runs."""
        row = Schedule.objects.filter(name=self.kind, enabled=True).first()
        if row is None:
            return {"schedule": {"type": NONE}}
        return {
            "id": row.pk,
            "job_name": vendor_of(self.kind),
            "job_kind": "SCHEDULE",
            "job_parameters": json.dumps(self.defaults | row.args),
            "schedule": {"type": row.label or CUSTOM, "cron": row.cron, "next_scheduled_time": row.next_run_at},
            "job_status": "Pending",
            "deleted": False,
        }


def shown(job: Job) -> dict[str, Any]:
    """A run as Harbor shows it: what it was given and what came out are one object."""
    return {
        "id": job.number,
        "job_name": vendor_of(job.kind),
        "job_kind": job.trigger,
        "job_parameters": json.dumps(job.args | job.result),
        "schedule": {"type": MANUAL if job.trigger == "MANUAL" else CUSTOM},
        "job_status": job.execution_state,
        "deleted": False,
        "creation_time": job.created_at,
        "update_time": job.finished_at or job.started_at or job.created_at,
    }


def log_of(job: Job) -> str:
    """What the run wrote, and the error that ended it."""
    return log_text(job) + (log_line(job.finished_at, job.error) if job.error and job.finished_at else "")


def _cron(kind: str, given: str) -> str:
    """The cron expression of a schedule of that type. Raises Invalid."""
    cron = given or CRONS.get(kind, "")
    try:
        next_after(cron, timezone.now())
    except ValueError as error:
        raise Invalid(str(error)) from None
    return cron
