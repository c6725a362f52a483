"""`/system/purgeaudit`: removing old entries of the audit log by hand and by schedule, and the history of that."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.scheduled import FIELDS, ExecHistorySerializer, ScheduleSerializer, Work, log_of, shown
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.query import narrow, order
from portal.api.wire.rights import system
from portal.auditing.jobs import LONGEST

WORK = Work(
    "audit.purge",
    {"audit_retention_hour": 0, "include_event_types": "", "dry_run": False},
    ranges={"audit_retention_hour": range(LONGEST + 1)},
    required=("audit_retention_hour", "include_event_types"),
)


class PurgeHistorySerializer(ExecHistorySerializer):
    """A purge; `job_parameters` tells in JSON what it was given and how many entries went."""


class Purges(Resource):
    """`/system/purgeaudit`."""

    @operation(
        "getPurgeHistory",
        tag="purge",
        right=system("purge-audit", "list"),
        answers={200: PurgeHistorySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The purges there were, newest first."""
        rows = narrow(WORK.runs, request.query_params.get("q", ""), FIELDS)
        rows = order(rows, request.query_params.get("sort", ""), FIELDS, ("-number",))
        return pages.listed(request, rows, lambda jobs: PurgeHistorySerializer(map(shown, jobs), many=True).data)


class Purge(Resource):
    """`/system/purgeaudit/{purge_id}`."""

    @operation("getPurgeJob", tag="purge", right=system("purge-audit", "read"), answers={200: PurgeHistorySerializer})
    def get(self, request: Request, purge_id: int) -> Response:  # noqa: ARG002
        """One purge."""
        return Response(PurgeHistorySerializer(shown(WORK.run(purge_id))).data)

    @operation(
        "stopPurge",
        tag="purge",
        right=system("purge-audit", "stop"),
        answers={200: None},
        journal=("job.stop",),
        in_read_only=True,
    )
    def put(self, request: Request, purge_id: int) -> HttpResponse:  # noqa: ARG002
        """Ends a purge at its next step; what it has removed stays removed."""
        WORK.stop(purge_id, origin=self.origin)
        return self.done()


class PurgeLog(Resource):
    """`/system/purgeaudit/{purge_id}/log`."""

    @operation("getPurgeJobLog", tag="purge", right=system("purge-audit", "read"), answers=TEXT)
    def get(self, request: Request, purge_id: int) -> HttpResponse:  # noqa: ARG002
        """What a purge wrote."""
        return plain(log_of(WORK.run(purge_id)))


class PurgeSchedule(Resource):
    """`/system/purgeaudit/schedule`."""

    @operation(
        "getPurgeSchedule", tag="purge", right=system("purge-audit", "read"), answers={200: PurgeHistorySerializer}
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """When old entries are removed."""
        return Response(PurgeHistorySerializer(WORK.schedule()).data)

    @operation(
        "createPurgeSchedule",
        tag="purge",
        right=system("purge-audit", "create"),
        body=ScheduleSerializer,
        answers={201: None},
        journal=("schedule.set", "job.enqueue"),
        in_read_only=True,
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Sets the schedule, or with type Manual purges now."""
        job = WORK.set(self.read(ScheduleSerializer), origin=self.origin, new=True)
        return self.created(f"/system/purgeaudit/{job.number}" if job else "/system/purgeaudit/schedule")

    @operation(
        "updatePurgeSchedule",
        tag="purge",
        right=system("purge-audit", "update"),
        body=ScheduleSerializer,
        answers={200: None},
        journal=("schedule.set", "job.enqueue"),
        in_read_only=True,
    )
    def put(self, request: Request) -> HttpResponse:  # noqa: ARG002
        """Changes the schedule; type None ends it."""
        WORK.set(self.read(ScheduleSerializer), origin=self.origin, new=False)
        return self.done()


PATHS = {
    "system/purgeaudit": Purges,
    "system/purgeaudit/schedule": PurgeSchedule,
    "system/purgeaudit/<int:purge_id>": Purge,
    "system/purgeaudit/<int:purge_id>/log": PurgeLog,
}
