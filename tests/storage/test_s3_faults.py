"""What S3 services do to the driver, and what only S3 does: absent buckets, rival instances, copies in parts, signed URLs."""

import uuid
from datetime import timedelta

import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from registry.storage.errors import NoSpace, NotFound, Unavailable
from registry.storage.factory import driver_from_url
from registry.storage.paths import blob_path, upload_path
from registry.storage.s3_errors import classify_s3_error
from tests.storage.suite import DATA, paths, stored

BLOB = blob_path("sha256:" + "ab" * 32)
UPLOAD = upload_path(uuid.UUID(int=1))
SOON = timedelta(minutes=5)


@pytest.fixture
def bucket(s3):
    return s3.bucket()


@pytest.fixture
def driver(s3, bucket):
    return driver_from_url(s3.url(bucket))


def test_a_missing_bucket_is_not_a_missing_object(s3):
    driver = driver_from_url(s3.url("no-such-bucket"))
    for verb in (
        driver.check,
        lambda: driver.stat(BLOB),
        lambda: driver.read(BLOB),
        lambda: driver.put(BLOB, b"x"),
        lambda: driver.delete(BLOB),
        lambda: list(driver.walk("")),
    ):
        with pytest.raises(Unavailable):
            verb()


@pytest.mark.usefixtures("small_parts")
def test_of_two_instances_only_the_one_whose_checkpoint_is_kept_counts(s3, bucket, driver):
    rival = driver_from_url(s3.url(bucket))
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(DATA[:400_000])
        state = writer.state()
    with (
        driver.upload(UPLOAD, offset=400_000, state=state) as kept,
        rival.upload(UPLOAD, offset=400_000, state=state) as lost,
    ):
        lost.write(b"lost" * 60_000)
        kept.write(DATA[400_000:800_000])
        state = kept.state()
    with rival.upload(UPLOAD, offset=800_000, state=state) as writer:
        writer.commit(BLOB)
    assert stored(driver, BLOB) == DATA[:800_000]


@pytest.mark.usefixtures("small_parts")
def test_parts_that_a_rival_replaced_are_missed_rather_than_mixed_in(s3, bucket, driver):
    rival = driver_from_url(s3.url(bucket))
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(DATA[:100_000])
        state = writer.state()
    with driver.upload(UPLOAD, offset=100_000, state=state) as kept:
        kept.write(DATA[100_000:500_000])
        checkpoint = kept.state()
        with rival.upload(UPLOAD, offset=100_000, state=state) as lost:
            lost.write(b"lost" * 100_000)
        with pytest.raises(NotFound):
            kept.commit(BLOB)
    with pytest.raises(NotFound):
        driver.upload(UPLOAD, offset=500_000, state=checkpoint)
    driver.delete(UPLOAD)
    assert paths(driver) == set()


@pytest.mark.usefixtures("small_parts")
def test_an_upload_killed_before_its_first_checkpoint_is_found_and_removed(driver):
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        writer.write(DATA)
    assert paths(driver, "uploads") == {UPLOAD}
    driver.delete(UPLOAD)
    assert paths(driver) == set()


def test_checkpoints_do_not_pile_up(s3, bucket, driver):
    state = {}
    for size in range(0, 5000, 1000):
        with driver.upload(UPLOAD, offset=size, state=state) as writer:
            writer.write(DATA[size : size + 1000])
            state = writer.state()
    assert len(s3.client.list_objects_v2(Bucket=bucket)["Contents"]) <= 2
    with driver.upload(UPLOAD, offset=5000, state=state) as writer:
        writer.commit(BLOB)
    assert paths(driver) == {BLOB}
    assert stored(driver, BLOB) == DATA[:5000]


def test_blobs_too_large_for_one_copy_request_are_copied_in_parts(driver, monkeypatch):
    limits = TransferConfig(multipart_threshold=6 * 1024**2, multipart_chunksize=5 * 1024**2)
    monkeypatch.setattr("registry.storage.s3_bucket.COPY", limits)
    with driver.upload(UPLOAD, offset=0, state={}) as writer:
        for _ in range(5):
            writer.write(DATA)
        writer.commit(BLOB)
    assert stored(driver, BLOB) == DATA * 5
    assert paths(driver) == {BLOB}


def test_a_signed_url_downloads_the_object(driver):
    driver.put(BLOB, b"content")
    url = driver.url(BLOB, expires=SOON, content_type="application/x-layer", filename='a "b".tar')
    answer = requests.get(url, timeout=10)
    assert answer.content == b"content"
    assert answer.headers["Content-Type"] == "application/x-layer"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a \\"b\\".tar"'
    assert requests.get(driver.url(BLOB, expires=SOON), timeout=10).content == b"content"


def test_clients_that_cannot_reach_the_service_are_not_sent_there(s3, bucket):
    assert driver_from_url(s3.url(bucket, redirect="false")).url(BLOB, expires=SOON) is None


def _answer(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (_answer("NoSuchKey", 404), NotFound),
        (_answer("NoSuchUpload", 404), NotFound),
        (_answer("NoSuchBucket", 404), Unavailable),
        (_answer("AccessDenied", 403), Unavailable),
        (_answer("SlowDown", 503), Unavailable),
        (_answer("QuotaExceeded", 403), NoSpace),
        (_answer("InsufficientStorage", 507), NoSpace),
        (EndpointConnectionError(endpoint_url="http://s3"), Unavailable),
        (ReadTimeoutError(endpoint_url="http://s3"), Unavailable),
        (ConnectionResetError(), Unavailable),
        (TypeError(), None),
    ],
)
def test_what_services_answer_is_understood(error, expected):
    assert classify_s3_error(error) is expected
