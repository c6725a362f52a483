"""The groups that do not stand yet: each operation says so in the envelope."""

import pytest

from tests.contract.schema import LATER
from tests.contract.walk import Caller

# A value for each kind of parameter in their paths.
SAMPLES = {"integer": 1, "string": "sample"}


@pytest.mark.parametrize("operation_id", sorted(LATER))
def test_an_operation_of_a_later_version_says_so(admin: Caller, operation_id: str):
    operation = LATER[operation_id]
    values = {told["name"]: SAMPLES[told["type"]] for told in operation.parameters if told["in"] == "path"}
    body = {} if operation.method in {"POST", "PUT", "PATCH"} else None
    answer = admin(operation_id, 501, body=body, **values)
    assert answer.json()["errors"][0]["code"] == "NOT_IMPLEMENTED"
    assert answer.json()["errors"][0]["message"].endswith(".")
