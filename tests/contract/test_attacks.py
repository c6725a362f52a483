"""schemathesis attacks the REST API with what its contracts allow and forbid: Harbor's, and our own OpenAPI document.

Whatever comes in, the answer is one that the contract knows: never a 500, never an undocumented status or body.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.bodies import GC, at, immutable, keep, retention, robot, webhook
from tests.contract.conftest import person
from tests.contract.schema import DELIVERED, DOCUMENT, check
from tests.contract.walk import Caller
from tests.support import portolan, postgres
from tests.support.api import id_of
from tests.support.images import image
from tests.support.portolan import ADMIN

pytestmark = pytest.mark.slow

EXAMPLES = 12  # For each operation and contract.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What would take the ground from under the attack.
SPARED = {
    "updateUserPassword": "the administrator would lock the attack out",
    "setUserSysAdmin": "the administrator would lose the right to attack",
    "updateConfigurations": "the registry would be read-only, and nothing else would be tried",
}
# What drf-spectacular leaves out of a document.
UNTOLD = {"headProject": "it knows no HEAD"}
# What is removed stays removed, so that removals come last.
ATTACKED = sorted(set(DELIVERED) - set(SPARED), key=lambda name: (DELIVERED[name].method == "DELETE", name))


@dataclass(frozen=True)
class Target:
    """A server with something of everything, and what to write in a path to find it."""

    url: str
    session: requests.Session
    found: dict[str, list[Any]]

    def cases(self, operation: APIOperation) -> st.SearchStrategy[Case]:
        """Requests that the contract allows or forbids, half of them at things that exist."""
        names = [parameter.name for parameter in operation.path_parameters]
        real = {name: st.sampled_from(self.found[name]) for name in names if name in self.found}
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        wild = [operation.as_strategy(generation_mode=mode) for mode in modes]
        if not real:
            return st.one_of(wild)
        aimed = st.fixed_dictionaries(real).flatmap(
            lambda values: st.one_of(
                [operation.as_strategy(generation_mode=mode, path_parameters=values) for mode in modes]
            )
        )
        return st.one_of(*wild, aimed, aimed)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Target]:
    """A server on SQLite."""
    yield from targets()


@pytest.fixture(scope="module")
def on_postgres(postgres_server: postgres.Postgres) -> Iterator[Target]:
    """A server on PostgreSQL, which minds NULs, numbers that are too large and texts that are none."""
    yield from targets(database_url=postgres_server.create())


def targets(**options: str) -> Iterator[Target]:
    """The server, furnished, for a fixture."""
    with portolan.server(rate_limit="0", **options) as server, requests.Session() as session:
        session.auth = ADMIN
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield Target(server.url, session, furnish(server))


def furnish(server: portolan.Portolan) -> dict[str, list[Any]]:
    """Something of everything, by the names of the parameters that lead there."""
    admin = Caller(server.url, ADMIN)
    content = image("attacked")
    here = {"project_name_or_id": "attacked"}
    admin("createProject", 201, body={"project_name": "attacked"})
    server.registry().push("attacked/app", content, "latest")
    project = admin("getProject", 200, **here).json()["project_id"]
    artifact = admin("getArtifact", 200, project_name="attacked", repository_name="app", reference="latest").json()
    someone = person(admin)
    policy_id = id_of(admin("createRetention", 201, body=retention(project, keep(1))))
    run = id_of(admin("triggerRetentionExecution", 201, id=policy_id, body={"dry_run": True}))
    member = {"role_id": 2, "member_user": {"username": someone.name}}
    group = {"group_name": "attacked", "group_type": 3}
    collected = id_of(admin("createGCSchedule", 201, body=at("Manual", GC)))
    hook = id_of(admin("CreateWebhookPolicyOfProject", 201, **here, body=webhook("http://127.0.0.1:9/")))
    return {
        "project_name_or_id": ["attacked", str(project)],
        "project_name": ["attacked"],
        "repository_name": ["app"],
        "reference": ["latest", content.digest],
        "tag_name": ["latest"],
        "digest": [artifact["icon"]],
        "addition": ["build_history", "files"],
        "user_id": [someone.id],
        "mid": [id_of(admin("createProjectMember", 201, **here, body=member))],
        "group_id": [id_of(admin("createUserGroup", 201, body=group))],
        "label_id": [id_of(admin("CreateLabel", 201, body={"name": "attacked", "scope": "g"}))],
        "robot_id": [id_of(admin("CreateRobot", 201, body=robot("attacked")))],
        "immutable_rule_id": [id_of(admin("CreateImmuRule", 201, **here, body=immutable("v*")))],
        "webhook_policy_id": [hook],
        "id": [policy_id, project],
        "eid": [run],
        "gc_id": [collected],
        "meta_name": ["public", "auto_scan"],
        "job_type": ["all", "GARBAGE_COLLECTION"],
        "pool_id": ["all"],
        "job_id": ["all"],
    }


def attack(target: Target, operation: APIOperation, judge: Any) -> None:
    """Sends requests to one operation and has each answer judged; the same ones in every run."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # The first request that fails tells enough; looking for a smaller one takes minutes.
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(case=target.cases(operation))
    def run(case: Case) -> None:
        judge(case, case.call(base_url=target.url + judge.base, session=target.session))

    run()


