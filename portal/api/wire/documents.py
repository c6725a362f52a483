"""What the OpenAPI document says of every operation alike: the parameters of lists, and the refusals."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from portal.api.wire.query import Fields


class ErrorSerializer(serializers.Serializer[Any]):
    """One error: what kind it is, and what to do about it."""

    code = serializers.CharField()
    message = serializers.CharField()


class ErrorsSerializer(serializers.Serializer[Any]):
    """The envelope of every failure."""

    errors = ErrorSerializer(many=True)  # type: ignore[assignment] # The envelope's name, which DRF has for its own.


# The statuses with which any operation may refuse, each in the envelope.
_REFUSALS = {
    400: "The request cannot be understood.",
    401: "The credentials are missing or wrong.",
    403: "The caller may not do this.",
    404: "What the request names does not exist.",
    409: "It exists already, or somebody else changed it.",
    412: "The state of things forbids it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The request has not the form that the contract lays down.",
    429: "The caller asks too often.",
    503: "The database or the store is out of reach.",
}
REFUSALS = {status: OpenApiResponse(ErrorsSerializer, text) for status, text in _REFUSALS.items()}


def parameters_of(*, listed: bool, fields: Fields | None) -> list[OpenApiParameter]:
    """The query parameters of a list; `q` and `sort` where it can be narrowed."""
    if not listed:
        return []
    pages = [
        OpenApiParameter("page", int, description="Which page, from 1.", default=1),
        OpenApiParameter("page_size", int, description="Items to a page, at most 100; 0 or -1: all.", default=10),
    ]
    if not fields:
        return pages
    keys = ", ".join(fields)
    columns = ", ".join(name for name, known in fields.items() if known.column)
    return [
        OpenApiParameter("q", str, description=f"Conditions such as k=v, k=~v, k=[a~b], k={{a b}}, on: {keys}."),
        OpenApiParameter("sort", str, description=f"Such as name,-creation_time, by: {columns}."),
        *pages,
    ]
