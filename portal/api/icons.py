"""`/icons/{digest}`: pictures of artifacts."""

from base64 import b64encode

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import ANYONE
from portal.api.wire.serializers import Text, Wire
from portal.artifacts.icons import icon_of
from registry.oci.names import check_digest

IconSerializer = type(
    "IconSerializer",
    (Wire,),
    {"__doc__": "A picture, in base64.", "content": Text(), "content-type": serializers.CharField()},
)


class OneIcon(Resource):
    """`/icons/{digest}`."""

    @operation("getIcon", tag="icon", right=ANYONE, answers={200: IconSerializer})
    def get(self, request: Request, digest: str) -> Response:
        """A picture by its digest."""
        icon = icon_of(check_digest(digest))
        return Response({"content-type": icon.content_type, "content": b64encode(icon.content).decode()})


PATHS = {"icons/<str:digest>": OneIcon}
