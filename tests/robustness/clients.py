"""Many clients at once, and what they must find afterwards."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests

from tests.support.images import Manifest, image
from tests.support.portolan import Portolan
from tests.support.processes import CommandFailed
from tests.support.registry import Registry

T = TypeVar("T")


def client(instance: Portolan, *repositories: str) -> Registry:
    """A client of its own connection with a token for everything in the repositories."""
    token = instance.token(*(f"repository:{name}:pull,push,delete" for name in repositories))
    return with_token(instance, token)


def with_token(instance: Portolan, token: str) -> Registry:
    found = Registry(instance.url)
    found.session.headers["Authorization"] = f"Bearer {token}"
    return found


def each(function: Callable[[Any], T], values: Iterable[Any]) -> list[T]:
    """Calls the function with every value, all at once. Raises what the first of them raised."""
    values = list(values)
    with ThreadPoolExecutor(len(values)) as pool:
        return list(pool.map(function, values))


def pushed(instance: Portolan, repository: str, text: str, tag: str = "1") -> Manifest:
    """An image that has been pushed."""
    content = image(text)
    client(instance, repository).push(repository, content, tag)
    return content


def digest_on(registry: Registry, repository: str, tag: str) -> str:
    """What a GET of the tag gives."""
    answer = registry.request("GET", f"/v2/{repository}/manifests/{tag}")
    answer.raise_for_status()
    return answer.headers["Docker-Content-Digest"]


def assert_refused(answer: requests.Response, status: int, code: str) -> None:
    """A failure that passes: in the envelope, with a time to come back, and with nothing of our insides."""
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["code"] == code
    assert int(answer.headers["Retry-After"]) > 0
    assert "Traceback" not in answer.text


def assert_sound(instance: Portolan, repositories: Iterable[str]) -> None:
    """Every tag can be pulled whole, the journal verifies, and the store has just what the database says."""
    for repository in repositories:
        registry = client(instance, repository)
        for tag in registry.tags(repository):
            registry.pull(repository, tag)  # It checks every digest.
    instance.manage("audit", "seal")
    assert "as it was sealed" in instance.manage("audit", "verify")
    instance.manage("jobs", "run", "registry.purge-uploads", "older_than_seconds=0")
    instance.manage("gc", "--grace", "0")
    try:
        assert "agree" in instance.manage("fsck", "--verify", "--grace", "0")
    except CommandFailed as failure:
        raise AssertionError(str(failure)) from None