# --- Harbor's contract ----------------------------------------------------------------------------------------------------
def harbors_contract() -> BaseSchema:
    """The contract as schemathesis reads it: everything described, and without a word about credentials."""
    document = copy.deepcopy({name: part for name, part in DOCUMENT.items() if not name.startswith("security")})
    answers = [*document["responses"].values()]
    for methods in document["paths"].values():
        for told in methods.values():
            answers += told["responses"].values()
    for answer in answers:
        if "$ref" not in answer:
            answer["description"] = ""
    return schemathesis.openapi.from_dict(document)


class HarborsJudge:
    """Validates answers as the other tests of this package do."""

    base = DOCUMENT["basePath"]

    def __init__(self, operation_id: str) -> None:
        self._operation_id = operation_id

    def __call__(self, case: Case, response: schemathesis.Response) -> None:
        answer = requests.Response()
        answer.status_code = response.status_code
        answer.headers.update({name: ", ".join(values) for name, values in response.headers.items()})
        answer._content = response.content
        try:
            check(self._operation_id, answer)
        except AssertionError as error:
            error.add_note(case.as_curl_command())
            raise


@pytest.fixture(scope="module")
def harbors() -> BaseSchema:
    return harbors_contract()


@pytest.mark.parametrize("operation_id", ATTACKED)
def test_by_harbors_contract(embedded: Target, harbors: BaseSchema, operation_id: str):
    attack(embedded, harbors.find_operation_by_id(operation_id), HarborsJudge(operation_id))


# --- Our own --------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def ours(on_postgres: Target) -> BaseSchema:
    document = on_postgres.session.get(f"{on_postgres.url}/api/v2.0/openapi.json").json()
    document.pop("security", None)
    document.get("components", {}).pop("securitySchemes", None)
    for methods in document["paths"].values():
        for told in methods.values():
            told.pop("security", None)
    return schemathesis.openapi.from_dict(document)


class OurJudge:
    """Validates answers by schemathesis' own checks."""

    base = ""

    def __call__(self, case: Case, response: schemathesis.Response) -> None:
        case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("operation_id", [name for name in ATTACKED if name not in UNTOLD])
def test_by_our_own_contract(on_postgres: Target, ours: BaseSchema, operation_id: str):
    attack(on_postgres, ours.find_operation_by_id(operation_id), OurJudge())


def test_our_contract_has_the_operations_that_are_delivered(ours: BaseSchema):
    found = {operation.ok().definition.raw["operationId"] for operation in ours.get_all_operations()}
    assert set(DELIVERED) - found == set(UNTOLD)
