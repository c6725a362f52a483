"""Load generators: wrk for GET, ab for HEAD (wrk cannot), curl for large bodies."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import program

CONNECTIONS = 16


class NotMeasured(Exception):
    """A load generator saw errors, so that its figure would mean nothing."""


def requests_per_second(urls: Sequence[str], headers: Sequence[str], *, head: bool, seconds: int) -> float:
    """Requests a second over 16 kept connections, spread evenly over `urls`, one for each instance."""
    share = CONNECTIONS // len(urls)
    build = _ab if head else _wrk
    loads = [
        subprocess.Popen(
            build(url, headers, share, seconds), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for url in urls
    ]
    return sum(_rate(load.communicate()[0]) for load in loads)


def _wrk(url: str, headers: Sequence[str], connections: int, seconds: int) -> list[str]:
    threads = 2 if connections == CONNECTIONS else 1
    argv = [program("wrk"), f"-t{threads}", f"-c{connections}", f"-d{seconds}s"]
    return [*argv, *_headers(headers), url]


def _ab(url: str, headers: Sequence[str], connections: int, seconds: int) -> list[str]:
    argv = [program("ab", "apache2-utils"), "-q", "-i", "-k", "-r", "-l", "-c", str(connections)]
    return [*argv, "-t", str(seconds), "-n", "5000000", *_headers(headers), url]


def _headers(headers: Sequence[str]) -> list[str]:
    return [part for header in headers for part in ("-H", header)]


def _rate(output: str) -> float:
    errors = re.search(r"(Non-2xx[^\n]*|Socket errors[^\n]*|Failed requests: +[1-9]\d*)", output)
    rate = re.search(r"Requests(?:/sec:| per second:)\s+([\d.]+)", output)
    if errors or not rate:
        raise NotMeasured(errors[1].strip() if errors else output.strip()[-200:])
    return float(rate[1])


def download(url: str, headers: Sequence[str]) -> float:
    """Fetches a body with curl and drops it; gives bytes a second."""
    return float(_curl("-o", "/dev/null", "-w", "%{speed_download}", *_headers(headers), url))


def send(method: str, url: str, body: Path, headers: Sequence[str]) -> str:
    """Sends a file in a chunked body, as docker does; gives the Location of the answer."""
    argv = ["-X", method, "-T", str(body), "-o", "/dev/null", "-w", "%header{location}"]
    return _curl(*argv, *_headers(["Transfer-Encoding: chunked", "Expect:", *headers]), url)


def call(method: str, url: str, headers: Sequence[str]) -> str:
    """One request without a body; gives the Location of the answer."""
    argv = ["-X", method, "-o", "/dev/null", "-w", "%header{location}"]
    return _curl(*argv, *_headers(["Content-Length: 0", *headers]), url)


def _curl(*arguments: str) -> str:
    argv = [program("curl"), "--silent", "--show-error", "--fail", "--noproxy", "*", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(done.stderr.strip())
    return done.stdout.strip()
