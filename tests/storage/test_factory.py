"""A storage URL chooses its driver, or is refused with a sentence that helps and gives no secret away."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from registry.storage.factory import driver_from_url


def test_a_file_url_names_a_directory(tmp_path):
    driver = driver_from_url(f"file://{tmp_path}/with%20space")
    assert driver.name == "filesystem"
    assert driver.local_path("blobs/x") == tmp_path / "with space" / "blobs" / "x"


def test_nothing_is_created_or_contacted_before_first_use(tmp_path):
    driver_from_url(f"file://{tmp_path}/store")
    driver_from_url("s3://key:secret@192.0.2.1:1/bucket")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "bucket", "prefix", "settings"),
    [
        ("s3://images", "images", "", {"endpoint_url": None, "region_name": None}),
        ("s3://images/a/b/?region=eu-west-1", "images", "a/b/", {"region_name": "eu-west-1"}),
        ("s3://images?endpoint=https://ceph:8443", "images", "", {"endpoint_url": "https://ceph:8443"}),
        (
            "s3://k:s%2F%40@ceph/images",
            "images",
            "",
            {"endpoint_url": "https://ceph", "access_key": "k", "secret_key": "s/@"},
        ),
        ("s3://k:s@ceph:9000/images/p?secure=false", "images", "p/", {"endpoint_url": "http://ceph:9000"}),
    ],
)
def test_s3_urls(monkeypatch, url, bucket, prefix, settings):
    for name in ("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    driver = driver_from_url(url).driver
    assert driver._storage.bucket_name == bucket
    assert driver._prefix == prefix
    assert {name: getattr(driver._storage, name) for name in settings} == settings


def test_options_of_other_backends_are_json_or_text(tmp_path):
    backend = "django.core.files.storage.FileSystemStorage"
    options = f"location={tmp_path}/a&file_permissions_mode=384&base_url=null"
    storage = driver_from_url(f"django-storages+{backend}://?{options}&spool={tmp_path}/b").driver._storage
    assert Path(storage.location) == tmp_path / "a"
    assert storage.file_permissions_mode == 0o600


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "Known are: file:///"),
        ("/var/lib/store", "Known are: file:///"),
        ("fiel:///store", "'fiel://'"),
        ("S3://key:hush@host/bucket", "Known are"),
        ("file://store", "absolute path"),
        ("file://", "absolute path"),
        ("file:///store?x=hush", "no options"),
        ("s3://", "s3://bucket/prefix"),
        ("s3://key@host/bucket", "s3://key:secret@host"),
        ("s3://key:hush@host", "s3://key:secret@host"),
        ("s3://key:hush@host/bucket?regoin=x", "'regoin'"),
        ("s3://key:hush@host/bucket?secure=no", "secure"),
        ("s3://key:hush@host/bucket?endpoint=http://x", "endpoint"),
        ("s3://key:hush@host/bucket?region", "name=value"),
        ("django-storages+no.Such://?spool=/x", "no.Such"),
        ("django-storages+django.core.files.storage.FileSystemStorage://?location=/x", "spool="),
        ("django-storages+django.core.files.storage.FileSystemStorage://?secret=hush&spool=/x", "secret"),
    ],
)
def test_what_is_not_understood_is_refused(url, hint):
    with pytest.raises(ImproperlyConfigured) as error:
        driver_from_url(url)
    assert hint in str(error.value)
    assert "hush" not in str(error.value)
