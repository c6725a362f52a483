"""`/auditlog-exts` and `/audit-logs`: who did what, for administrators everywhere and for project admins in theirs.

The journal is told in Harbor's words; the export tells all of it, with the state before and after each change.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import BoundedSemaphore
from typing import Any, cast

from django.db.models import Max, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from audit.export import Format
from audit.export import rows as exported
from audit.models import Entry, EntryQuerySet
from audit.selectors import NEWEST_FIRST
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Condition, Field, Fields, asked, boolean, compare, moment, narrow, number
from portal.api.wire.rights import LOGGED_IN, of_project
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.auditing.events import EVENTS, LEGACY, SUCCEEDED, TYPES, described, event_of, succeeded
from portal.auditing.selectors import entries_of, entries_visible_to
from portal.errors import Invalid, TooOften, Unprocessable
from portal.projects.models import Project

SEARCHED = 50_000
"""How many of the newest entries are looked through for a part of a name, which no index helps to find."""

FORMATS: dict[str, tuple[Format, str]] = {"csv": ("csv", "text/csv"), "jsonl": ("json", "application/jsonl")}
# At once in this process: each has a batch of entries in memory until its client took it.
_EXPORTS = BoundedSemaphore(8)
_RETRY_SECONDS = 10


class AuditLogSerializer(Wire):
    """One thing that somebody did."""

    id = Whole()
    username = Text(source="actor")
    resource = Text(source="target")
    resource_type = Text()
    operation = Text()
    op_time = Moment(source="at")


class AuditLogExtSerializer(AuditLogSerializer):
    """One thing that somebody did, and whether it went well."""

    operation_description = Text()
    operation_result = Flag()


class AuditLogEventTypeSerializer(Wire):
    """A kind of thing that is recorded."""

    event_type = Text()


def _actions(wanted: Callable[[str], Any]) -> Callable[[QuerySet[Any], Condition], QuerySet[Any]]:
    """Narrows to the actions whose word in Harbor's vocabulary is one of those asked for, or has a part of it."""

    def narrowed(rows: QuerySet[Any], condition: Condition) -> QuerySet[Any]:
        def meant(action: str) -> bool:
            word = wanted(action)
            return any(text in word if condition.operator == "fuzzy" else text == word for text in condition.values)

        return rows.filter(action__in=[action for action in EVENTS if meant(action)])

    return narrowed


def _resource(rows: QuerySet[Any], condition: Condition) -> QuerySet[Any]:
    if condition.operator == "fuzzy":
        newest = Entry.objects.aggregate(newest=Max("id"))["newest"] or 0
        return rows.filter(id__gt=newest - SEARCHED, target__icontains=condition.values[0])
    return rows.filter(target__in=condition.values)


def _result(rows: QuerySet[Any], condition: Condition) -> QuerySet[Any]:
    if condition.operator != "exact":
        raise Invalid("q: op_result is true or false.")
    if boolean(condition.values[0]):
        return rows.filter(result__in=SUCCEEDED)
    # An index knows what is no plain success, as long as the query says just that.
    return rows.exclude(result="success").exclude(result__in=SUCCEEDED)


def _project(rows: QuerySet[Any], condition: Condition) -> QuerySet[Any]:
    projects = compare(Field("pk", number))(Project.objects.all(), condition)
    return entries_of(projects, cast("EntryQuerySet", rows))


FIELDS: Fields = {
    "id": Field("id", number),
    "username": Field("actor"),
    "op_time": Field("at", moment),
    "operation": Field(narrow=_actions(lambda action: event_of(action).operation)),
    "resource_type": Field(narrow=_actions(lambda action: event_of(action).resource_type)),
    "event_type": Field(narrow=_actions(lambda action: event_of(action).type)),
    "resource": Field(narrow=_resource),
    "project_id": Field(narrow=_project),
    "op_result": Field(narrow=_result),
}


