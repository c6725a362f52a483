"""Real worker processes on one database: killed, stopped, racing, with Redis and without."""

import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.utils import timezone

from audit.origin import SYSTEM
from jobs.models import Job, Schedule, State
from jobs.services import enqueue, schedule, stop
from tests.jobs import sample
from tests.support.processes import free_port, wait_until

ENQUEUE = """
import sys, django
django.setup()
import portal.celery
from jobs.services import enqueue
enqueue("jobs.prune")
sys.stdin.read()  # The process lives on, as a server does.
"""

pytestmark = pytest.mark.slow


@pytest.fixture(params=["embedded", "redis"])
def broker(request: pytest.FixtureRequest) -> str:
    """What PORTOLAN_REDIS_URL takes."""
    return "" if request.param == "embedded" else request.getfixturevalue("redis_url")


@pytest.fixture
def file(tmp_path):
    """Where the jobs of a test leave their traces."""
    path = tmp_path / "traces"
    path.touch()
    return path


def all_in(state):
    return lambda: not Job.objects.exclude(state=state).exists()


def begun(file, times=1):
    return lambda: file.read_text().count("begin") >= times


def test_each_of_200_jobs_runs_once_however_many_workers_race_for_them(start_worker, broker, file):
    for number in range(200):
        enqueue("test.note", file=str(file), text=str(number))
    for _ in range(3):
        start_worker(broker)
    wait_until(all_in(State.SUCCESS), "all jobs are done")
    assert Counter(file.read_text().split()) == {str(number): 1 for number in range(200)}
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}


def test_a_job_whose_worker_is_killed_is_finished_once_by_another(start_worker, broker, file):
    job = enqueue("test.hold", file=str(file))
    first = start_worker(broker)
    wait_until(begun(file), "the job has begun")
    wait_until(lambda: Job.objects.filter(progress_message="holding").exists(), "its progress is visible")
    first.kill()
    start_worker(broker)
    wait_until(begun(file, times=2), "the job has begun again")
    sample.release(file)
    wait_until(all_in(State.SUCCESS), "the job is done")
    job.refresh_from_db()
    traces = [line.split() for line in file.read_text().splitlines()]
    assert [what for what, _ in traces] == ["begin", "begin", "end"]
    assert traces[0][1] != traces[1][1] == traces[2][1]
    assert job.attempts == 2


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_returns_its_jobs_and_does_so_at_once(start_worker, broker, file, ask):
    job = enqueue("test.hold", file=str(file))
    worker = start_worker(broker)
    wait_until(begun(file), "the job has begun")
    worker.signal(ask)
    wait_until(lambda: not worker.alive, "the worker has ended", seconds=20)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.owner) == (State.PENDING, 0, "")
    assert "Traceback" not in worker.log_end()


def test_exclusive_jobs_never_overlap(start_worker, broker, file):
    for _ in range(20):
        enqueue("test.alone", file=str(file))
    for _ in range(2):
        start_worker(broker)
    wait_until(all_in(State.SUCCESS), "all jobs are done")
    assert file.read_text().split() == ["begin", "end"] * 20


def test_a_schedule_is_fired_once_by_two_workers(start_worker, broker, file):
    schedule("notes", "test.note", every=timedelta(hours=1), args={"file": str(file), "text": "fired"})
    workers = [start_worker(broker) for _ in range(2)]
    wait_until(Schedule.objects.filter(name="jobs.prune").exists, "a worker has begun")
    Schedule.objects.filter(name="notes").update(next_run_at=timezone.now())
    wait_until(lambda: Job.objects.filter(kind="test.note", state=State.SUCCESS).exists(), "the schedule has run")
    for worker in workers:
        worker.stop()
    assert file.read_text().split() == ["fired"]


def test_a_running_job_stops_when_asked(start_worker, broker, file):
    job = enqueue("test.hold", file=str(file))
    start_worker(broker)
    wait_until(begun(file), "the job has begun")
    stop(job.number, origin=SYSTEM)
    wait_until(all_in(State.STOPPED), "the job has stopped")
    assert "end" not in file.read_text()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to lose")
def test_a_job_survives_the_loss_of_every_database_connection(start_worker, broker, file):
    enqueue("test.hold", file=str(file))
    start_worker(broker)
    wait_until(begun(file), "the job has begun")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker'")
        assert cursor.fetchall()
    sample.release(file)
    wait_until(all_in(State.SUCCESS), "the job is done")
    enqueue("test.note", file=str(file), text="next")
    wait_until(all_in(State.SUCCESS), "the worker goes on")
    assert [line.split()[0] for line in file.read_text().splitlines()] == ["begin", "end", "next"]


def test_without_its_broker_a_worker_still_works_and_still_ends(start_worker, file):
    worker = start_worker(f"redis://127.0.0.1:{free_port()}/0")
    enqueue("test.note", file=str(file), text="done")
    wait_until(all_in(State.SUCCESS), "the job is done")
    worker.stop(seconds=20)
    assert "Traceback" not in worker.log_end()


@pytest.fixture
def start_server(transactional_db, worker_env, tmp_path):
    """A function that starts a process which asks for a job and then lives on."""
    with ExitStack() as stack:

        def start(redis_url):
            with (tmp_path / "server.log").open("w") as log:
                env = worker_env | {"PORTOLAN_REDIS_URL": redis_url}
                server = subprocess.Popen([sys.executable, "-c", ENQUEUE], env=env, stdin=subprocess.PIPE, stderr=log)
            stack.callback(server.communicate)

        yield start


def test_without_a_broker_jobs_are_still_accepted(start_server, tmp_path):
    start_server(f"redis://127.0.0.1:{free_port()}/0")
    wait_until(Job.objects.filter(state=State.PENDING).exists, "the job is accepted")
    wait_until(
        lambda: "The broker does not answer" in (tmp_path / "server.log").read_text(), "the log says why it waits"
    )


def test_the_bell_rings_through_redis(start_server, redis_url):
    with redis.Redis.from_url(redis_url) as server:
        server.flushdb()
        start_server(redis_url)
        wait_until(lambda: server.llen("portolan"), "a worker would be told")
        server.flushdb()
