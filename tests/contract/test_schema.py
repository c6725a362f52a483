"""The contract itself, and the validator that holds answers to it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.schema import DELIVERED, LATER, OPERATIONS, check


@dataclass
class Reply:
    """An answer made by hand."""

    status_code: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.content = b"" if self.body is None else json.dumps(self.body).encode()
        self.text = self.content.decode()
        self.headers = {"X-Request-Id": "1", "Content-Type": "application/json; charset=utf-8"} | self.headers

    def json(self) -> Any:
        return self.body


LABEL = {"id": 1, "name": "label", "scope": "g", "creation_time": "2026-01-02T03:04:05.678Z"}
TAG = {"id": 1, "name": "latest", "immutable": False}
COUNT = {"X-Total-Count": "1"}
REFUSAL = {"errors": [{"code": "BAD_REQUEST", "message": "No."}]}


def test_the_contract_is_whole():
    assert len(OPERATIONS) == 203
    assert (len(DELIVERED), len(LATER)) == (135, 68)


@pytest.mark.parametrize(
    ("operation_id", "reply"),
    [
        ("GetLabelByID", Reply(200, LABEL)),
        ("ListLabels", Reply(200, [LABEL], COUNT)),
        ("CreateLabel", Reply(201, headers={"Location": "/api/v2.0/labels/1"})),
        ("GetLabelByID", Reply(503, REFUSAL)),
        ("getReportLog", Reply(501, REFUSAL)),
        ("headProject", Reply(404)),
    ],
)
def test_what_the_contract_says_is_accepted(operation_id: str, reply: Reply):
    check(operation_id, reply)


@pytest.mark.parametrize(
    ("operation_id", "reply", "complaint"),
    [
        ("GetLabelByID", Reply(204), "the contract knows only"),
        ("GetLabelByID", Reply(501, REFUSAL), "the contract knows only"),
        ("GetLabelByID", Reply(500, REFUSAL), "the contract knows only"),
        ("GetLabelByID", Reply(200, LABEL, {"X-Request-Id": ""}), "X-Request-Id is missing"),
        ("GetLabelByID", Reply(200, LABEL | {"shade": 1}), "'shade' was unexpected"),
        ("GetLabelByID", Reply(200, LABEL | {"id": "1"}), "$.id: '1' is not of type 'integer'"),
        ("GetLabelByID", Reply(200, LABEL | {"creation_time": "today"}), "is not a 'date-time'"),
        ("GetLabelByID", Reply(200, LABEL, {"Content-Type": "text/html"}), "Content-Type is text/html"),
        ("listTags", Reply(200, [{"id": 1}], COUNT), "'immutable' is a required property"),
        ("listTags", Reply(200, [TAG]), "X-Total-Count is missing"),
        ("listTags", Reply(200, [TAG], {"X-Total-Count": "many"}), "not a number"),
        ("listTags", Reply(200, [TAG], COUNT | {"Link": '</tags>; rel="next"'}), "Link leads to '/tags'"),
        ("CreateLabel", Reply(201), "Location is missing"),
        ("CreateLabel", Reply(201, headers={"Location": "http://host/labels/1"}), "clients strip"),
        ("CreateLabel", Reply(201, {"id": 1}, {"Location": "/api/v2.0/labels/1"}), "knows no body"),
        ("GetLabelByID", Reply(404, {"detail": "gone"}), "'detail' was unexpected"),
        ("GetLabelByID", Reply(404, {"errors": []}), "at least one error"),
    ],
)
def test_what_the_contract_does_not_say_is_refused(operation_id: str, reply: Reply, complaint: str):
    with pytest.raises(AssertionError, match=r"(?s).*") as found:
        check(operation_id, reply)
    assert complaint in str(found.value)
