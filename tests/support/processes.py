"""Private child processes: free ports, waiting for a condition, a clean end and a sure one."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self


class MissingPeer(Exception):
    """A program that a test drives is not installed; the message says how to get it."""


def program(name: str, package: str = "") -> str:
    """The path of a program. Raises MissingPeer, naming its Debian package."""
    postgresql = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    places = [os.environ.get("PATH", ""), "/usr/sbin", *map(str, reversed(postgresql))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if not found:
        raise MissingPeer(f"{name} is not installed: apt-get install {package or name}")
    return found


class CommandFailed(Exception):
    """A client program failed; the message holds its command line and all it said."""


def run(argv: list[str], *, env: dict[str, str] | None = None, stdin: str | None = None, timeout: float = 120) -> str:
    """Runs a client to its end and gives its standard output. Raises CommandFailed."""
    done = subprocess.run(argv, env=env, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode:
        raise CommandFailed(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def is_root() -> bool:
    return os.geteuid() == 0


def free_port() -> int:
    """A loopback port nobody listens on, from below the range that outgoing connections take theirs from."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Returns as soon as `condition` holds. Raises TimeoutError, saying `what` did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.02)


def listening(port: int) -> bool:
    """Whether something on loopback accepts connections at `port`."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Member(NamedTuple):
    """A process, told from a later one with the same pid by when it started."""

    pid: int
    started: int

    def kill(self) -> None:
        """SIGKILL, if it is still there."""
        if (found := _stat(self.pid)) and found[1] == self.started:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _stat(pid: int) -> tuple[int, int] | None:
    """A process's parent and when it started, in ticks; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[19])


def family(pid: int) -> list[Member]:
    """A process and all its descendants, parents first; empty when it is gone."""
    table = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found = [pid]
    for member in found:
        found += [child for child, stat in table.items() if stat and stat[0] == member]
    return [Member(member, stat[1]) for member in found if (stat := table.get(member))]


class Child:
    """A server process in a session of its own, whose output goes to `log`."""

    def __init__(
        self, argv: Sequence[str], *, log: Path, stop: signal.Signals = signal.SIGTERM, user: str = ""
    ) -> None:
        self.log = log
        self._argv = argv
        self._stop = stop
        # setpriv makes the kernel end the server when this process is gone, however that happened.
        self._wrap = [program("setpriv", "util-linux"), "--pdeathsig", stop.name.removeprefix("SIG")]
        if user:
            self._wrap += ["--reuid", user, "--regid", user, "--init-groups"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: Callable[[], object], *, env: Mapping[str, str] | None = None, seconds: float = 60) -> Self:
        """Starts it and waits until `ready` holds. Raises RuntimeError with the log's end when it does not come up."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._wrap, *self._argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                start_new_session=True,
            )
        try:
            wait_until(lambda: not self.alive or ready(), "it is ready", seconds=seconds)
        except TimeoutError as error:
            trouble = str(error)
        else:
            if self.alive:
                return self
            trouble = f"it ended with status {self._process.returncode}"
        self.kill()
        raise RuntimeError(f"{self._argv[0]}: {trouble}; its log ends:\n{self.log_end()}")

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def family(self) -> list[Member]:
        """It and its descendants."""
        return family(self._process.pid) if self._process and self.alive else []

    def log_end(self, characters: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process alone, not to its children."""
        if self._process:
            self._process.send_signal(number)

    def stop(self, *, seconds: float = 30) -> int | None:
        """Asks it to end, and kills what is left after `seconds`. Gives the exit status; None when it was not running."""
        if not self._process:
            return None
        members = self.family
        self._process.send_signal(self._stop)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self._argv[0]} did not stop; its log ends:\n{self.log_end()}") from None
        finally:
            self._kill(members)

    def kill(self) -> None:
        """SIGKILL to it and its descendants at once, as when the machine loses power."""
        self._kill(self.family)

    def _kill(self, members: list[Member]) -> None:
        for member in members:
            member.kill()
        if self._process:
            self._process.wait()


@contextmanager
def stopped_after(child: Child) -> Iterator[Child]:
    """Stops the child at the end of the block."""
    try:
        yield child
    finally:
        child.stop()
