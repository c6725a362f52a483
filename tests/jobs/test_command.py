"""`manage.py jobs`, the operator's view."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.origin import SYSTEM, Origin
from jobs import runner
from jobs.followers import follow
from jobs.models import Job, State
from jobs.services import enqueue, schedule, stop
from tests.audit.helpers import write

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(*words: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("jobs", *words, stdout=out)
    return out.getvalue()


def test_a_job_is_run_and_followed_to_its_end(tmp_path):
    file = tmp_path / "notes"
    said = jobs("run", "test.note", f"file={file}", "text=hello")
    assert file.read_text() == "hello\n"
    assert said.splitlines()[-1] == "Success"


def test_values_are_json_where_they_can_be():
    jobs("run", "--queue", "test.note", "file=f", "text=[1, true]")
    assert Job.objects.get().args == {"file": "f", "text": [1, True]}


def test_a_job_can_be_left_to_the_workers():
    jobs("run", "--queue", "test.note", "file=f", "text=t")
    assert Job.objects.get().state == State.PENDING


def test_the_command_fails_when_the_job_does(monkeypatch, job_that):
    monkeypatch.setattr("jobs.outcomes.BACKOFF", 0.0)
    with pytest.raises(CommandError, match=r"test\.note ended as Error\. FileNotFoundError"):
        jobs("run", "test.note", "file=/nowhere/notes", "text=t")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["run", "test.nothing"], "no job called"),
        (["run", "test.note", "text"], "write name=value"),
        (["run", "test.note", "more=1"], "cannot take these arguments"),
        (["show", "999999"], "There is no job"),
        (["stop", "999999"], "There is no job"),
    ],
)
def test_what_cannot_be_done_is_said(words, complaint):
    with pytest.raises(CommandError, match=complaint):
        jobs(*words)


def test_the_list_shows_the_newest_first_and_can_be_narrowed():
    note = enqueue("test.note", origin=Origin("alice", "user"), file="f", text="t")
    urgent = enqueue("test.urgent", file="f", text="t")
    stop(urgent.number, origin=SYSTEM)
    lines = jobs("list").splitlines()
    assert [line.split()[0] for line in lines] == ["NUMBER", str(urgent.number), str(note.number)]
    assert lines[2].split()[-1] == "alice"
    assert note.kind not in jobs("list", "--state", "Stopped")
    assert urgent.kind not in jobs("list", "--kind", "test.note")


def test_a_job_is_shown_with_its_log(job_that):
    def work(attempt):
        attempt.progress(2, 5, "second blob")
        attempt.log("freed 10 bytes")
        attempt.result(freed=10)

    job = job_that(work)
    runner.work()
    shown = jobs("show", str(job.number))
    assert "status:     Success" in shown
    assert "progress:   2/5 second blob" in shown
    assert "freed 10 bytes" in shown
    assert 'result:     {"freed": 10}' in shown


def test_a_waiting_job_is_stopped():
    job = enqueue("test.note", file="f", text="t")
    assert jobs("stop", str(job.number)) == "The job is Stopped.\n"


def test_schedules_are_listed():
    schedule("nightly", "test.note", cron="0 30 2 * * *", args={"file": "f", "text": "t"})
    schedule("often", "test.note", every=timedelta(minutes=5), args={"file": "f", "text": "t"})
    header, nightly, often = jobs("schedules").splitlines()
    assert header.split()[0] == "NAME"
    assert "0 30 2 * * *" in nightly
    assert "02:30:00" in nightly
    assert "every 0:05:00" in often


def test_followers_are_listed_with_what_waits_for_them(monkeypatch):
    monkeypatch.setattr("jobs.followers._followers", {})
    follow("mail", start="start")(print)
    write("a", "b")
    header, mail = jobs("followers").splitlines()
    assert header.split() == ["NAME", "BEHIND", "SINCE"]
    assert mail.split()[:2] == ["mail", "2"]
