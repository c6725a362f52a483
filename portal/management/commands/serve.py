"""`manage.py serve`: everything Portolan needs, in the foreground."""

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.celery import WORKER
from portal.spooling import ingest_until
from registry.models import Blob
from registry.storage import paths
from registry.storage.errors import StorageError
from registry.store import store

_READY_SECONDS = 60
_STOP_SECONDS = 20
_RESPAWN_SECONDS = 2
# Per server process. Idle and silent connections count too, so a lower limit would let a few clients keep all others out.
_CONNECTIONS = 8192


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
        self._stopping = threading.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._ask_to_stop)
        _require_free_address()
        _allow_connections()
        call_command("check", fail_level="ERROR", stdout=open(os.devnull, "w"))  # noqa: SIM115, PTH123
        call_command("bootstrap", stdout=self.stdout)
        _require_store()
        commands = {"server": _server()} | ({} if options["no_worker"] else {"worker": _worker()})
        children = {name: _start(command) for name, command in commands.items()}
        try:
            self._wait_ready(children["server"])
            threading.Thread(target=ingest_until, args=(self._stopping,), name="spool").start()
            self._supervise(commands, children)
        finally:
            self._stopping.set()
            _stop(children)

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping.set()

    def _wait_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stopping.is_set() and not _answers():
            if server.poll() is not None:
                raise CommandError(f"The server ended with status {server.returncode}; its messages above say why.")
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


def _require_store() -> None:
    """Refuses an empty store beside a full database: its disk is not mounted, and pushes would go astray."""
    try:
        if Blob.objects.exists() and next(iter(store().walk(paths.BLOBS)), None) is None:
            raise CommandError(
                "The database knows blobs but the store is empty. Is its disk mounted, and PORTOLAN_STORAGE_URL right?"
            )
    except StorageError as error:
        raise CommandError(f"The store cannot be used: {error}. Is PORTOLAN_STORAGE_URL right?") from error


def _server() -> list[str]:
    host, port = settings.LISTEN
    workers = settings.WORKERS or os.cpu_count() or 1
    command = ["granian", "portal.asgi:application", "--interface", "asgi", "--no-ws"]
    command += ["--host", host, "--port", str(port), "--workers", str(workers), "--loop", "uvloop"]
    command += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10"]
    command += ["--log-level", "warning", "--backlog", "2048", "--backpressure", str(_CONNECTIONS)]
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


def _require_free_address() -> None:
    """Raises CommandError when the address cannot be ours.

    The server shares its socket between processes in a way that lets a second instance join in unnoticed.
    """
    host, port = settings.LISTEN
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # What the last instance left does not count.
            probe.bind(found[4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Another program is using {_address()}; is Portolan running already? Stop it, or set PORTOLAN_LISTEN."
            ) from None
        raise CommandError(f"{_address()} cannot be listened on ({error.strerror}): set PORTOLAN_LISTEN.") from None


def _allow_connections() -> None:
    """Raises the number of files our processes may have open as far as we may: every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * _CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _address() -> str:
    host, port = settings.LISTEN
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _answers() -> bool:
    if settings.TLS_CERT:
        return True  # Its certificate may not name the address we would ask; granian says so itself when it fails.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.LISTEN[0], settings.LISTEN[0])  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    try:
        with urlopen(f"http://{host}:{settings.LISTEN[1]}/api/v2.0/ping", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (URLError, OSError):
        return False


def _banner() -> str:
    registry = settings.EXTERNAL_URL.partition("://")[2]
    password = settings.DATA_DIR / "admin_password"
    how = f"the password is in {password}" if password.exists() else "with the password you set"
    return "\n".join(
        [
            "",
            f"Portolan is ready at {settings.EXTERNAL_URL}",
            f"  docker login {registry} -u admin        ({how})",
            f"  docker push {registry}/library/hello:1",
            "Ctrl-C stops it.",
            "",
        ]
    )
