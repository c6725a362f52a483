"""How an operation of the API is declared and run.

A resource is a class with one method for each HTTP method. `operation` says of each what it is called, what right it
needs, what it takes, what it answers and what it leaves in the journal; the OpenAPI document and the tests read the
same declaration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from audit.origin import Origin
from portal import limits
from portal.access.identity import ANONYMOUS, Identity
from portal.api.wire.authentication import Authentication
from portal.api.wire.documents import REFUSALS, parameters_of
from portal.api.wire.query import Fields
from portal.api.wire.rights import Right, require
from portal.clients import client_of_request
from portal.configuration.services import value
from portal.errors import Invalid, TooOften, Unprocessable
from portal.projects.models import Project
from portal.projects.selectors import project_named
from registry.oci.errors import Code as OCICode
from registry.oci.errors import OCIError

SAFE = ("GET", "HEAD")
Method = TypeVar("Method", bound=Callable[..., HttpResponseBase])
# Status, or status and media type -> a serializer, a type of OpenAPI, or None for no body.
Answers = Mapping[int, Any] | Mapping[tuple[int, str], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration of one operation.

    journal: the actions one of which a success leaves in the journal; an operation that changes nothing although its
        method may has the reason in `changes_nothing`.
    in_read_only: whether it works while the registry is read-only.
    """

    id: str
    tag: str
    right: Right
    journal: tuple[str, ...] = ()
    changes_nothing: str = ""
    in_read_only: bool = False
    answers: Answers = field(default_factory=dict)


def operation(
    name: str,
    *,
    tag: str,
    right: Right,
    answers: Answers,
    body: type[BaseSerializer[Any]] | BaseSerializer[Any] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    listed: bool = False,
    fields: Fields | None = None,
    journal: tuple[str, ...] = (),
    changes_nothing: str = "",
    in_read_only: bool = False,
) -> Callable[[Method], Method]:
    """Declares a method of a `Resource`.

    name: Harbor's operationId. tag: the group it belongs to. listed: it answers pages; `fields` are what `q` and `sort`
    know there. A method whose right is a project's takes the `project` instead of its name or id.
    """
    declared = Operation(name, tag, right, journal, changes_nothing, in_read_only, answers)

    def declare(method: Method) -> Method:
        @wraps(method)
        def run(self: "Resource", request: Request, **path: Any) -> HttpResponseBase:
            return method(self, request, **self.admit(declared, path))

        run.operation = declared  # type: ignore[attr-defined]
        summary, _, more = (method.__doc__ or "").partition("\n")
        return extend_schema(  # type: ignore[return-value]
            operation_id=name,
            tags=[tag],
            summary=summary.rstrip("."),
            description=more.strip() or summary,
            request=body,
            responses={**REFUSALS, **answers},
            parameters=[*parameters, *parameters_of(listed=listed, fields=fields)],
        )(run)

    return declare


class _OneForm(DefaultContentNegotiation):
    """An answer has one form, whatever a client says it accepts: some ask for the form of the success they expect only."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first."""
        return renderers[0], renderers[0].media_type


class Resource(APIView):
    """The base of every resource: JSON in and out, our authentication, our errors."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (Authentication,)
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = _OneForm
    http_method_names = ("get", "head", "post", "put", "patch", "delete")
    identity: Identity
    origin: Origin

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Finds out who is calling, and slows down who calls too often."""
        super().initial(request, *args, **kwargs)
        client = client_of_request(request._request)  # noqa: SLF001
        self.identity = cast("Identity | None", request.user) or ANONYMOUS
        client.actor = self.identity.name
        self.origin = client.origin(self.identity)
        kind = "anonymous" if self.identity is ANONYMOUS else "api"
        if wait := limits.check(limits.caller_key(self.identity.name, self.identity.kind, client.address), kind):
            raise TooOften(wait)

    def admit(self, declared: Operation, path: dict[str, Any]) -> dict[str, Any]:
        """Refuses who may not; the parameters of the path, with the project in the place of its name or id."""
        for name, text in [*path.items(), *self.request.query_params.items()]:
            if isinstance(text, str) and "\0" in text:
                raise Invalid(f"{name} must not contain NUL.")
        if declared.right.scope == "project":
            path = dict(path)
            by_name = path.pop("project_name", None)
            found = self.project(by_name or path.pop("project_name_or_id"), by_name=by_name is not None)
            require(self.identity, declared.right, found)
            path["project"] = found
        else:
            require(self.identity, declared.right)
        if self.request.method not in SAFE and not declared.in_read_only and value("read_only"):
            raise OCIError(OCICode.DENIED, "The registry is read-only at the moment: nothing can be changed.")
        return path

    def project(self, name_or_id: str, *, by_name: bool = False) -> Project | None:
        """The project of that name, or of that id where a number may be one; None when there is none."""
        by_name = by_name or self.request.headers.get("X-Is-Resource-Name", "").lower() == "true"
        return project_named(name_or_id, or_id=not by_name)

    def require(self, right: Right, where: Project | None = None) -> None:
        """For rights that depend on the body or on what the path means. Raises Unauthorized or Forbidden."""
        require(self.identity, right, where)

    def read(self, serializer: type[BaseSerializer[Any]], **options: Any) -> Any:
        """The body, validated. Raises Unprocessable where it is not what the contract says."""
        data = self.said(nulls=False)
        if not isinstance(data, dict) and not options.get("many"):
            raise Unprocessable("The body must be a JSON object.")
        parsed = serializer(data=data, **options)
        parsed.is_valid(raise_exception=True)
        return parsed.validated_data

    def said(self, *, nulls: bool = True) -> Any:
        """The JSON of the body; without `nulls` a member that is null is as if it were left out. Raises Invalid."""
        try:
            return self.request.data if nulls else _said(self.request.data)
        except RecursionError:
            raise Invalid("The body is nested too deeply.") from None

    def created(self, path: str, body: Any = None) -> Response:
        """201 with the address of what was made: clients take its id from there."""
        return Response(body, status=201, headers={"Location": f"/api/v2.0{path}"})

    def done(self, status: int = 200) -> HttpResponse:
        """A success that has nothing to tell."""
        response = HttpResponse(status=status)
        del response["Content-Type"]
        return response

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Not offered: the OpenAPI document says what there is."""
        return self.http_method_not_allowed(request)


def _said(data: Any) -> Any:
    """JSON without the members that are null."""
    if isinstance(data, dict):
        return {name: _said(value) for name, value in data.items() if value is not None}
    return [_said(item) for item in data] if isinstance(data, list) else data
