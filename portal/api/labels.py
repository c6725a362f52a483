"""`/labels`: global labels, which administrators keep, and those of projects."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Field, Fields, asked, moment, number
from portal.api.wire.rights import ANYONE, LOGGED_IN, Right, of_project, of_system
from portal.api.wire.serializers import Moment, Text, Whole, Wire, many
from portal.errors import Invalid
from portal.labels.models import Label
from portal.labels.services import label_create, label_delete, label_get, label_update
from portal.projects.models import Project


class LabelSerializer(Wire):
    """A label. `scope` is g for a global one, p for one of the project `project_id`."""

    id = Whole(read_only=True)
    name = Text(max_length=128, allow_blank=False)
    description = Text(default="")
    color = Text(default="")
    scope = serializers.ChoiceField(["g", "p"], required=False, allow_blank=True)
    project_id = Whole(default=0)
    creation_time = Moment(source="created_at", read_only=True)
    update_time = Moment(source="updated_at", read_only=True)


FIELDS: Fields = {
    "id": Field("id", number),
    "name": Field("name"),
    "description": Field("description"),
    "color": Field("color"),
    "creation_time": Field("created_at", moment),
    "update_time": Field("updated_at", moment),
}

PARAMETERS = [
    OpenApiParameter("name", str, description="Part of the name."),
    OpenApiParameter("scope", str, description="g for global labels, p for those of a project.", enum=["g", "p"]),
    OpenApiParameter("project_id", int, description="The project, with scope p."),
]


def right_on(label_project: Project | None, action: str) -> Right:
    """What is needed to do something to a label of the project, or to a global one, which anyone may see."""
    if label_project is not None:
        return of_project("label", action)
    return ANYONE if action == "read" else of_system("label", action)


class Labels(Resource):
    """`/labels`."""

    @operation(
        "ListLabels",
        tag="label",
        right=ANYONE,
        answers={200: LabelSerializer(many=True)},
        parameters=PARAMETERS,
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The labels of one scope."""
        query = request.query_params
        labels = self._in_scope(query.get("scope") or "g", query.get("project_id", ""))
        rows = asked(request, labels, FIELDS, ("name",))
        if query.get("name"):
            rows = rows.filter(name__icontains=query["name"])
        return pages.listed(request, rows, many(LabelSerializer))

    @operation(
        "CreateLabel",
        tag="label",
        right=LOGGED_IN,
        body=LabelSerializer,
        answers={201: None},
        journal=("label.create",),
    )
    def post(self, request: Request) -> Response:
        """A new label."""
        wanted = self.read(LabelSerializer)
        where = self._project(str(wanted["project_id"])) if wanted.get("scope") == "p" else None
        self.require(right_on(where, "create"), where)
        values = {name: wanted[name] for name in ("name", "description", "color")}
        label = label_create(**values, project=where, origin=self.origin)
        return self.created(f"/labels/{label.pk}")

    def _in_scope(self, scope: str, project_id: str) -> QuerySet[Label]:
        if scope not in {"g", "p"}:
            raise Invalid("scope is g or p.")
        if scope == "g":
            return Label.objects.filter(project=None)
        return Label.objects.filter(project=self._project(project_id))

    def _project(self, project_id: str) -> Project | None:
        if not project_id.isdecimal() or project_id == "0":
            raise Invalid("project_id is the number of a project.")
        found = self.project(project_id)
        self.require(of_project("label", "list"), found)
        return found


class OneLabel(Resource):
    """`/labels/{label_id}`."""

    @operation("GetLabelByID", tag="label", right=ANYONE, answers={200: LabelSerializer})
    def get(self, request: Request, label_id: int) -> Response:
        """One label."""
        return Response(LabelSerializer(self._label(label_id, "read")).data)

    @operation(
        "UpdateLabel",
        tag="label",
        right=LOGGED_IN,
        body=LabelSerializer,
        answers={200: None},
        journal=("label.update",),
    )
    def put(self, request: Request, label_id: int) -> HttpResponse:
        """Renames or describes the label anew."""
        label = self._label(label_id, "update")
        wanted = self.read(LabelSerializer)
        values: dict[str, Any] = {name: wanted[name] for name in ("name", "description", "color")}
        label_update(label=label, **values, origin=self.origin)
        return self.done()

    @operation("DeleteLabel", tag="label", right=LOGGED_IN, answers={200: None}, journal=("label.delete",))
    def delete(self, request: Request, label_id: int) -> HttpResponse:
        """Removes the label, and takes it off every artifact."""
        label_delete(label=self._label(label_id, "delete"), origin=self.origin)
        return self.done()

    def _label(self, label_id: int, action: str) -> Label:
        label = label_get(label_id)
        self.require(right_on(label.project, action), label.project)
        return label


PATHS = {
    "labels": Labels,
    "labels/<int:label_id>": OneLabel,
}
