"""What the system says of itself: `/systeminfo`, its volumes and certificate, `/health` and `/ping`."""

from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from portal.access.identity import ANONYMOUS
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.rights import ANYONE, of_system
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.configuration.services import values
from portal.errors import Missing
from portal.harbor import VERSION
from portal.health import report
from registry.store import store


class GeneralInfoSerializer(Wire):
    """What clients need to know beforehand; those who are logged in are told more."""

    banner_message = Text(required=False)
    current_time = Moment(required=False)
    registry_url = Text(required=False)
    external_url = Text(required=False)
    auth_mode = Text(required=False)
    primary_auth_mode = Flag(required=False)
    project_creation_restriction = Text(required=False)
    self_registration = Flag(required=False)
    has_ca_root = Flag(required=False)
    harbor_version = Text(required=False)
    registry_storage_provider_name = Text(required=False)
    read_only = Flag(required=False)  # type: ignore[assignment] # The contract's name, which DRF has for its own.
    notification_enable = Flag(required=False)


class StorageSerializer(Wire):
    """Bytes of one volume."""

    total = Whole()
    free = Whole()


class SystemInfoSerializer(Wire):
    """The volumes that hold blobs."""

    storage = StorageSerializer(many=True)


class ComponentHealthSerializer(Wire):
    """Whether one part works."""

    name = Text()
    status = Text()
    error = Text(required=False)


class HealthSerializer(Wire):
    """Whether all parts work."""

    status = Text()
    components = ComponentHealthSerializer(many=True)


class SystemInfo(Resource):
    """`/systeminfo`."""

    @operation("getSystemInfo", tag="systeminfo", right=ANYONE, answers={200: GeneralInfoSerializer})
    def get(self, request: Request) -> Response:
        """What clients need to know beforehand."""
        configured = values()
        told = ["auth_mode", "primary_auth_mode", "self_registration", "banner_message"]
        if self.identity is not ANONYMOUS:
            told += ["project_creation_restriction", "read_only", "notification_enable"]
        info = {name: configured[name] for name in told}
        return Response(info if self.identity is ANONYMOUS else info | _inside())


def _inside() -> dict[str, object]:
    scheme, _, host = settings.EXTERNAL_URL.partition("://")
    return {
        "harbor_version": VERSION,
        "external_url": f"{scheme}://{host}",
        "registry_url": host,
        "has_ca_root": _ca_root() is not None,
        "registry_storage_provider_name": settings.STORAGE_URL.partition(":")[0].replace("file", "filesystem"),
        "current_time": timezone.now(),
    }


class Volumes(Resource):
    """`/systeminfo/volumes`."""

    @operation(
        "getVolumes", tag="systeminfo", right=of_system("system-volumes", "read"), answers={200: SystemInfoSerializer}
    )
    def get(self, request: Request) -> Response:
        """How much room there is for blobs; 0 where the store cannot say."""
        space = store().space()
        return Response({"storage": [{"total": space.total if space else 0, "free": space.free if space else 0}]})


class Certificate(Resource):
    """`/systeminfo/getcert`."""

    @operation("getCert", tag="systeminfo", right=ANYONE, answers={200: OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        """The certificate of the authority that signed ours, where the operator has put one beside the data."""
        path = _ca_root()
        if path is None:
            raise Missing("No certificate of an authority is offered for download here.")
        headers = {"Content-Disposition": "attachment; filename=ca.crt"}
        return HttpResponse(path.read_bytes(), content_type="application/octet-stream", headers=headers)


def _ca_root() -> Path | None:
    path = Path(settings.DATA_DIR) / "ca.crt"
    return path if path.is_file() else None


class Health(Resource):
    """`/health`. Probes ask for it, whatever credentials they were given once."""

    authentication_classes = ()

    @operation("getHealth", tag="health", right=ANYONE, answers={200: HealthSerializer})
    def get(self, request: Request) -> Response:
        """The state of each component. The status is 200 even when one is ill, as Harbor's clients expect."""
        return Response(report(), headers={"Cache-Control": "no-store"})


class Ping(Resource):
    """`/ping`."""

    authentication_classes = ()

    @operation("getPing", tag="ping", right=ANYONE, answers=TEXT)
    def get(self, request: Request) -> HttpResponse:
        """Says that the server answers."""
        return plain("Pong")


PATHS = {
    "systeminfo": SystemInfo,
    "systeminfo/volumes": Volumes,
    "systeminfo/getcert": Certificate,
    "health": Health,
    "ping": Ping,
}
