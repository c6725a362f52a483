"""`/configurations`: what administrators configure."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.wire.operations import Resource, operation
from portal.api.wire.rights import of_system
from portal.api.wire.serializers import Flag, Text, Whole, Wire
from portal.configuration.keys import KEYS, Key
from portal.configuration.services import configuration_update, values
from portal.errors import Unprocessable

_FIELDS: dict[type, type[serializers.Field[Any, Any, Any, Any]]] = {bool: Flag, int: Whole, str: Text}


def _item(key: Key) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    return {"value": _FIELDS[type(key.default)](), "editable": Flag()}


class ScanAllPolicySerializer(Wire):
    """When everything is scanned, the one value that says nothing of being editable: it is set elsewhere."""

    type = Text()


SCAN_ALL = {"type": "none"}  # Scanning does not stand yet.

# One serializer for each direction, made from the table of keys.
ConfigurationsSerializer: type[Wire] = type(
    "ConfigurationsSerializer",
    (Wire,),
    {
        "__doc__": "Values to set; keys left out stay as they are.",
        **{name: _FIELDS[type(key.default)](required=False, allow_null=True) for name, key in KEYS.items()},
    },
)
_ITEMS = {
    kind: type(f"{name}ConfigItem", (Wire,), _item(Key(kind())))
    for kind, name in {bool: "Bool", int: "Integer", str: "String"}.items()
}
ConfigurationsResponseSerializer: type[Wire] = type(
    "ConfigurationsResponseSerializer",
    (Wire,),
    {
        "__doc__": "Every key with its value, and whether it can be changed. Secrets are left out.",
        **{name: _ITEMS[type(key.default)](required=False) for name, key in KEYS.items() if not key.secret},
        "scan_all_policy": ScanAllPolicySerializer(required=False),
    },
)


class Configurations(Resource):
    """`/configurations`."""

    @operation(
        "getConfigurations",
        tag="configure",
        right=of_system("configuration", "read"),
        answers={200: ConfigurationsResponseSerializer},
    )
    def get(self, request: Request) -> Response:
        """The configuration in force."""
        return Response(_items() | {"scan_all_policy": SCAN_ALL})

    @operation(
        "updateConfigurations",
        tag="configure",
        right=of_system("configuration", "update"),
        body=ConfigurationsSerializer,
        answers={200: None},
        journal=("configuration.update",),
        in_read_only=True,
    )
    def put(self, request: Request) -> HttpResponse:
        """Sets the keys in the body; the others stay as they are. Keys that there are not are ignored."""
        if request.stream is None:
            raise Unprocessable("The body must be a JSON object with the keys to set.")
        wanted = self.read(ConfigurationsSerializer)
        given = {name: wanted[name] for name in wanted if wanted[name] is not None}
        configuration_update(changes=given, origin=self.origin)
        return self.done()


class InternalConfigurations(Resource):
    """`/internalconfig`."""

    @operation(
        "getInternalconfig",
        tag="configure",
        right=of_system("configuration", "read"),
        answers={200: ConfigurationsResponseSerializer},
    )
    def get(self, request: Request) -> Response:
        """The same under its older name; there are no values that only the inside may see."""
        return Response(_items())


def _items() -> dict[str, dict[str, Any]]:
    present = values()
    return {
        name: {"value": key.show(present[name]), "editable": key.editable}
        for name, key in KEYS.items()
        if not key.secret
    }


PATHS = {
    "configurations": Configurations,
    "internalconfig": InternalConfigurations,
}
