"""Fixtures of the work queue: behaviours for jobs run in this process, and real worker processes."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from jobs import runner
from jobs.kinds import JobRun
from jobs.models import Job
from jobs.services import enqueue
from portal.celery import WORKER
from tests.jobs import sample
from tests.support.processes import Child, stopped_after

ROOT = Path(__file__).resolve().parents[2]
_names = count()


@pytest.fixture
def job_that() -> Callable[[Callable[[JobRun], None]], Job]:
    """A function that enqueues a job which does what it is given."""

    def make(does: Callable[[JobRun], None], **options: Any) -> Job:
        name = f"behaviour {next(_names)}"
        sample.behaviours[name] = does
        return enqueue("test.do", what=name, **options)

    return make


@pytest.fixture
def shutdown() -> Iterator[threading.Event]:
    """The signal that this process is to end."""
    yield runner.shutdown
    runner.shutdown.clear()


@pytest.fixture
def worker_env(tmp_path: Path) -> dict[str, str]:
    """The environment in which another process works on this test's database."""
    return os.environ | {
        "PORTOLAN_DATABASE_URL": _database_url(),
        "PORTOLAN_DATA_DIR": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture
def start_worker(transactional_db: None, worker_env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """A function that starts a worker process, embedded or on the Redis whose URL it is given."""
    with ExitStack() as stack:

        def start(redis_url: str = "") -> Child:
            argv = [sys.executable, "-m", "celery", *WORKER, "--include=tests.jobs.sample"]
            worker = stack.enter_context(stopped_after(Child(argv, log=tmp_path / f"worker{next(_names)}.log")))
            return worker.start(lambda: True, env=worker_env | {"PORTOLAN_REDIS_URL": redis_url})

        yield start


def _database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = f"{quote(settings['USER'])}:{quote(settings['PASSWORD'])}"
    address = f"{settings['HOST']}:{settings['PORT']}"
    return f"postgresql://{user}@{address}/{settings['NAME']}?application_name=worker"
