"""From the spool to the journal: every event exactly once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit import ingestion
from audit.events import Event, parse
from audit.ingestion import ingest
from audit.models import Entry, EntryQuerySet, SpoolSegment
from audit.spool import Spool, encoded
from tests.audit.helpers import meanwhile, spooled

pytestmark = pytest.mark.django_db(transaction=True)

PULL = {
    "actor": "robot$ci",
    "kind": "robot",
    "credential": "17",
    "address": "192.0.2.7",
    "user_agent": "docker/28.0",
    "action": "manifest.pull",
    "project": "library",
    "target": "library/hello:1",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(directory: Path):
    spool = Spool(directory)
    yield spool
    spool.close()


def pulls(*targets: str) -> list[dict[str, str]]:
    return [PULL | {"target": target} for target in targets]


def ingest_all(directory: Path) -> None:
    while ingest(directory):
        pass


def ingested() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("target", flat=True))


def dead_segment(directory: Path, content: bytes) -> Path:
    """What a writer left that has died."""
    directory.mkdir(exist_ok=True)
    path = directory / "1-dead.jsonl"
    path.write_bytes(content)
    return path


def test_a_pull_becomes_an_entry(spool: Spool, directory: Path):
    spool.append(encoded(PULL), "r-1", at=1_700_000_000.25)
    assert ingest(directory) == 1
    entry = Entry.objects.get()
    assert {name: getattr(entry, name) for name in PULL} == PULL
    assert entry.at == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)
    assert (entry.request_id, entry.result, entry.count) == ("r-1", "success", 1)
    assert (entry.before, entry.after) == (None, None)


def test_a_live_idle_writer_is_read_without_waiting_for_it(spool: Spool, directory: Path):
    spool.append(encoded(pulls("a")[0]))
    assert [ingest(directory), ingest(directory)] == [1, 0]
    spool.append(encoded(pulls("b")[0]))
    assert [ingest(directory), ingest(directory)] == [1, 0]
    assert ingested() == ["a", "b"]
    assert len(list(directory.iterdir())) == 1


def test_what_a_writer_left_is_removed_once_it_is_taken_in(spool: Spool, directory: Path):
    for event in pulls("a", "b"):
        spool.append(encoded(event))
    spool.close()
    ingest_all(directory)
    assert ingested() == ["a", "b"]
    assert list(directory.iterdir()) == []
    assert not SpoolSegment.objects.exists()


def test_a_missing_spool_is_an_empty_one(directory: Path):
    assert ingest(directory) == 0


def test_identical_pulls_are_folded(spool: Spool, directory: Path):
    for second, target in enumerate(["a", "a", "b", "a"]):
        spool.append(encoded(PULL | {"target": target}), f"r-{second}", at=1_700_000_000 + second)
    spool.append(encoded(PULL | {"target": "a", "user_agent": "podman"}))
    spool.append(encoded(PULL | {"target": "a", "digest": "sha256:aa"}))
    spool.append(encoded(PULL | {"target": "a", "digest": "sha256:bb"}))
    assert ingest(directory) == 7
    folded, other, podman, aa, bb = Entry.objects.order_by("id")
    assert (folded.target, folded.count, folded.request_id) == ("a", 3, "r-0")
    assert folded.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert folded.after == {"last": "2023-11-14T22:13:23+00:00"}
    assert (other.target, other.count, other.after) == ("b", 1, None)
    assert (podman.user_agent, podman.count) == ("podman", 1)
    assert (aa.after, bb.after) == ({"digest": "sha256:aa"}, {"digest": "sha256:bb"})


def test_a_long_segment_is_taken_in_by_batches(spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1000)
    names = [f"t{number}" for number in range(20)]
    for event in pulls(*names):
        spool.append(encoded(event))
    assert 0 < ingest(directory) < 20
    ingest_all(directory)
    assert ingested() == names


@pytest.mark.parametrize("batch_bytes", [10, 2**20])
def test_a_line_still_being_written_waits_for_its_end(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch, batch_bytes: int
):
    spool.append(encoded(PULL))
    ingest(directory)
    (path,) = directory.iterdir()
    line = spooled(PULL | {"target": "late"})
    with path.open("ab") as file:
        file.write(line[:9])
        file.flush()
        assert ingest(directory) == 0
        file.write(line[9:] + b"\n")
    monkeypatch.setattr(ingestion, "BATCH_BYTES", max(batch_bytes, len(line) + 1))
    assert ingest(directory) == 1
    assert ingested() == ["library/hello:1", "late"]


def test_the_torn_line_of_a_dead_writer_is_skipped(directory: Path, caplog: pytest.LogCaptureFixture):
    whole = spooled(PULL)
    path = dead_segment(directory, whole + b"\n" + whole[:50])
    ingest_all(directory)
    assert ingested() == ["library/hello:1"]
    assert not path.exists()
    assert "held 1 lines that are no event" in caplog.text


HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b"\0" * 100,
    b"[" * 100_000,
    b'{"at":1}',
    b"9" * 5000,
    *(
        spooled(PULL | change)
        for change in (
            {"at": "now"},
            {"at": None},
            {"at": 1e300},
            {"at": float("nan")},
            {"at": 10**30},
            {"actor": ""},
            {"actor": 7},
            {"target": {"a": []}},
            {"result": None},
            {"action": ["manifest.pull"]},
        )
    ),
]


def test_hostile_lines_are_skipped_and_counted(directory: Path, caplog: pytest.LogCaptureFixture):
    whole = spooled(PULL)
    dead_segment(directory, b"\n".join([*HOSTILE, whole]) + b"\n")
    ingest_all(directory)
    assert ingested() == ["library/hello:1"]
    assert f"held {len(HOSTILE)} lines that are no event" in caplog.text


def test_a_line_longer_than_a_batch_is_skipped(directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1000)
    whole = spooled(PULL)
    dead_segment(directory, b"x" * 5500 + b"\n" + whole + b"\n")
    ingest_all(directory)
    assert ingested() == ["library/hello:1"]
    assert list(directory.iterdir()) == []


def test_text_of_any_kind_fits_the_journal(spool: Spool, directory: Path):
    hostile = "\0\ud800🐳" * 2000
    spool.append(encoded(PULL | dict.fromkeys(PULL, hostile)))
    assert ingest(directory) == 1
    assert Entry.objects.get().actor


@given(
    st.binary()
    | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_no_line_is_fatal(line: bytes):
    assert parse(line) is None


@given(st.dictionaries(st.sampled_from(["at", *PULL]), st.text() | st.integers() | st.floats()))
def test_a_line_is_an_event_or_none(change: dict[str, object]):
    event = parse(spooled(PULL | change))
    assert event is None or isinstance(event, Event)


class Killed(BaseException):
    """Stands for `kill -9`: nothing catches it."""


def die(*_args: object, **_kwargs: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (SpoolSegment, "save"),
        (EntryQuerySet, "bulk_create"),
        (Path, "unlink"),
        (ingestion.logger, "warning"),
    ],
    ids=["before the offset", "before the entries", "before the file is removed", "before the row is removed"],
)
def test_killed_between_any_two_steps_it_takes_in_every_event_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch, where: object, what: str
):
    lines = b"".join(spooled(event) + b"\n" for event in pulls("a", "b"))
    dead_segment(directory, b"not an event\n" + lines)
    with monkeypatch.context() as killer:
        killer.setattr(where, what, die)
        with pytest.raises(Killed):
            ingest(directory)
    ingest_all(directory)
    assert ingested() == ["a", "b"]
    assert list(directory.iterdir()) == []


def test_an_ingester_that_opened_a_file_another_one_finished_takes_nothing(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
):
    spool.append(encoded(PULL))
    spool.close()
    lock = ingestion._is_complete

    def late(file) -> bool:
        monkeypatch.setattr(ingestion, "_is_complete", lock)
        ingest_all(directory)
        return lock(file)

    monkeypatch.setattr(ingestion, "_is_complete", late)
    assert ingest(directory) == 0
    assert ingested() == ["library/hello:1"]
    assert not SpoolSegment.objects.exists()


def test_writers_and_ingesters_at_work_together_lose_and_double_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("audit.spool.SEGMENT_BYTES", 2000)
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1000)
    running = []

    def write() -> None:
        spool = Spool(directory)
        for _ in range(100):
            spool.append(encoded(PULL))
        spool.close()

    def take_in() -> None:
        while any(writer.is_alive() for writer in running) or ingest(directory):
            ingest(directory)

    running += [meanwhile(write) for _ in range(3)]
    for ingester in [meanwhile(take_in) for _ in range(2)]:
        ingester.join()
    ingest_all(directory)
    assert Entry.objects.aggregate(pulls=Sum("count"))["pulls"] == 300
    assert list(directory.iterdir()) == []


def test_rows_of_spools_that_never_came_back_are_forgotten_after_a_year(spool: Spool, directory: Path):
    SpoolSegment.objects.create(name="old")
    SpoolSegment.objects.update(updated_at=timezone.now() - timedelta(days=400))
    SpoolSegment.objects.create(name="recent")
    spool.append(encoded(PULL))
    spool.close()
    ingest_all(directory)
    assert [segment.name for segment in SpoolSegment.objects.all()] == ["recent"]


def test_a_segment_that_lost_its_end_in_a_power_cut_is_finished(directory: Path):
    path = dead_segment(directory, b"")
    SpoolSegment.objects.create(name=path.name, offset=1000)
    ingest_all(directory)
    assert list(directory.iterdir()) == []


def test_of_two_ingesters_that_read_the_same_lines_one_takes_them_in(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
):
    spool.append(encoded(PULL))
    take_in = ingestion._take_in

    def late(*args: object) -> SpoolSegment | None:
        monkeypatch.setattr(ingestion, "_take_in", take_in)
        assert ingest(directory) == 1
        return take_in(*args)

    monkeypatch.setattr(ingestion, "_take_in", late)
    assert ingest(directory) == 0
    assert ingested() == ["library/hello:1"]
