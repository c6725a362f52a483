"""Harbor's words for what the journal records."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.models import Entry
from portal.auditing.events import EVENTS, LEGACY, TYPES, actions_of, described, event_of

ROOT = Path(__file__).resolve().parents[2]
ACTION = re.compile(r"[a-z]+\.[a-z_]+")
REGISTERED = {"job", "follow"}  # What registers under names of the same form.


def texts(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and ACTION.fullmatch(part.value)
    }


def actions(tree: ast.AST) -> set[str]:
    """The actions that a module records, declares for an operation, or notes in the spool."""
    nodes = list(ast.walk(tree))
    imports = {(node.module, name.name) for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and ("audit.journal", "record") in imports:
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            found |= set() if called in REGISTERED else {text for arg in node.args for text in texts(arg)}
        if isinstance(node, ast.keyword) and node.arg in {"journal", "action"}:
            found |= texts(node.value)
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {text for key, value in pairs if texts_of(key) == "action" for text in texts(value)}
    return found


def texts_of(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def recorded() -> Iterator[tuple[str, str]]:
    for package in ("audit", "jobs", "registry", "replication", "portal"):
        for path in (ROOT / package).rglob("*.py"):
            for action in actions(ast.parse(path.read_text())):
                yield action, str(path.relative_to(ROOT))


def test_every_action_of_the_code_has_a_row():
    assert {action: path for action, path in recorded() if action not in EVENTS} == {}


def test_no_row_is_without_an_action():
    assert set(EVENTS) - {action for action, _ in recorded()} == set()


@pytest.mark.parametrize(
    "known",
    [
        "create_artifact delete_artifact pull_artifact create_tag delete_tag delete_repository",
        "create_project delete_project update_project create_member delete_member update_member",
        "login_user logout_user create_user delete_user update_user create_robot delete_robot update_configuration",
    ],
)
def test_what_harbor_records_has_harbors_words(known):
    assert set(known.split()) <= set(TYPES)


def test_event_types_and_operations_stand_for_actions():
    assert actions_of(["pull_artifact"]) == {"manifest.pull"}
    assert actions_of(["other"]) == EVENTS.keys() - actions_of(["create_artifact", "delete_artifact", "pull_artifact"])
    assert {"user.create", "member.update", "configuration.update", "tag.create"} <= actions_of(["other"])
    assert {"manifest.push", "project.create", "tag.create"} <= actions_of(["create"]) <= LEGACY
    assert actions_of([]) == actions_of(["create_nothing"]) == set()


def test_the_older_log_knows_artifacts_tags_repositories_and_projects():
    assert {"manifest.push", "manifest.pull", "tag.delete", "project.create"} <= LEGACY
    assert not {"user.login", "label.create", "project.update"} & LEGACY


def test_what_another_version_recorded_still_has_words():
    assert event_of("beacon.light").type == "light_beacon"


def test_an_entry_is_described_in_a_few_words():
    pulled = Entry(action="manifest.pull", target="library/app:1", count=3)
    failed = Entry(action="user.login_failed", target="anna", result="denied")
    assert described(pulled) == "pull artifact library/app:1 (3 times)"
    assert described(failed) == "login user anna: denied"
