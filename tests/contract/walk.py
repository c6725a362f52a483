"""Calls operations of the contract by their id, and holds each answer to it."""

from typing import Any
from urllib.parse import quote

import requests

from tests.contract.schema import BASE, OPERATIONS, check
from tests.support.api import Api

# A body that breaks a rule gets the one, a body that is not of the form the other; which is which is no client's concern.
REFUSED = (400, 422)


class Caller(Api):
    """A caller who names operations by their id: `admin("getProject", 200, project_name_or_id="library")`."""

    def __call__(
        self, operation_id: str, expected: int | tuple[int, ...], *, body: Any = None, **parameters: Any
    ) -> requests.Response:
        """Calls an operation; its `parameters` go where the contract says they belong, headers with underscores.

        Asserts the status, or one of several, and that the contract allows the whole answer.
        """
        operation = OPERATIONS[operation_id]
        path, sent = operation.path, {"query": {}, "header": {"Accept": ", ".join(operation.produces)}}
        for name, value in parameters.items():
            told = operation.parameter(name.replace("_", "-") if name.startswith("X_") else name)
            if told["in"] == "path":
                path = path.replace(f"{{{name}}}", in_path(name, value))
            else:
                sent[told["in"]][told["name"]] = _text(value)
        answer = self.request(operation.method, BASE + path, params=sent["query"], headers=sent["header"], json=body)
        allowed = (expected,) if isinstance(expected, int) else expected
        call = f"{operation_id} {parameters}"
        assert answer.status_code in allowed, f"{call}: {answer.status_code}, not {expected}: {answer.text[:2000]}"
        check(operation_id, answer)
        return answer


def in_path(name: str, value: object) -> str:
    """A value as it stands in a path; the slashes of a repository's name are escaped twice over."""
    text = quote(str(value), safe="")
    return quote(text, safe="") if name == "repository_name" else text


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
