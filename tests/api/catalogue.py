"""Every operation of the REST API, as its modules declare them."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.api import later
from portal.api.urls import MODULES
from portal.api.wire.operations import Operation

METHODS = ("get", "head", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Declared:
    """An operation with its place: `PUT labels/<int:label_id>`."""

    method: str
    path: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.method} /{self.path} ({self.operation.id})"


def declared() -> Iterator[Declared]:
    """The operations that stand."""
    for module in MODULES:
        if module is later:
            continue
        for path, view in module.PATHS.items():
            for method in METHODS:
                handler = getattr(view, method, None)
                if handler is not None:
                    assert hasattr(handler, "operation"), f"{method} of {path} is not declared as an operation"
                    yield Declared(method.upper(), path, handler.operation)
