"""Many clients after the same thing at once, on PostgreSQL: all get a truthful answer, nobody a 500."""

import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.robustness.clients import client, digest_on, each, with_token
from tests.support.images import Content, image

CLIENTS = 32


def _token(cluster, repository: str) -> str:
    return cluster.instances[0].token(f"repository:{repository}:pull,push,delete")


def test_different_images_to_one_tag(cluster):
    repository = "library/one-tag"
    token = _token(cluster, repository)
    contents = [image(f"contender {number}") for number in range(CLIENTS)]

    def push(number: int) -> None:
        with_token(cluster.instances[number % 2], token).push(repository, contents[number], "latest")

    each(push, range(CLIENTS))  # Every status but success raises.
    seen = {digest_on(with_token(instance, token), repository, "latest") for instance in cluster.instances}
    assert len(seen) == 1
    assert seen < {content.digest for content in contents}
    for content in contents:
        assert with_token(cluster.instances[0], token).pull(repository, content.digest).data == content.data


def test_one_blob_from_everybody(cluster):
    repository = "library/one-blob"
    token = _token(cluster, repository)
    blob = Content("application/octet-stream", b"the same bytes" * 5000)

    def push(number: int) -> int:
        registry = with_token(cluster.instances[number % 2], token)
        location = registry.start_upload(repository)
        return registry.request("PUT", f"{location}?digest={blob.digest}", data=blob.data).status_code

    assert Counter(each(push, range(CLIENTS))) == {201: CLIENTS}
    found = with_token(cluster.instances[1], token).pull_blob(repository, blob.descriptor())
    assert found.data == blob.data


def test_deleting_beside_pushing(cluster):
    """A pusher is told when a blob it counted on was deleted; nothing else goes wrong."""
    repository = "library/delete"
    token = _token(cluster, repository)
    content = image("now here, now gone")

    def push(number: int) -> set[int]:
        registry = with_token(cluster.instances[number % 2], token)
        seen = set()
        for _ in range(6):
            for blob in content.blobs:
                if registry.request("HEAD", f"/v2/{repository}/blobs/{blob.digest}").status_code != 200:
                    location = registry.start_upload(repository)
                    seen.add(registry.request("PUT", f"{location}?digest={blob.digest}", data=blob.data).status_code)
            headers = {"Content-Type": content.media_type}
            path = f"/v2/{repository}/manifests/{number}"
            seen.add(registry.request("PUT", path, data=content.data, headers=headers).status_code)
        return seen

    def delete(number: int) -> set[int]:
        registry = with_token(cluster.instances[number % 2], token)
        paths = [
            f"manifests/{content.digest}",
            *(f"blobs/{blob.digest}" for blob in content.blobs),
            f"manifests/{number}",
        ]
        wanted = [f"/v2/{repository}/{path}" for path in paths * 4]
        return {registry.request("DELETE", path).status_code for path in wanted}

    def act(number: int) -> set[int]:
        return delete(number) if number % 3 == 2 else push(number)

    assert set().union(*each(act, range(12))) <= {201, 202, 404}
    registry = client(cluster.instances[0], repository)
    registry.push(repository, content, "end")
    assert registry.pull(repository, "end").data == content.data


def test_referrers_and_indexes_pushed_beside_each_other(cluster):
    """Repositories lock in one order, so pushes that share blobs and manifests never wait for each other in a circle."""
    names = [f"library/circle{number}" for number in range(4)]
    token = cluster.instances[0].token(*(f"repository:{name}:pull,push,delete" for name in names))
    contents = [image(f"shared {number}", layers=3) for number in range(4)]

    def push(number: int) -> None:
        registry = with_token(cluster.instances[number % 2], token)
        for name, content in itertools.product(names, contents[number % 4 :] + contents[: number % 4]):
            registry.push(name, content, "latest")

    each(push, range(8))


def test_a_flood_of_wrong_passwords_is_slowed_down_and_keeps_nobody_out(cluster):
    instance = cluster.instances[0]
    registry = client(instance, "library/flood")
    content = image("under fire")
    registry.push("library/flood", content, "1")
    stopped, seen = threading.Event(), set()

    def guess(number: int) -> None:
        while not stopped.is_set():
            account = (f"mallory{number % 4}", "wrong")
            answer = instance.http("GET", "/service/token?service=harbor-registry", auth=account)
            seen.add(answer.status_code)

    with ThreadPoolExecutor(12) as pool:
        guesses = [pool.submit(guess, number) for number in range(12)]
        try:
            for number in itertools.count():
                client(instance, "library/flood")  # A login with the right password.
                registry.push("library/flood", content, f"{number}")
                assert digest_on(registry, "library/flood", f"{number}") == content.digest
                if 429 in seen and number > 10:
                    break
        finally:
            stopped.set()
        for guessed in guesses:
            guessed.result()
    assert seen == {401, 429}
