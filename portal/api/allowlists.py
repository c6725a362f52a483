"""`/system/CVEAllowlist`: the vulnerabilities that the whole registry accepts."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from portal.allowlists.selectors import allowlist_of
from portal.allowlists.services import allowlist_set
from portal.api.project_shapes import CVEAllowlistSerializer, shown_allowlist, wanted_allowlist
from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import LOGGED_IN, of_system


class SystemAllowlist(Resource):
    """`/system/CVEAllowlist`."""

    @operation(
        "getSystemCVEAllowlist",
        tag="SystemCVEAllowlist",
        right=LOGGED_IN,
        answers={200: CVEAllowlistSerializer},
    )
    def get(self, request: Request) -> Response:
        """The list."""
        return Response(shown_allowlist(allowlist_of(None), 0))

    @operation(
        "putSystemCVEAllowlist",
        tag="SystemCVEAllowlist",
        right=of_system("configuration", "update"),
        body=CVEAllowlistSerializer,
        answers={200: None},
        journal=("allowlist.update",),
    )
    def put(self, request: Request) -> HttpResponse:
        """Replaces the list."""
        wanted = wanted_allowlist(self.read(CVEAllowlistSerializer))
        allowlist_set(project=None, **wanted, origin=self.origin)
        return self.done()


PATHS = {"system/CVEAllowlist": SystemAllowlist}
