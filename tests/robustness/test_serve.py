"""`manage.py serve`: all of it starts, all of it stops, none of it outlives the rest."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.robustness.clients import client, pushed
from tests.support.portolan import Portolan
from tests.support.processes import CommandFailed, Member, family, wait_until
from tests.support.scratch import scratch


def gone(members: list[Member]) -> bool:
    """Whether none of the processes is there any more, the dead that nobody has buried aside."""
    return not any(_state(member) for member in members)


def command(member: Member) -> str:
    """The process's command line; empty once it has ended."""
    try:
        return Path(f"/proc/{member.pid}/cmdline").read_text()
    except OSError:
        return ""


def _state(member: Member) -> str:
    try:
        state, _, *rest = Path(f"/proc/{member.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" or int(rest[17]) != member.started else state


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_process_and_a_start_finds_everything_again(start_portolan, signum):
    instance: Portolan = start_portolan(workers="2")
    content = pushed(instance, "library/kept", "across a restart")
    members = instance.processes
    assert len(members) >= 5, "the supervisor, granian with two workers, and celery"
    os.kill(members[0].pid, signum)
    wait_until(lambda: gone(members), "every process has ended", seconds=30)
    assert not instance.ready()
    instance.restart()
    assert client(instance, "library/kept").pull("library/kept", "1").data == content.data


def test_kill_9_of_the_supervisor_leaves_nothing_running(start_portolan):
    instance: Portolan = start_portolan(workers="2")
    content = pushed(instance, "library/kept", "across a crash")
    members = instance.processes
    members[0].kill()
    wait_until(lambda: gone(members), "every process has ended", seconds=30)
    instance.restart()
    assert client(instance, "library/kept").pull("library/kept", "1").data == content.data


@pytest.mark.parametrize("part", ["granian", "celery"])
def test_a_part_that_dies_is_started_again(start_portolan, part):
    instance: Portolan = start_portolan()

    def mains() -> list[Member]:
        return [member for member in instance.processes if part in command(member)][:1]

    (first,) = mains()
    before = family(first.pid)
    first.kill()
    wait_until(lambda: gone(before) and mains() and instance.ready(), f"{part} is back")
    assert "starting it again" in instance.log


def test_a_second_instance_at_the_same_address_ends_with_a_clear_sentence(start_portolan):
    first: Portolan = start_portolan()
    with scratch("second") as directory:
        environment = first.environment | {"PORTOLAN_DATA_DIR": str(directory)}
        second = subprocess.run(
            [*first._manage, "serve"], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
    assert second.returncode == 1
    assert f"Another program is using {first.address}" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.ready()


def test_a_database_that_cannot_be_reached_ends_the_start_with_a_clear_sentence():
    with scratch("nowhere") as directory:
        instance = Portolan(directory, database_url="postgresql://nobody@127.0.0.1:1/nothing")
        with pytest.raises(RuntimeError, match="PORTOLAN_DATABASE_URL") as failure:
            instance.start()
        assert "Traceback" not in str(failure.value)
        with pytest.raises(CommandFailed):
            instance.manage("bootstrap")
