"""The journal as people read it, and as a file."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit import export
from audit.export import rows
from audit.models import Entry
from audit.selectors import entries

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def entry(number: int, **values: object) -> Entry:
    told = {"actor": "anna", "kind": "user", "action": "manifest.push", "project": "library", "target": "library/app:1"}
    return Entry(at=NOON + timedelta(minutes=number), **(told | values))


@pytest.fixture
def some() -> None:
    """Five entries, one a minute, written in another order than that of their times."""
    several = [
        entry(3, action="project.create", target="web", project="web"),
        entry(0),
        entry(1, actor="ben", target="library/db:1"),
        entry(2, result="denied"),
        entry(4, action="manifest.pull", actor="ben", project="web", target="web/app:2"),
    ]
    Entry.objects.bulk_create(several)


def minutes(**wanted: object) -> list[int]:
    return [found.at.minute for found in entries(**wanted)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"actor": "ben"}, [4, 1]),
        ({"actions": ["manifest.pull", "project.create"]}, [4, 3]),
        ({"actions": []}, []),
        ({"projects": ["web"]}, [4, 3]),
        ({"projects": []}, []),
        ({"target": "app"}, [4, 2, 0]),
        ({"result": "denied"}, [2]),
        ({"since": NOON + timedelta(minutes=2), "until": NOON + timedelta(minutes=4)}, [3, 2]),
        ({"actor": "ben", "projects": ["library"]}, [1]),
    ],
)
def test_entries_are_narrowed_and_the_newest_come_first(some, wanted, found):
    assert minutes(**wanted) == found


@pytest.mark.parametrize("size", [1, 2, 5, 10])
def test_an_export_holds_every_entry_once_however_many_are_read_at_a_time(some, monkeypatch, size):
    Entry.objects.bulk_create([entry(2), entry(2), entry(2)])
    monkeypatch.setattr(export, "BATCH", size)
    told = [json.loads(line) for text in rows(entries(), "json") for line in text.splitlines()]
    assert [each["id"] for each in told] == list(entries().values_list("pk", flat=True))


def test_json_lines_hold_all_that_an_entry_says():
    Entry.objects.bulk_create([entry(0, before={"a": [1]}, after={"b": "ä\n"}, count=3)])
    (told,) = "".join(rows(entries(), "json")).splitlines()
    said = json.loads(told)
    assert (said["at"], said["before"], said["after"], said["count"]) == (
        "2026-11-24T12:00:00+00:00",
        {"a": [1]},
        {"b": "ä\n"},
        3,
    )
    assert said.keys() == {field.name for field in Entry._meta.concrete_fields} - {"txid"}


def test_a_table_holds_a_header_and_a_row_for_each_entry(some):
    header, *table = csv.reader(StringIO("".join(rows(entries(), "csv"))))
    assert [row[header.index("target")] for row in table] == [found.target for found in entries()]
    assert table[0][header.index("at")] == "2026-11-24T12:04:00+00:00"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_table_is_a_formula(text):
    Entry.objects.bulk_create([entry(0, target=text, user_agent=text)])
    header, row = csv.reader(StringIO("".join(rows(entries(), "csv")), newline=""))
    assert row[header.index("target")] == row[header.index("user_agent")] == f"'{text}"


def test_the_command_writes_what_was_asked_for(some):
    out = StringIO()
    call_command("audit", "export", "--format", "json", "--actor", "ben", "--since", "2026-11-24T12:02", stdout=out)
    (told,) = out.getvalue().splitlines()
    assert json.loads(told)["target"] == "web/app:2"


def test_the_command_refuses_a_time_that_is_none():
    with pytest.raises(CommandError, match="a time such as"):
        call_command("audit", "export", "--since", "yesterday")
