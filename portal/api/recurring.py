"""The four resources of work that recurs: its history, one run, that run's log, and the schedule.

They are the same for every kind of work but for the names, which `paths` puts on them.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.scheduled import FIELDS, ExecHistorySerializer, ScheduleSerializer, Work, log_of, shown
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.query import asked
from portal.api.wire.rights import of_system


class _Recurring(Resource):
    work: Work
    at: str
    serializer: type[ExecHistorySerializer]


class _History(_Recurring):
    def get(self, request: Request) -> Response:
        """The runs there were, newest first."""
        rows = asked(request, self.work.runs, FIELDS, ("-number",))
        return pages.listed(request, rows, lambda jobs: self.serializer(map(shown, jobs), many=True).data)


class _Run(_Recurring):
    def get(self, request: Request, run: int) -> Response:
        """One run, with what it was given and what came out."""
        return Response(self.serializer(shown(self.work.run(run))).data)

    def put(self, request: Request, run: int) -> HttpResponse:
        """Ends a run at its next step; what it has done stays done."""
        self.work.stop(run, origin=self.origin)
        return self.done()


class _Log(_Recurring):
    def get(self, request: Request, run: int) -> HttpResponse:
        """What a run wrote."""
        return plain(log_of(self.work.run(run)))


class _Schedule(_Recurring):
    def get(self, request: Request) -> Response:
        """When the work is done."""
        return Response(self.serializer(self.work.schedule()).data)

    def post(self, request: Request) -> Response:
        """Sets the schedule in the place of any there was, or with type Manual begins a run now."""
        job = self.work.set(self.read(ScheduleSerializer), origin=self.origin)
        return self.created(f"/{self.at}/{job.number}" if job else f"/{self.at}/schedule")

    def put(self, request: Request) -> HttpResponse:
        """Changes the schedule; type None ends it."""
        self.work.set(self.read(ScheduleSerializer), origin=self.origin)
        return self.done()


@dataclass(frozen=True, slots=True)
class Names:
    """What Harbor calls the operations."""

    history: str
    run: str
    stop: str
    log: str
    schedule: str
    create: str
    update: str


def paths(
    work: Work, at: str, *, tag: str, resource: str, serializer: type[ExecHistorySerializer], names: Names
) -> dict[str, type[Resource]]:
    """The paths below `at`, with the right on `resource` that each operation needs."""
    changing: dict[str, Any] = {"body": ScheduleSerializer, "journal": ("schedule.set", "job.enqueue")}
    stopping: dict[str, Any] = {"journal": ("job.stop",), "in_read_only": True}

    def declared(base: type[_Recurring], **operations: tuple[str, str, dict[str, Any]]) -> type[Resource]:
        methods = {
            method: operation(name, tag=tag, right=of_system(resource, action), **options)(getattr(base, method))
            for method, (name, action, options) in operations.items()
        }
        return type(base.__name__, (base,), {"work": work, "at": at, "serializer": serializer, **methods})

    one: dict[str, Any] = {"answers": {200: serializer}}
    all_of_them: dict[str, Any] = {"answers": {200: serializer(many=True)}, "listed": True, "fields": FIELDS}
    return {
        at: declared(_History, get=(names.history, "list", all_of_them)),
        f"{at}/schedule": declared(
            _Schedule,
            get=(names.schedule, "read", one),
            post=(names.create, "create", {"answers": {201: None}, "in_read_only": True, **changing}),
            put=(names.update, "update", {"answers": {200: None}, "in_read_only": True, **changing}),
        ),
        f"{at}/<int:run>": declared(
            _Run, get=(names.run, "read", one), put=(names.stop, "stop", {"answers": {200: None}, **stopping})
        ),
        f"{at}/<int:run>/log": declared(_Log, get=(names.log, "read", {"answers": TEXT})),
    }
