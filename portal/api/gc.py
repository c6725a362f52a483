"""`/system/gc`: garbage collection by hand and by schedule, and its history."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.scheduled import FIELDS, ExecHistorySerializer, ScheduleSerializer, Work, log_of, shown
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.query import narrow, order
from portal.api.wire.rights import system

WORK = Work("registry.gc", {"delete_untagged": False, "dry_run": False, "workers": 1}, {"workers": range(1, 11)})


class GCHistorySerializer(ExecHistorySerializer):
    """A garbage collection; `job_parameters` tells in JSON what it was given and what it freed."""


class GarbageCollections(Resource):
    """`/system/gc`."""

    @operation(
        "getGCHistory",
        tag="gc",
        right=system("garbage-collection", "list"),
        answers={200: GCHistorySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The collections there were, newest first."""
        rows = narrow(WORK.runs, request.query_params.get("q", ""), FIELDS)
        rows = order(rows, request.query_params.get("sort", ""), FIELDS, ("-number",))
        return pages.listed(request, rows, lambda jobs: GCHistorySerializer(map(shown, jobs), many=True).data)


class GarbageCollection(Resource):
    """`/system/gc/{gc_id}`."""

    @operation("getGC", tag="gc", right=system("garbage-collection", "read"), answers={200: GCHistorySerializer})
    def get(self, request: Request, gc_id: int) -> Response:  # noqa: ARG002
        """One collection."""
        return Response(GCHistorySerializer(shown(WORK.run(gc_id))).data)

    @operation(
        "stopGC",
        tag="gc",
        right=system("garbage-collection", "stop"),
        answers={200: None},
        journal=("job.stop",),
        in_read_only=True,
    )
    def put(self, request: Request, gc_id: int) -> HttpResponse:  # noqa: ARG002
        """Ends a collection at its next step; what it has freed stays freed."""
        WORK.stop(gc_id, origin=self.origin)
        return self.done()


class GarbageCollectionLog(Resource):
    """`/system/gc/{gc_id}/log`."""

    @operation("getGCLog", tag="gc", right=system("garbage-collection", "read"), answers=TEXT)
    def get(self, request: Request, gc_id: int) -> HttpResponse:  # noqa: ARG002
        """What a collection wrote."""
        return plain(log_of(WORK.run(gc_id)))


class GarbageCollectionSchedule(Resource):
    """`/system/gc/schedule`."""

    @operation(
        "getGCSchedule", tag="gc", right=system("garbage-collection", "read"), answers={200: GCHistorySerializer}
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """When garbage is collected."""
        return Response(GCHistorySerializer(WORK.schedule()).data)

    @operation(
        "createGCSchedule",
        tag="gc",
        right=system("garbage-collection", "create"),
        body=ScheduleSerializer,
        answers={201: None},
        journal=("schedule.set", "job.enqueue"),
        in_read_only=True,
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """Sets the schedule, or with type Manual collects now."""
        job = WORK.set(self.read(ScheduleSerializer), origin=self.origin, new=True)
        return self.created(f"/system/gc/{job.number}" if job else "/system/gc/schedule")

    @operation(
        "updateGCSchedule",
        tag="gc",
        right=system("garbage-collection", "update"),
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
    "system/gc": GarbageCollections,
    "system/gc/schedule": GarbageCollectionSchedule,
    "system/gc/<int:gc_id>": GarbageCollection,
    "system/gc/<int:gc_id>/log": GarbageCollectionLog,
}
