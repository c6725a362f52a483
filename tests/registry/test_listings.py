"""Tags and the catalog, in pages."""

import re
from urllib.parse import quote

import pytest

from registry.distribution import listings
from registry.models import Manifest, Namespace, Repository, Tag
from tests.registry.conftest import ALL, BASE, REPOSITORY, Someone, expect, push, upload
from tests.support.images import image

# In the order of their bytes, which is not that of any language.
TAGS = [
    "1.0",
    "10",
    "9",
    "A",
    "B-1",
    "B.1",
    "B_1",
    "_",
    "a",
    "a-1",
    "a.1",
    "a1",
    "aB",
    "ab",
    "index",
    "index-of-index",
    "z",
]
LINK = re.compile(r'<(?P<url>[^>]+)>; rel="next"')


@pytest.fixture
def tagged(client):
    push(client, image(), *reversed(TAGS))
    return f"{BASE}/tags/list"


def walk(client, url, key):
    """All that the pages give, and how many pages there were."""
    found, pages = [], 0
    while url:
        answer = expect(client.get(url), 200)
        found += answer.json[key]
        pages += 1
        match = LINK.fullmatch(answer.headers.get("link", ""))
        url = match["url"] if match else ""
        assert pages < 100
    return found, pages


def test_all_tags_in_the_order_of_their_bytes(client, tagged):
    answer = expect(client.get(tagged), 200)
    assert answer.json == {"name": REPOSITORY, "tags": TAGS}
    assert answer.headers["content-type"] == "application/json"
    assert "link" not in answer.headers


@pytest.mark.parametrize("size", [1, 3, len(TAGS) - 1, len(TAGS), 1000])
def test_links_lead_through_all_pages(client, tagged, size):
    assert walk(client, f"{tagged}?n={size}", "tags") == (TAGS, -(-len(TAGS) // size))


def test_last_need_not_exist(client, tagged):
    assert client.get(f"{tagged}?last=9x").json["tags"] == TAGS[3:]
    assert client.get(f"{tagged}?n=2&last=a-1").json["tags"] == ["a.1", "a1"]
    assert client.get(f"{tagged}?last=z").json["tags"] == []
    assert client.get(f"{tagged}?last=").json["tags"] == TAGS


@pytest.mark.parametrize("last", ["%E2%9A%93", "%F4%8F%BF%BF", "z" * 5000])
def test_last_may_be_anything(client, tagged, last):
    assert client.get(f"{tagged}?last={last}").json["tags"] == []


def test_none_asked_for_none_given(client, tagged):
    answer = expect(client.get(f"{tagged}?n=0"), 200)
    assert answer.json["tags"] == []
    assert "link" not in answer.headers


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "0x10", " 1", "1e3", "²"])
def test_a_number_that_is_none(client, tagged, n):
    for url in (tagged, "/v2/_catalog"):
        expect(client.get(f"{url}?n={quote(n, safe='%')}"), 400, "PAGINATION_NUMBER_INVALID")


def test_a_number_beyond_measure(client, tagged):
    assert client.get(f"{tagged}?n={'9' * 500}").json["tags"] == TAGS


def test_a_repository_without_tags_and_one_that_is_not_there(client):
    url = f"{BASE}/tags/list"
    expect(client.get(url), 404, "NAME_UNKNOWN")
    upload(client, b"a blob")
    assert client.get(url).json == {"name": REPOSITORY, "tags": []}


def test_no_page_is_larger_than_the_limit(client, tagged, monkeypatch):
    monkeypatch.setattr(listings, "_TAG_PAGE_LIMIT", 5)
    assert len(client.get(f"{tagged}?n=1000").json["tags"]) == 5
    assert walk(client, tagged, "tags") == (TAGS, 4)


def test_thousands_of_tags(client):
    push(client, image(), "first")
    repository, manifest = Repository.objects.get(), Manifest.objects.get()
    names = sorted(f"v{number}" for number in range(3000))
    Tag.objects.bulk_create([Tag(repository=repository, name=name, manifest=manifest) for name in names])
    assert walk(client, f"{BASE}/tags/list?n=400", "tags") == (["first", *names], 8)


# --- the catalog ------------------------------------------------------------------------------------------------------

REPOSITORIES = ["a/b", "a/b-c", "a/b.c", "a/b/c", "a/b/c/d/e/f", "a/b0", "a/b_c", "a/ba", "b/a"]


@pytest.fixture
def stocked(client):
    for name in ("a", "b"):
        Namespace.objects.create(name=name)
    for name in reversed(REPOSITORIES):
        upload(client, b"", repository=name)


def test_all_repositories_in_the_order_of_their_bytes(client, stocked):
    assert expect(client.get("/v2/_catalog"), 200).json == {"repositories": REPOSITORIES}


@pytest.mark.parametrize("size", [1, 4, 9])
def test_links_lead_through_the_catalog(client, stocked, size):
    assert walk(client, f"/v2/_catalog?n={size}", "repositories") == (REPOSITORIES, -(-9 // size))


def test_the_catalog_after_what_is_not_there(client, stocked):
    assert client.get("/v2/_catalog?last=a/b.d").json["repositories"] == REPOSITORIES[3:]
    assert client.get("/v2/_catalog?n=0").json["repositories"] == []


def test_the_catalog_is_for_those_who_may_see_everything(client, new_instance, doorkeeper):
    doorkeeper.people[b"Bearer worker"] = Someone("worker", {"*": ALL})
    expect(new_instance("worker").get("/v2/_catalog"), 403, "DENIED")
    answer = expect(new_instance("").get("/v2/_catalog"), 401, "UNAUTHORIZED")
    assert 'scope="registry:catalog:*"' in answer.headers["www-authenticate"]
