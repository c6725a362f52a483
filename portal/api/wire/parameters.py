"""What the query of a URL says: switches and numbers. Raises Unprocessable for anything else."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.api.wire.query import boolean
from portal.errors import Unprocessable


def switch(name: str, description: str, *, default: bool = False) -> OpenApiParameter:
    """A parameter that is true or false."""
    return OpenApiParameter(name, bool, description=description, default=default)


def switched(request: Request, name: str, *, default: bool = False) -> bool:
    """Whether a parameter is on. Raises Unprocessable."""
    value = request.query_params.get(name, "")
    try:
        return boolean(value) if value else default
    except ValueError:
        raise Unprocessable(f"{name} in query is true or false") from None


def whole(request: Request, name: str, default: int) -> int:
    """A whole number. Raises Unprocessable."""
    value = request.query_params.get(name, "")
    try:
        return int(value) if value else default
    except ValueError:
        raise Unprocessable(f"{name} in query is a whole number") from None
