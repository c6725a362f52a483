"""`manage.py serve`: everything Portolan needs, in the foreground."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import preflight
from portal.celery import WORKER
from portal.health import DRAINING
from portal.observability.processes import forget_metrics, share_metrics
from portal.spooling import ingest_until

_READY_SECONDS = 60
_STOP_SECONDS = 20
_RESPAWN_SECONDS = 2
# Per server process. Idle and silent connections count too, so a lower limit would let a few clients keep all others out.
CONNECTIONS = 8192


class Command(BaseCommand):
    """Prepares the data, starts the server and a worker, restarts what dies, and stops all of it together."""

    help = (
        "Prepare the database, then run the server and a job worker in the foreground until Ctrl-C. "
        "Run it on as many machines as you like against one PostgreSQL, Redis and store."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--no-worker", action="store_true", help="run no jobs here: workers run elsewhere")

    def handle(self, **options: Any) -> None:
        """Runs until a signal asks to stop."""
        self._stopping, self._impatient = threading.Event(), threading.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._ask_to_stop)
        preflight.require_free_address()
        preflight.allow_connections(CONNECTIONS)
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - only errors matter here, and they are raised.
            call_command("check", fail_level="ERROR", stdout=nowhere)
        call_command("bootstrap", stdout=self.stdout)
        metrics = settings.DATA_DIR / "metrics"
        share_metrics(metrics)
        draining = settings.DATA_DIR / DRAINING
        draining.unlink(missing_ok=True)
        preflight.require_store()
        commands = {"server": _server()} | ({} if options["no_worker"] else {"worker": _worker()})
        children = {name: _start(command) for name, command in commands.items()}
        try:
            self._wait_ready(children["server"])
            threading.Thread(target=ingest_until, args=(self._stopping,), name="spool").start()
            self._supervise(commands, children)
            draining.touch()
            self._impatient.wait(settings.DRAIN_SECONDS)
        finally:
            self._stopping.set()
            _stop(children)
            forget_metrics(metrics)

    def _ask_to_stop(self, *_: object) -> None:
        """The first signal asks to stop, a second one not to wait for load balancers to notice."""
        if self._stopping.is_set():
            self._impatient.set()
        self._stopping.set()

    def _wait_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stopping.is_set() and not _answers():
            status = server.poll()
            if status is not None and status < 0:
                return  # Somebody killed it, which says nothing about the settings: it is started again.
            if status is not None:
                raise CommandError(f"The server ended with status {status}; its messages above say why.")
            if time.monotonic() > deadline:
                raise CommandError("The server does not answer; its messages above say why.")
            time.sleep(0.1)
        if not self._stopping.is_set():
            self.stdout.write(self.style.SUCCESS(_banner()))
            self.stdout.flush()

    def _supervise(self, commands: dict[str, list[str]], children: dict[str, "subprocess.Popen[bytes]"]) -> None:
        while not self._stopping.wait(0.2):
            for name, child in children.items():
                if child.poll() is not None:
                    _kill_group(child)
                    self.stderr.write(f"The {name} ended unexpectedly (status {child.returncode}); starting it again.")
                    time.sleep(_RESPAWN_SECONDS)
                    children[name] = _start(commands[name])


def _server() -> list[str]:
    host, port = settings.LISTEN
    workers = settings.WORKERS or os.cpu_count() or 1
    command = ["granian", "portal.asgi:application", "--interface", "asgi", "--no-ws"]
    command += ["--host", host, "--port", str(port), "--workers", str(workers), "--loop", "uvloop"]
    command += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10"]
    command += ["--log-config", str(settings.BASE_DIR / "portal" / "observability" / "granian.json")]
    command += ["--log-level", "warning", "--backlog", "2048", "--backpressure", str(CONNECTIONS)]
    # Bigger reads from the socket: a third less time for the bytes of a push.
    command += ["--http1-buffer-size", str(2 * 1024 * 1024), "--runtime-mode", "st"]
    if settings.TLS_CERT:
        command += ["--ssl-certificate", settings.TLS_CERT, "--ssl-keyfile", settings.TLS_KEY]
        command += ["--ssl-protocol-min", "tls1.2"]
    return command


def _worker() -> list[str]:
    return ["celery", *WORKER]


def _start(module_and_arguments: list[str]) -> "subprocess.Popen[bytes]":
    """A child in a session of its own, so that Ctrl-C reaches only us and we stop the children in order."""
    command = [sys.executable, "-m", "portal.processes", *module_and_arguments]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True)  # noqa: S603 - the command is ours.


def _stop(children: dict[str, "subprocess.Popen[bytes]"]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill_group(child)
            child.wait()


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Ends what is left of a child and its own children: a worker that had just begun may not know that it is alone."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _answers() -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.LISTEN[0], settings.LISTEN[0])  # noqa: S104
    url = f"{'https' if settings.TLS_CERT else 'http'}://{preflight.address(host)}/api/v2.0/ping"
    # The certificate names what clients call us, not the address asked here.
    unverified = ssl._create_unverified_context()  # noqa: S323, SLF001
    try:
        with urlopen(url, timeout=2, context=unverified) as answer:  # noqa: S310
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def _banner() -> str:
    registry = settings.EXTERNAL_URL.partition("://")[2]
    password = settings.DATA_DIR / "admin_password"
    how = f"is in {password}" if password.exists() else "is the one you set"
    return "\n".join(
        [
            "",
            f"Portolan is ready at {settings.EXTERNAL_URL}",
            "",
            f"  docker login {registry} -u admin",
            f"  docker push {registry}/library/hello:1",
            "",
            f"The password of admin {how}. Ctrl-C stops everything.",
            "",
        ]
    )
