"""The operator's commands."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Consumer
from portal.access.authentication import authenticate
from portal.access.models import SigningKey
from portal.access.policy import can
from portal.accounts.models import User
from portal.projects.models import Project
from tests.portal.conftest import PASSWORD

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(db, monkeypatch, capsys):
    """Runs a command as the shell would; returns what it wrote on standard output."""

    def command(*words, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        call_command(*words)
        return capsys.readouterr().out

    return command


def test_users(run):
    run("user", "create", "alice", "--email", "a@example.org", stdin=f"{PASSWORD}\n")
    run("user", "create", "root", "--admin", stdin=PASSWORD)
    run("user", "password", "ALICE", stdin="Another-123\n")
    assert authenticate("alice", "Another-123", address="").user.email == "a@example.org"
    assert [line.split()[0] for line in run("user", "list").splitlines()] == ["NAME", "alice", "root"]
    assert "now a system administrator" in run("user", "admin", "alice", "on")
    assert "no longer" in run("user", "admin", "alice", "off")
    assert "no longer log in" in run("user", "active", "alice", "off")
    run("user", "delete", "alice")
    with pytest.raises(CommandError, match="last active administrator"):
        run("user", "delete", "root")
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


def test_whoever_follows_the_journal_does_so_before_anything_happens(run, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    run("bootstrap")
    assert {"webhooks", "quotas.warnings", "registry.pull-statistics"} <= set(
        Consumer.objects.values_list("name", flat=True)
    )


def test_projects(run, make_user):
    make_user("olga")
    assert run("project", "list") == "None.\n"
    run("project", "create", "team", "--owner", "olga")
    run("project", "public", "team", "on")
    assert run("project", "list").splitlines()[1].split() == ["team", "public", "olga", "1", "0"]
    run("project", "delete", "team")
    assert not Project.objects.exists()


def test_members(run, make_user, make_project):
    make_user("gus")
    make_project("team")
    run("member", "add", "team", "gus", "guest")
    run("member", "role", "team", "gus", "maintainer")
    assert run("member", "list", "team").splitlines()[1].split() == ["gus", "maintainer"]
    assert "no longer" in run("member", "remove", "team", "gus")
    with pytest.raises(CommandError, match="invalid choice"):
        run("member", "add", "team", "gus", "king")


def test_robots(run, make_project):
    team = make_project("team")
    secret = run("robot", "create", "ci", "--project", "team", "--days", "30").strip()
    identity = authenticate("robot$team+ci", secret, address="")
    assert can(identity, "repository", "push", team)
    assert "robot$team+ci" in run("robot", "list", "--project", "team")
    fresh = run("robot", "refresh", "robot$team+ci", "--keep-old", "1").strip()
    assert authenticate("robot$team+ci", secret, address="")
    assert authenticate("robot$team+ci", fresh, address="")
    assert run("robot", "refresh", "team+ci", "--stdin", stdin="My-Secret-1\n") == ""
    assert "disabled" in run("robot", "disable", "team+ci")
    assert "enabled" in run("robot", "enable", "team+ci")
    assert authenticate("robot$team+ci", "My-Secret-1", address="")
    run("robot", "delete", "team+ci")
    assert run("robot", "list") == "None.\n"


def test_a_system_robot_is_given_rights_by_place(run, make_project):
    team, other = make_project("team"), make_project("other")
    allow = ["--allow", "/=catalog:read", "--allow", "team=repository:pull,push", "--allow", "tag:list"]
    secret = run("robot", "create", "all", *allow).strip()
    identity = authenticate("robot$all", secret, address="")
    assert can(identity, "catalog", "read")
    assert can(identity, "repository", "push", team)
    assert not can(identity, "repository", "push", other)
    assert can(identity, "tag", "list", other)


@pytest.mark.parametrize("text", ["", "repository", "repository:", ":pull", "/=repository:pull", "nowhere=tag:list"])
def test_what_is_no_permission_is_refused(run, text):
    with pytest.raises(CommandError):
        run("robot", "create", "ci", "--allow", text)


@pytest.mark.parametrize("words", [("user", "delete", "x"), ("project", "delete", "x"), ("robot", "delete", "x")])
def test_what_does_not_exist_is_named(run, words):
    with pytest.raises(CommandError, match="There is no"):
        run(*words)


def test_bootstrap_is_needed_once_and_harmless_afterwards(run, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv("PORTOLAN_ADMIN_PASSWORD", raising=False)
    output = run("bootstrap")
    password = (tmp_path / "admin_password").read_text()
    assert password in output
    assert (tmp_path / "admin_password").stat().st_mode & 0o777 == 0o600
    assert authenticate("admin", password, address="").user.is_admin
    library = Project.objects.get()
    assert (library.name, library.public, library.owner.username) == ("library", True, "admin")
    key = SigningKey.objects.get()
    run("user", "password", "admin", stdin=PASSWORD)
    run("project", "delete", "library")
    assert run("bootstrap") == ""
    assert not Project.objects.exists()
    assert SigningKey.objects.get() == key
    assert authenticate("admin", PASSWORD, address="")


def test_bootstrap_takes_the_operators_password_and_keeps_it_nowhere(run, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("PORTOLAN_ADMIN_PASSWORD", "Harbor12345")
    assert run("bootstrap") == ""
    assert authenticate("admin", "Harbor12345", address="")
    assert not (tmp_path / "admin_password").exists()


def test_bootstrap_says_what_is_wrong_with_a_weak_password(run, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("PORTOLAN_ADMIN_PASSWORD", "weak")
    with pytest.raises(CommandError, match=r"PORTOLAN_ADMIN_PASSWORD cannot be used.*8 to 128"):
        run("bootstrap")
    assert not User.objects.exists()


def test_bootstrap_makes_a_new_signing_key_when_asked(run, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    run("bootstrap")
    first = SigningKey.objects.get().kid
    assert first not in run("bootstrap", "--new-signing-key")
    assert SigningKey.objects.exclude(retires_at=None).get().kid == first


def _manage(directory, *words, **environment):
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.Popen(
        command,
        env=os.environ
        | {"PORTOLAN_DATA_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "portal.settings"}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_instances_that_start_together_share_one_first_start(tmp_path, request, database):
    url = request.getfixturevalue("postgres_database") if database == "postgresql" else f"sqlite:///{tmp_path}/db"
    starts = [_manage(tmp_path, "bootstrap", PORTOLAN_DATABASE_URL=url) for _ in range(3)]
    outputs = [process.communicate() for process in starts]
    assert [process.returncode for process in starts] == [0, 0, 0], outputs
    assert sum("Created the user admin" in out for out, _ in outputs) == 1
    listing, _ = _manage(tmp_path, "user", "list", PORTOLAN_DATABASE_URL=url).communicate()
    assert len(listing.splitlines()) == 2


def test_a_refusal_is_one_line_and_a_failing_exit_code(tmp_path):
    process = _manage(tmp_path, "user", "list", PORTOLAN_DATABASE_URL=f"sqlite:///{tmp_path}/empty")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "bootstrap" in errors


@pytest.mark.parametrize("command", ["bootstrap", "user", "project", "member", "robot"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command(command, "--help")
    assert exit_.value.code == 0
    assert "usage:" in capsys.readouterr().out
