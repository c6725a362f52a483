"""The four resources of work that recurs: its history, one run, that run's log, and the schedule.

They are the same for every kind of work but for the names of their operations.
"""

from dataclasses import dataclass

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.scheduled import FIELDS, ExecHistorySerializer, ScheduleSerializer, Work, log_of, shown
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.query import asked
from portal.api.wire.rights import Right, of_system

_CHANGES = ("schedule.set", "job.enqueue")


@dataclass(frozen=True, slots=True)
class Recurring:
    """Work with its path, the resource that rights name, and what Harbor calls the operations."""

    work: Work
    at: str
    tag: str
    resource: str
    serializer: type[ExecHistorySerializer]
    history: str
    run: str
    stop: str
    log: str
    schedule: str
    create: str
    update: str

    def right(self, action: str) -> Right:
        """The right to do that."""
        return of_system(self.resource, action)

    def paths(self) -> dict[str, type[Resource]]:
        """The paths with their resources."""
        return {
            self.at: _history(self),
            f"{self.at}/schedule": _schedule(self),
            f"{self.at}/<int:run>": _run(self),
            f"{self.at}/<int:run>/log": _log(self),
        }


def _history(of: Recurring) -> type[Resource]:
    class History(Resource):
        @operation(
            of.history,
            tag=of.tag,
            right=of.right("list"),
            answers={200: of.serializer(many=True)},
            listed=True,
            fields=FIELDS,
        )
        def get(self, request: Request) -> Response:
            """The runs there were, newest first."""
            rows = asked(request, of.work.runs, FIELDS, ("-number",))
            return pages.listed(request, rows, lambda jobs: of.serializer(map(shown, jobs), many=True).data)

    return History


def _run(of: Recurring) -> type[Resource]:
    class Run(Resource):
        @operation(of.run, tag=of.tag, right=of.right("read"), answers={200: of.serializer})
        def get(self, request: Request, run: int) -> Response:
            """One run, with what it was given and what came out."""
            return Response(of.serializer(shown(of.work.run(run))).data)

        @operation(
            of.stop, tag=of.tag, right=of.right("stop"), answers={200: None}, journal=("job.stop",), in_read_only=True
        )
        def put(self, request: Request, run: int) -> HttpResponse:
            """Ends a run at its next step; what it has done stays done."""
            of.work.stop(run, origin=self.origin)
            return self.done()

    return Run


def _log(of: Recurring) -> type[Resource]:
    class Log(Resource):
        @operation(of.log, tag=of.tag, right=of.right("read"), answers=TEXT)
        def get(self, request: Request, run: int) -> HttpResponse:
            """What a run wrote."""
            return plain(log_of(of.work.run(run)))

    return Log


def _schedule(of: Recurring) -> type[Resource]:
    class Schedule(Resource):
        @operation(of.schedule, tag=of.tag, right=of.right("read"), answers={200: of.serializer})
        def get(self, request: Request) -> Response:
            """When the work is done."""
            return Response(of.serializer(of.work.schedule()).data)

        @operation(
            of.create,
            tag=of.tag,
            right=of.right("create"),
            body=ScheduleSerializer,
            answers={201: None},
            journal=_CHANGES,
            in_read_only=True,
        )
        def post(self, request: Request) -> Response:
            """Sets the schedule in the place of any there was, or with type Manual begins a run now."""
            job = of.work.set(self.read(ScheduleSerializer), origin=self.origin)
            return self.created(f"/{of.at}/{job.number}" if job else f"/{of.at}/schedule")

        @operation(
            of.update,
            tag=of.tag,
            right=of.right("update"),
            body=ScheduleSerializer,
            answers={200: None},
            journal=_CHANGES,
            in_read_only=True,
        )
        def put(self, request: Request) -> HttpResponse:
            """Changes the schedule; type None ends it."""
            of.work.set(self.read(ScheduleSerializer), origin=self.origin)
            return self.done()

    return Schedule
