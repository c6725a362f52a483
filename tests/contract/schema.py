"""Reads the contract, and validates answers against it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import jsonschema

DOCUMENT: dict[str, Any] = json.loads(Path(__file__).with_name("harbor.json").read_text())
BASE: str = DOCUMENT["basePath"]

# Groups of operations that do not stand yet: each answers 501.
LATER_TAGS = frozenset({
    "registry", "replication", "preheat", "scan", "scanner", "scanAll", "securityhub", "scan data export", "Ldap", "oidc"
})  # fmt: skip
# Operations of the same kind that Harbor filed under other tags.
LATER_OPERATIONS = frozenset({"getVulnerabilitiesAddition"})

# What any operation may answer although the contract does not name it there: the request is malformed or not allowed,
# what the path names is missing, the caller is too fast, the server is not up to it.
ALWAYS = frozenset({400, 401, 403, 404, 405, 413, 415, 422, 429, 503})

# Statuses beyond the contract, which Harbor answers all the same, with the reason.
_IMMUTABLE = {412: "an immutable tag stands in the way"}
EXTRA_STATUSES: Mapping[str, Mapping[int, str]] = {
    "CopyArtifact": _IMMUTABLE,
    "CreateRobot": {409: "the name is taken"},
    "deleteArtifact": _IMMUTABLE,
    "deleteTag": _IMMUTABLE,
}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date-time")
def _is_time(value: object) -> bool:
    """RFC 3339, as Go's clients parse it."""
    return not isinstance(value, str) or _TIME.fullmatch(value) is not None


@_formats.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@_formats.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


class Answer(Protocol):
    """What `requests` and `httpx` have in common."""

    status_code: int
    content: bytes
    text: str

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


@dataclass(frozen=True)
class Operation:
    """One operation of the contract, its references resolved."""

    id: str
    method: str
    path: str
    tag: str
    parameters: tuple[dict[str, Any], ...]
    responses: Mapping[int, dict[str, Any]]
    produces: tuple[str, ...]

    @property
    def later(self) -> bool:
        """Whether it does not stand yet and answers 501."""
        return self.tag in LATER_TAGS or self.id in LATER_OPERATIONS

    def parameter(self, name: str) -> dict[str, Any]:
        """The parameter of that name. Raises AssertionError."""
        found = [parameter for parameter in self.parameters if parameter["name"] == name]
        assert found, f"{self.id} has no parameter {name}"
        return found[0]


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a shared parameter or response stands for."""
    if "$ref" not in value:
        return value
    _, section, name = value["$ref"].split("/")
    found: dict[str, Any] = DOCUMENT[section][name]
    return found


def _operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, told in methods.items():
            yield Operation(
                id=told["operationId"],
                method=method.upper(),
                path=path,
                tag=told["tags"][0],
                parameters=tuple(_resolved(parameter) for parameter in told["parameters"]),
                responses={int(status): _resolved(response) for status, response in told["responses"].items()},
                produces=tuple(told.get("produces", DOCUMENT["produces"])),
            )


OPERATIONS: Mapping[str, Operation] = {operation.id: operation for operation in _operations()}
DELIVERED = {name: operation for name, operation in OPERATIONS.items() if not operation.later}
LATER = {name: operation for name, operation in OPERATIONS.items() if operation.later}


# --- Swagger's schemas as JSON Schema -------------------------------------------------------------------------------------
def _translated(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of the contract as JSON Schema for answers.

    Beyond what Swagger asks, an object has no member that the contract does not know, and has each one that Harbor
    never omits. An object without members stands for any JSON, as in Harbor's own generator.
    """
    if "$ref" in schema:
        found = {"$ref": schema["$ref"]}
    elif "properties" in schema:
        found = _object(schema)
    elif isinstance(schema.get("additionalProperties"), dict):
        found = {"type": "object", "additionalProperties": _translated(schema["additionalProperties"])}
    elif schema.get("type", "object") == "object":
        found = {}
    else:
        found = {key: schema[key] for key in ("type", "format", "enum", "minimum", "maximum") if key in schema}
        if "items" in schema:
            found["items"] = _translated(schema["items"])
    return {"anyOf": [found, {"type": "null"}]} if schema.get("x-nullable") else found


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    members = schema["properties"]
    always = {name for name, member in members.items() if member.get("x-omitempty") is False}
    return {
        "type": "object",
        "properties": {name: _translated(member) for name, member in members.items()},
        "required": sorted(always | set(schema.get("required", ()))),
        "additionalProperties": False,
    }


