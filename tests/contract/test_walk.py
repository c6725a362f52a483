"""Proves that the tests of this package walk every operation that is delivered."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.contract.schema import DELIVERED

HERE = Path(__file__).parent

# What cannot succeed on the server of these tests, whose refusal is tested instead.
REFUSED = {
    "getScannerOfProject": "no scanners can be registered yet",
    "setScannerOfProject": "no scanners can be registered yet",
    "getCert": "no certificate authority is configured there",
    "setCliSecret": "only people who log in by OIDC have a CLI secret",
}


def successes(source: str) -> Iterator[str]:
    """The operations that a module calls with a literal status of success: such a call fails if it does not succeed."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            match node.args[:2]:
                case [ast.Constant(value=str(operation_id)), ast.Constant(value=int(status))] if 200 <= status < 300:
                    yield operation_id


def test_every_delivered_operation_is_walked_with_success():
    walked = {name for path in HERE.glob("test_*.py") for name in successes(path.read_text())}
    assert set(DELIVERED) - walked == set(REFUSED)
    assert walked - set(DELIVERED) == set(), "names that the contract does not know"
