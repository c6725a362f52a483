"""Paths and the digests and uploads they stand for."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.storage import paths
from registry.storage.errors import InvalidPath

SHA256 = "sha256:" + "0a" * 32
SHA512 = "sha512:" + "0b" * 64
UPLOAD = uuid.UUID(int=5)


def test_the_tree():
    assert paths.blob_path(SHA256) == f"blobs/sha256/0a/{'0a' * 32}"
    assert paths.blob_path(SHA512) == f"blobs/sha512/0b/{'0b' * 64}"
    assert paths.quarantine_path(SHA256) == f"quarantine/sha256/{'0a' * 32}"
    assert paths.upload_path(UPLOAD) == f"uploads/{UPLOAD}"


def test_a_path_tells_what_it_stands_for():
    assert paths.blob_digest(paths.blob_path(SHA256)) == SHA256
    assert paths.blob_digest(paths.blob_path(SHA512)) == SHA512
    assert paths.upload_id(paths.upload_path(UPLOAD)) == UPLOAD


@pytest.mark.parametrize(
    "path",
    [
        f"blobs/sha256/0a/{'0a' * 31}",
        f"blobs/sha256/0b/{'0a' * 32}",
        f"blobs/sha256/0a/{'0A' * 32}",
        f"blobs/sha512/0a/{'0a' * 32}",
        f"blobs/sha256/0a/{'0a' * 32}\n",
        f"uploads/{UPLOAD.hex}",
        f"uploads/{UPLOAD}.part",
        f"blobs/{UPLOAD}",
        "",
    ],
)
def test_what_we_did_not_store_stands_for_nothing(path):
    assert paths.blob_digest(path) is None
    assert paths.upload_id(path) is None


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../..", "md5:" + "0" * 32, SHA256.upper(), SHA256 + "\n"])
def test_no_path_is_made_of_what_is_no_digest(digest):
    for make in (paths.blob_path, paths.quarantine_path):
        with pytest.raises(InvalidPath):
            make(digest)


@settings(database=None)
@given(st.text(st.sampled_from("ab./\\\0\n-_~%\u00e4 "), max_size=12))
def test_no_valid_path_leaves_the_store(text):
    if paths.is_path(text):
        parts = text.split("/")
        assert all(part and not part.startswith(".") for part in parts)
        assert "\\" not in text
        assert text.isprintable()
        assert text.isascii()
