"""Followers of the journal: what they are given, and what becomes of those that fail."""

import threading

import pytest

from audit.consumers import advance
from audit.models import Consumer
from jobs import followers
from jobs.followers import Follower, follow, lags
from tests.audit.helpers import push, write
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """Keeps what it is given; `error` is what it raises instead."""

    def __init__(self):
        self.seen = []
        self.error = None

    def __call__(self, entries):
        if self.error:
            raise self.error
        self.seen += [entry.target for entry in entries]


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def running(monkeypatch):
    """A function that runs followers as a worker does, until the test ends."""
    monkeypatch.setattr(followers, "PAUSE", 0.01)
    stopped, threads = threading.Event(), []

    def start(*those):
        for follower in those:
            threads.append(threading.Thread(target=follower.run, args=[stopped]))
            threads[-1].start()
        wait_until(lambda: Consumer.objects.count() >= len({each.name for each in those}), "they are subscribed")

    yield start
    stopped.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("outside", [False, True])
def test_a_follower_is_given_what_is_recorded_after_it_was_met(reader, running, outside):
    write("before")
    running(Follower("mail", reader, "head", outside))
    push("a", "b")
    wait_until(lambda: reader.seen == ["a", "b"], "the entries have arrived")
    push("c")
    wait_until(lambda: reader.seen == ["a", "b", "c"], "the next has arrived")


def test_a_follower_may_begin_with_the_first_entry(reader, running):
    write("before")
    running(Follower("mail", reader, "start", False))
    wait_until(lambda: reader.seen == ["before"], "the entry has arrived")


def test_two_workers_share_the_entries(reader, running):
    follower = Follower("mail", reader, "start", False)
    running(follower, follower)
    names = [f"entry {number}" for number in range(40)]
    push(*names)
    wait_until(lambda: len(reader.seen) >= 40, "the entries have arrived")
    assert reader.seen == names


def test_a_follower_that_fails_is_told_and_tried_again_and_the_others_go_on(reader, running, caplog):
    broken = Reader()
    broken.error = ConnectionError("the mail server is away")
    running(Follower("broken", broken, "start", False), Follower("mail", reader, "start", False))
    push("a")
    wait_until(lambda: reader.seen == ["a"], "the other one has it")
    wait_until(lambda: "broken failed: the mail server is away" in caplog.text, "the log tells")
    broken.error = None
    wait_until(lambda: broken.seen == ["a"], "it is given what it missed")


def test_what_waits_for_a_follower_is_seen(monkeypatch, reader):
    monkeypatch.setattr(followers, "_followers", {})
    follow("mail", start="start")(reader)
    write("a", "b")
    assert lags()["mail"].entries == 2
    advance("mail", reader)
    assert lags()["mail"].entries == 0


def test_a_look_at_a_journal_without_news_writes_nothing(django_assert_max_num_queries, reader):
    follower = Follower("mail", reader, "start", False)
    write("a")
    follower.subscribe()
    follower.catch_up(threading.Event())
    with django_assert_max_num_queries(3) as queries:
        follower.subscribe()
        follower.catch_up(threading.Event())
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def test_a_name_is_taken_by_one_follower_only(monkeypatch, reader):
    monkeypatch.setattr(followers, "_followers", {})
    follow("mail")(reader)
    with pytest.raises(ValueError, match="two followers called mail"):
        follow("mail")(reader)