def _told(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    for entry in entries:
        event = event_of(entry.action)
        entry.operation, entry.resource_type = event.operation, event.resource_type  # type: ignore[attr-defined]
        entry.operation_description = described(entry)  # type: ignore[attr-defined]
        entry.operation_result = succeeded(entry)  # type: ignore[attr-defined]
    return list(AuditLogExtSerializer(entries, many=True).data)


def _told_briefly(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    left_out = ("operation_description", "operation_result")
    return [{name: text for name, text in told.items() if name not in left_out} for told in _told(entries)]


class _Log(Resource):
    """What the two generations of the log share."""

    def listed(self, request: Request, rows: QuerySet[Entry], show: Callable[[Sequence[Entry]], Any]) -> Response:
        """The page asked for of the entries that meet `q`, newest first."""
        return pages.listed(request, asked(request, rows, FIELDS, NEWEST_FIRST), show)


class AuditLogExts(_Log):
    """`/auditlog-exts`."""

    @operation(
        "listAuditLogExts",
        tag="auditlog",
        right=LOGGED_IN,
        answers={200: AuditLogExtSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """What was done, newest first."""
        return self.listed(request, entries_visible_to(self.identity), _told)


class AuditLogs(_Log):
    """`/audit-logs`."""

    @operation(
        "listAuditLogs",
        tag="auditlog",
        right=LOGGED_IN,
        answers={200: AuditLogSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """What was done to projects, repositories, artifacts and tags, as older clients ask for it."""
        return self.listed(request, entries_visible_to(self.identity).filter(action__in=LEGACY), _told_briefly)


class AuditLogEventTypes(Resource):
    """`/auditlog-exts/events`."""

    @operation(
        "listAuditLogEventTypes",
        tag="auditlog",
        right=LOGGED_IN,
        answers={200: AuditLogEventTypeSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Every kind of thing that is recorded."""
        return Response([{"event_type": name} for name in TYPES])


class ProjectLogs(_Log):
    """`/projects/{project_name}/logs`."""

    @operation(
        "getLogs",
        tag="project",
        right=of_project("log", "list"),
        answers={200: AuditLogSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """What was done in a project to repositories, artifacts and tags, as older clients ask for it."""
        rows = entries_of(Project.objects.filter(pk=project.pk)).filter(action__in=LEGACY)
        return self.listed(request, rows, _told_briefly)


class ProjectLogExts(_Log):
    """`/projects/{project_name}/auditlog-exts`."""

    @operation(
        "getLogExts",
        tag="project",
        right=of_project("log", "list"),
        answers={200: AuditLogExtSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """What was done in a project, newest first."""
        return self.listed(request, entries_of(Project.objects.filter(pk=project.pk)), _told)


class _Export:
    """The rows of an export, which takes its place among the few that there are until it is closed. Raises TooOften."""

    def __init__(self, rows: Iterator[str]) -> None:
        if not _EXPORTS.acquire(blocking=False):
            raise TooOften(_RETRY_SECONDS)
        self._rows = rows

    def __iter__(self) -> Iterator[str]:
        return self._rows

    def close(self) -> None:
        """Gives the place back."""
        _EXPORTS.release()


class AuditLogExport(_Log):
    """`/auditlog-exts/export`, which Harbor does not have."""

    @operation(
        "exportAuditLogExts",
        tag="auditlog",
        right=LOGGED_IN,
        answers={(200, kind): OpenApiTypes.STR for _, kind in FORMATS.values()},
        parameters=[
            OpenApiParameter("q", str, description=f"Conditions as in lists, on: {', '.join(FIELDS)}."),
            OpenApiParameter("format", str, description="csv or jsonl.", enum=list(FORMATS), default="csv"),
        ],
    )
    def get(self, request: Request) -> HttpResponse | StreamingHttpResponse:
        """All that was recorded, with the state before and after, as a file."""
        wanted = request.query_params.get("format") or "csv"
        if wanted not in FORMATS:
            raise Unprocessable("format in query is csv or jsonl")
        form, media_type = FORMATS[wanted]
        rows = cast(
            "EntryQuerySet", narrow(entries_visible_to(self.identity), request.query_params.get("q", ""), FIELDS)
        )
        headers = {"Content-Disposition": f'attachment; filename="audit-log.{wanted}"'}
        return StreamingHttpResponse(_Export(exported(rows, form)), content_type=media_type, headers=headers)


PATHS = {
    "auditlog-exts": AuditLogExts,
    "auditlog-exts/events": AuditLogEventTypes,
    "auditlog-exts/export": AuditLogExport,
    "audit-logs": AuditLogs,
    "projects/<str:project_name>/logs": ProjectLogs,
    "projects/<str:project_name>/auditlog-exts": ProjectLogExts,
}
