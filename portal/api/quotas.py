"""`/quotas`: how much projects may hold. A quota has the id of its project."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Field, Fields, asked, moment, number
from portal.api.wire.rights import of_system
from portal.api.wire.serializers import Moment, Text, Whole, Wire
from portal.configuration.keys import UNLIMITED
from portal.errors import Invalid
from portal.projects.models import Project
from portal.quotas.selectors import LARGEST, quota_get, quotas
from portal.quotas.services import quota_update
from registry.selectors import usage, usages

PROJECT, STORAGE = "project", "storage"


def limit(text: str) -> int:
    """A limit as `quotas` compares it. Raises ValueError."""
    return LARGEST if (found := number(text)) == UNLIMITED else found


FIELDS: Fields = {
    "id": Field("pk", number),
    "hard.storage": Field("limit", limit),
    "used.storage": Field("used", number),
    "creation_time": Field("namespace__created_at", moment),
    "update_time": Field("updated_at", moment),
}

PARAMETERS = [
    OpenApiParameter("reference", str, description="What the quotas are of: project."),
    OpenApiParameter("reference_id", str, description="The id of that."),
]


class QuotaRefSerializer(Wire):
    """The project that a quota limits."""

    id = Whole()
    name = Text()
    owner_name = Text()


class QuotaSerializer(Wire):
    """Bytes allowed and bytes taken, under `storage`; -1 allows any number."""

    id = Whole()
    ref = QuotaRefSerializer()
    hard = serializers.DictField(child=Whole())
    used = serializers.DictField(child=Whole())
    creation_time = Moment()
    update_time = Moment()


class QuotaUpdateReqSerializer(Wire):
    """The limits from now on."""

    hard = serializers.DictField(child=Whole())


class Quotas(Resource):
    """`/quotas`."""

    @operation(
        "listQuotas",
        tag="quota",
        right=of_system("quota", "list"),
        answers={200: QuotaSerializer(many=True)},
        parameters=PARAMETERS,
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request) -> Response:
        """The quotas of all projects, the newest first."""
        query = request.query_params
        rows = asked(request, quotas(), FIELDS, ("-pk",))  # Numbers are given out as time goes by.
        if (query.get("reference") or PROJECT) != PROJECT:
            rows = rows.none()
        if query.get("reference_id"):
            rows = rows.filter(pk=_id(query["reference_id"]))
        return pages.listed(request, rows, _shown, whole=Project.objects.select_related("owner"))


class OneQuota(Resource):
    """`/quotas/{id}`."""

    @operation("getQuota", tag="quota", right=of_system("quota", "read"), answers={200: QuotaSerializer})
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - the contract's name
        """One quota."""
        project = quota_get(id)
        return Response(_show(project, usage(project.pk)))

    @operation(
        "updateQuota",
        tag="quota",
        right=of_system("quota", "update"),
        body=QuotaUpdateReqSerializer,
        answers={200: None},
        journal=("quota.update",),
    )
    def put(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 - the contract's name
        """Another limit; what is held already may be more."""
        project = quota_get(id)
        hard = self.read(QuotaUpdateReqSerializer)["hard"]
        if set(hard) != {STORAGE}:
            raise Invalid(f"A quota limits {STORAGE}, and nothing else.")
        quota_update(project=project, storage_limit=hard[STORAGE], origin=self.origin)
        return self.done()


def _id(text: str) -> int:
    try:
        return number(text)
    except ValueError:
        raise Invalid("reference_id is the number of a project.") from None


def _shown(projects: Any) -> list[Any]:
    used = usages([project.pk for project in projects])
    return [_show(project, used.get(project.pk, 0)) for project in projects]


def _show(project: Project, used: int) -> Any:
    owner = project.owner.username if project.owner else None
    shown = {
        "id": project.pk,
        "ref": {"id": project.pk, "name": project.name, "owner_name": owner},
        "hard": {STORAGE: project.storage_limit},
        "used": {STORAGE: used},
        "creation_time": project.created_at,
        "update_time": project.updated_at,
    }
    return QuotaSerializer(shown).data


PATHS = {
    "quotas": Quotas,
    "quotas/<int:id>": OneQuota,
}
