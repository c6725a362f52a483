"""What the registry learns from the journal of pulls."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from registry.followers import count_pulls
from registry.models import Manifest, Repository, Tag
from registry.services.clearing import clear_repository
from registry.services.repositories import delete_repository
from tests.registry.conftest import push
from tests.support.images import image

ONE, TWO = image("one"), image("two")


@pytest.fixture
def at():
    """When the pulls were, long after the pushes."""
    return datetime.now(UTC) + timedelta(hours=1)


def pull(target, digest, at, count=1):
    after = {"digest": digest} if digest else None
    return Entry(action="manifest.pull", actor="a", kind="user", target=target, after=after, at=at, count=count)


def test_pulls_are_counted_and_dated(client, at):
    push(client, ONE, "one")
    push(client, TWO, "two", repository="library/other")
    count_pulls(
        [
            pull("library/app:one", ONE.digest, at, count=5),
            pull(f"library/app@{ONE.digest}", ONE.digest, at + timedelta(seconds=9)),
            pull("library/other:two", TWO.digest, at),
            Entry(action="manifest.push", actor="a", kind="user", target="library/other@x", at=at),
        ]
    )
    assert dict(Repository.objects.values_list("name", "pull_count")) == {"library/app": 6, "library/other": 1}
    assert Manifest.objects.get(digest=ONE.digest).pulled_at == at + timedelta(seconds=9)
    assert Tag.objects.get(name="one").pulled_at == at


def test_counts_add_up_and_dates_never_go_back(client, at):
    push(client, ONE, "one")
    for when in (at, at - timedelta(minutes=1)):
        count_pulls([pull("library/app:one", ONE.digest, when)])
    assert Repository.objects.get().pull_count == 2
    assert Tag.objects.get().pulled_at == Manifest.objects.get().pulled_at == at


def test_pulls_of_what_is_gone_count_for_nobody(client, at):
    push(client, ONE, "one")
    earlier = datetime.now(UTC)
    delete_repository(origin=SYSTEM, name="library/app")
    clear_repository(Repository.objects.get().pk, origin=SYSTEM, name="library/app")
    push(client, ONE, "one")
    count_pulls(
        [
            pull("library/app:one", ONE.digest, earlier),
            pull("library/nothing:one", ONE.digest, at),
            pull("no name at all", None, at),
            pull("", "no digest", at),
        ]
    )
    assert Repository.objects.get().pull_count == 0
    assert Manifest.objects.get().pulled_at is None


def test_a_batch_of_many_costs_four_statements(client, at, django_assert_num_queries):
    push(client, ONE, "one", "two", "three")
    targets = [f"library/app:{tag}" for tag in ("one", "two", "three")] * 100
    with django_assert_num_queries(4):
        count_pulls([pull(target, ONE.digest, at) for target in targets])
    assert Repository.objects.get().pull_count == 300
    with django_assert_num_queries(0):
        count_pulls([])
