"""`manage.py audit`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.journal import record
from audit.models import Entry
from audit.origin import Origin
from tests.audit.helpers import rows, write

pytestmark = pytest.mark.django_db(transaction=True)


def audit(*args: str) -> str:
    out = StringIO()
    call_command("audit", *args, stdout=out, no_color=True)
    return out.getvalue()


def test_seal_then_verify():
    write("a", "b")
    assert "2 entries sealed" in audit("seal")
    write("c")
    told = audit("verify")
    assert "as it was sealed" in told
    assert "2 entries under 1 seal, 1 not sealed yet" in told
    digest = told.split()[-1]
    assert "as it was sealed" in audit("verify", "--expect", digest)


def test_verify_fails_on_a_broken_journal_and_says_where():
    (entry,) = write("a")
    audit("seal")
    rows().update(actor="eve")
    with pytest.raises(CommandError, match=f"seal 1 is broken: entry {entry} was changed") as failure:
        audit("verify")
    assert failure.value.returncode == 1


def test_ingest_empties_a_spool(tmp_path: Path):
    line = '[1, "", {"actor": "anna", "kind": "user", "action": "manifest.pull", "target": "library/a:1"}]'
    (tmp_path / "1.jsonl").write_text(f"{line}\n{line}\n")
    assert "2 lines taken in" in audit("ingest", "--directory", str(tmp_path))
    assert Entry.objects.get().count == 2
    assert "manifest.pull library/a:1 success (2 times)" in audit("tail")


def test_tail_shows_the_latest_with_the_newest_last():
    write("a", "b", "c")
    told = audit("tail", "-n", "2").splitlines()
    assert [line.split()[-2] for line in told] == ["b", "c"]
    assert "anna 192.0.2.7 manifest.push" in told[0]


def test_tail_sends_nothing_to_the_terminal_that_it_would_obey():
    with transaction.atomic():
        record(Origin("\x1b[2Jeve\r\n", "user"), "user.login")
    assert "\\x1b[2Jeve\\r\\n - user.login" in audit("tail")


@pytest.mark.parametrize("wrong", [[], ["unknown"], ["tail", "-n", "0"]])
def test_a_wrong_call_is_refused(wrong: list[str]):
    with pytest.raises(CommandError):
        audit(*wrong)


@pytest.mark.parametrize("verb", ["verify", "seal", "ingest", "tail"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        audit(verb, "--help")
    assert "usage:" in capsys.readouterr().out
