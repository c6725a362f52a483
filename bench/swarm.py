"""Many clients that push small images at once: a few processes of plain http.client threads, so that they need little CPU."""

import multiprocessing
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from threading import Thread
from urllib.parse import urlsplit

from bench.load import CONNECTIONS, NotMeasured
from bench.peers import Peer
from tests.support import images
from tests.support.images import Manifest

PROCESSES = 2
Work = tuple[str, str, dict[str, str], list[Manifest]]  # address, repository, headers, images


def push_images(peer: Peer, count: int, label: str) -> float:
    """Seconds to push `count` different images, 16 clients at a time, each with a repository and a token of its own."""
    works = [_work(peer, number, count // CONNECTIONS + (number < count % CONNECTIONS), label) for number in range(16)]
    context = multiprocessing.get_context("fork")
    ready, trouble = context.Barrier(PROCESSES + 1), context.SimpleQueue()
    swarm = [context.Process(target=_run, args=(works[n::PROCESSES], ready, trouble)) for n in range(PROCESSES)]
    for process in swarm:
        process.start()
    ready.wait()
    began = time.monotonic()
    for process in swarm:
        process.join()
    took = time.monotonic() - began
    if not trouble.empty():
        raise NotMeasured(trouble.get())
    return took


def _work(peer: Peer, number: int, count: int, label: str) -> Work:
    repository = f"library/swarm-{number}"
    headers = dict(line.split(": ", 1) for line in peer.headers(f"repository:{repository}:pull,push"))
    contents = [images.image(f"{label} {number} {serial}") for serial in range(count)]
    return peer.addresses[number % len(peer.addresses)], repository, headers, contents


def _run(works: Sequence[Work], ready: Barrier, trouble: "SimpleQueue[str]") -> None:
    threads = [Thread(target=_push_all, args=(work, trouble)) for work in works]
    ready.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _push_all(work: Work, trouble: "SimpleQueue[str]") -> None:
    address, repository, headers, contents = work
    connection = HTTPConnection(address)
    try:
        for serial, content in enumerate(contents):
            _push(connection, repository, headers, content, f"tag-{serial}")
    except (OSError, NotMeasured) as error:
        trouble.put(f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def _push(connection: HTTPConnection, repository: str, headers: dict[str, str], content: Manifest, tag: str) -> None:
    """What docker does: ask for each blob, send those that are missing, then the manifest."""
    base = f"/v2/{repository}"
    for blob in content.blobs:
        if _call(connection, "HEAD", f"{base}/blobs/{blob.digest}", headers, expected=(200, 404))[0] == 200:
            continue
        location = _call(connection, "POST", f"{base}/blobs/uploads/", headers, expected=(202,))[1]
        target = urlsplit(location)
        path = f"{target.path}?{target.query}{'&' if target.query else ''}digest={blob.digest}"
        _call(connection, "PUT", path, headers, blob.data, expected=(201,))
    typed = headers | {"Content-Type": content.media_type}
    _call(connection, "PUT", f"{base}/manifests/{tag}", typed, content.data, expected=(201,))


def _call(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    expected: tuple[int, ...],
) -> tuple[int, str]:
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status not in expected:
        raise NotMeasured(f"{method} {path}: {answer.status}")
    return answer.status, answer.getheader("Location") or ""
