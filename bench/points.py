"""What is measured: each point with its unit and the ratio to reach."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.load import call, download, requests_per_second, send
from bench.peers import Peer
from bench.swarm import push_images
from tests.support import images
from tests.support.images import OCI_LAYER, OCI_MANIFEST, Content

REPOSITORY = "library/bench"
PULL = f"repository:{REPOSITORY}:pull"
PUSH = f"repository:{REPOSITORY}:pull,push"
ACCEPT = f"Accept: {OCI_MANIFEST}"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Scale:
    """How much work a point does."""

    rounds: int
    seconds: int
    download: int  # bytes
    layer: int  # bytes
    images: int


FULL = Scale(rounds=3, seconds=5, download=200 * MEGABYTE, layer=500 * MEGABYTE, images=200)
QUICK = Scale(rounds=1, seconds=2, download=50 * MEGABYTE, layer=100 * MEGABYTE, images=64)


@dataclass(frozen=True)
class Point:
    """One measurement. `measure` gives a figure for a peer; more is better where `unit` is a rate, less where it is time."""

    name: str
    unit: str
    targets: dict[str, float]
    measure: Callable[[Peer], float]

    def ratio(self, ours: float, reference: float) -> float:
        """How many times better ours is."""
        return reference / ours if self.unit == "s" else ours / reference


class Contents:
    """The same content in every peer, and the files that are sent."""

    def __init__(self, directory: Path, scale: Scale) -> None:
        self.scale = scale
        self.small = Content(OCI_LAYER, os.urandom(20_000))
        self.image = images.manifest(images.image("bench").blobs[0], [self.small])
        self.large = directory / "large"
        self.layer = directory / "layer"
        self._fill(self.large, scale.download)
        self._fill(self.layer, scale.layer)
        self.large_digest = _digest(self.large)
        self._serial = count()

    def _fill(self, path: Path, size: int) -> None:
        with path.open("wb") as file:
            for _ in range(size // MEGABYTE):
                file.write(os.urandom(MEGABYTE))

    def prepare(self, peer: Peer) -> None:
        """Pushes what the pulls ask for."""
        peer.client().push(REPOSITORY, self.image, "latest")
        upload(peer, self.large, self.large_digest)

    def label(self) -> str:
        """A word never given before, for content that no registry has yet."""
        return f"{os.getpid()}-{next(self._serial)}"

    def fresh_layer(self) -> str:
        """Makes the layer file differ from all before; gives its digest."""
        with self.layer.open("r+b") as file:
            file.write(self.label().ljust(64).encode())
        return _digest(self.layer)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def upload(peer: Peer, body: Path, digest: str) -> None:
    """POST, one chunked PATCH, PUT."""
    headers = peer.headers(PUSH)
    base = f"http://{peer.addresses[0]}"
    location = _absolute(base, call("POST", f"{base}/v2/{REPOSITORY}/blobs/uploads/", headers))
    location = _absolute(base, send("PATCH", location, body, headers))
    call("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", headers)


def _absolute(base: str, location: str) -> str:
    return location if location.startswith("http") else base + location


def points(contents: Contents) -> Iterator[Point]:
    """Every point, in the order of the table."""
    scale = contents.scale
    for by, reference in (("tag", "latest"), ("digest", contents.image.digest)):
        for method in ("GET", "HEAD"):
            path = f"manifests/{reference}"
            measure = _rate(path, head=method == "HEAD", seconds=scale.seconds)
            yield Point(f"{method} manifest by {by}", "/s", {"embedded": 10, "cluster": 6}, measure)
    small = _rate(f"blobs/{contents.small.digest}", head=False, seconds=scale.seconds)
    yield Point("GET 20 kB blob", "/s", {"embedded": 10, "cluster": 10}, small)
    for proxied, target in ((False, 0.5), (True, 1.0)):
        name = f"GET {scale.download // MEGABYTE} MB blob, {'behind nginx' if proxied else 'direct'}"
        yield Point(name, "B/s", {"embedded": target, "cluster": target}, _download(contents, proxied=proxied))
    name = f"push one {scale.layer // MEGABYTE} MB layer"
    yield Point(name, "s", {"embedded": 2, "cluster": 2}, _push_layer(contents))
    name = f"push {scale.images} small images, 16 at once"
    yield Point(name, "s", {"embedded": 1, "cluster": 1}, lambda peer: _push_images(contents, peer))


def _rate(path: str, *, head: bool, seconds: int) -> Callable[[Peer], float]:
    def measure(peer: Peer) -> float:
        urls = [f"http://{address}/v2/{REPOSITORY}/{path}" for address in peer.addresses]
        return requests_per_second(urls, [ACCEPT, *peer.headers(PULL)], head=head, seconds=seconds)

    return measure


def _download(contents: Contents, *, proxied: bool) -> Callable[[Peer], float]:
    def measure(peer: Peer) -> float:
        address = peer.proxy if proxied else peer.addresses[0]
        return download(f"http://{address}/v2/{REPOSITORY}/blobs/{contents.large_digest}", peer.headers(PULL))

    return measure


def _push_layer(contents: Contents) -> Callable[[Peer], float]:
    def measure(peer: Peer) -> float:
        digest = contents.fresh_layer()
        os.sync()  # What earlier points left to be written must not count here.
        began = time.monotonic()
        upload(peer, contents.layer, digest)
        return time.monotonic() - began

    return measure


def _push_images(contents: Contents, peer: Peer) -> float:
    os.sync()
    return push_images(peer, contents.scale.images, contents.label())


def enough_disk(directory: Path, scale: Scale) -> bool:
    """Whether the files of a run fit; what each round pushes stays until the end."""
    return shutil.disk_usage(directory).free > 3 * (scale.rounds + 1) * (scale.layer + scale.download)
