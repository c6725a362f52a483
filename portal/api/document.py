"""The OpenAPI document of the REST API."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request


class BasicAuthentication(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document calls our authentication."""

    target_class = "portal.api.wire.authentication.Authentication"
    name = "basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A name and a password, or a robot and its secret."""
        return {"type": "http", "scheme": "basic"}


class Document(SpectacularJSONAPIView):
    """`/api/v2.0/openapi.json`, for everyone: it tells no more than this code does."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, request: Request, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The document in the one of its media types that the caller prefers."""
        return HttpResponse(_rendered(), content_type=request.accepted_renderer.media_type)


@cache
def _rendered() -> bytes:
    """Made once: it takes a good part of a second, and anybody may ask for it."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return bytes(OpenApiJsonRenderer().render(document))


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Leaves out what stands outside of `/api/v2.0/`."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v2.0/")]