@cache
def _definitions() -> dict[str, Any]:
    return {name: _translated(schema) for name, schema in DOCUMENT["definitions"].items()}


def complaints(schema: Mapping[str, Any], value: object) -> list[str]:
    """What is wrong with a value by a schema of the contract, each with the place where."""
    whole = {**_translated(schema), "definitions": _definitions()}
    validator = jsonschema.Draft7Validator(whole, format_checker=_formats)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


# --- Answers --------------------------------------------------------------------------------------------------------------
def check(operation_id: str, answer: Answer) -> None:
    """Raises AssertionError unless the contract allows this answer of the operation, with all that is wrong with it."""
    wrong = list(_wrong(OPERATIONS[operation_id], answer))
    assert not wrong, "\n".join([f"{operation_id} answers {answer.status_code}", *wrong, answer.text[:2000]])


def _wrong(operation: Operation, answer: Answer) -> Iterator[str]:
    status = answer.status_code
    if not answer.headers.get("X-Request-Id"):
        yield "the header X-Request-Id is missing"
    if operation.later and status == 501:
        yield from _body({"$ref": "#/definitions/Errors"}, answer)
        return
    known = {code for code in operation.responses if code < 500}  # Harbor's contract foresees its own failures.
    if status not in known | ALWAYS | EXTRA_STATUSES.get(operation.id, {}).keys():
        yield f"the contract knows only {sorted(known)}"
    # All refusals have the same envelope, whatever the contract says of each.
    told = DOCUMENT["responses"]["400"] if status >= 400 else operation.responses.get(status, {})
    yield from _headers(told, answer)
    if operation.method == "HEAD":
        if answer.content:
            yield "an answer to HEAD has no body"
    elif status >= 400 or "application/json" in operation.produces:
        yield from _body(told.get("schema"), answer)
    elif answer.content and not answer.headers.get("Content-Type", "").startswith(operation.produces):
        yield f"Content-Type is {answer.headers.get('Content-Type')}, not {operation.produces}"


def _headers(told: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    for name, schema in told.get("headers", {}).items():
        value = answer.headers.get(name)
        if value is None:
            # There is a Link only where there is another page.
            if name != "Link":
                yield f"the header {name} is missing"
        elif schema["type"] == "integer" and not value.isdecimal():
            yield f"the header {name} is {value!r}, not a number"
    location = answer.headers.get("Location")
    if location and not location.startswith(f"{BASE}/"):
        yield f"Location is {location!r}: clients strip {BASE} from a path"
    for target in re.findall(r"<([^>]*)>", answer.headers.get("Link", "")):
        if not target.startswith(f"{BASE}/"):
            yield f"Link leads to {target!r}, not below {BASE}"


def _body(schema: Mapping[str, Any] | None, answer: Answer) -> Iterator[str]:
    if schema is None:
        if answer.content:
            yield "the contract knows no body here"
        return
    if schema.get("type") in {"string", "file"}:
        return  # A document of any kind, such as a README, under its own Content-Type.
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        yield f"Content-Type is {answer.headers.get('Content-Type')}, not application/json"
        return
    try:
        body = answer.json()
    except ValueError:
        yield "the body is not JSON"
        return
    yield from complaints(schema, body)
    if answer.status_code >= 400 and not (isinstance(body, dict) and body.get("errors")):
        yield "a failure tells at least one error"
