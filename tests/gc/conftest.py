"""A registry of the test's own: its namespace, its store, and what tests do to them."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from audit.origin import SYSTEM
from registry import selectors, statements
from registry.models import Namespace
from registry.oci.errors import OCIError
from registry.services import blobs, manifests, uploads
from registry.storage import paths
from registry.storage.base import StorageDriver
from registry.storage.errors import NotFound
from registry.store import store
from tests.support.images import Content, Manifest


class Shore:
    """The registry's verbs as a client calls them, in this process."""

    def __init__(self, storage_url: str) -> None:
        self.storage_url = storage_url

    @property
    def store(self) -> StorageDriver:
        return store()

    def push_blob(self, repository: str, blob: Content) -> None:
        """Uploads a blob, as a client does whose HEAD did not find it."""
        upload = uploads.begin_upload(origin=SYSTEM, repository=repository)
        with uploads.open_upload(upload) as appender:
            appender.write(blob.data)
            uploads.finish_upload(appender, origin=SYSTEM, repository=repository, digest=blob.digest)

    def put(self, repository: str, image: Manifest, *tags: str) -> None:
        manifests.put_manifest(
            origin=SYSTEM,
            repository=repository,
            digest="",
            tags=tags,
            payload=image.data,
            content_type=image.media_type,
        )

    def push(self, repository: str, image: Manifest, tag: str = "1") -> None:
        """Uploads what the repository does not show, then the manifest. Raises OCIError."""
        for blob in image.blobs:
            if not self.shows(repository, blob):
                self.push_blob(repository, blob)
        self.put(repository, image, tag)

    def push_until_taken(self, repository: str, image: Manifest, tag: str = "1") -> None:
        """Pushes again whenever the registry says that a blob has gone meanwhile, as people do."""
        while True:
            with suppress(OCIError):
                return self.push(repository, image, tag)

    def push_blob_until_taken(self, repository: str, blob: Content) -> None:
        """Uploads again when garbage collection without a grace period took the bytes on their way."""
        while True:
            with suppress(OCIError):
                return self.push_blob(repository, blob)

    def mount(self, source: str, repository: str, blob: Content) -> bool:
        return blobs.mount_blob(origin=SYSTEM, repository=repository, source=source, digest=blob.digest)

    def delete(self, repository: str, image: Manifest) -> None:
        manifests.delete_manifest(origin=SYSTEM, repository=repository, digest=image.digest)

    def shows(self, repository: str, blob: Content) -> bool:
        found = statements.find_blob(repository, blob.digest)
        return found is not None and found.size is not None

    def bytes_of(self, blob: Content) -> bytes | None:
        """What the store has under the blob's digest."""
        try:
            return b"".join(self.store.read(paths.blob_path(blob.digest)))
        except NotFound:
            return None

    def is_whole(self, repository: str, image: Manifest) -> bool:
        """Whether the image can be pulled, byte for byte."""
        found = selectors.find_manifest(repository, image.digest)
        blobs_whole = all(self.shows(repository, blob) and self.bytes_of(blob) == blob.data for blob in image.blobs)
        return found is not None and found.payload == image.data and blobs_whole

    def files(self) -> set[str]:
        """Every path in the store."""
        return {stat.path for stat in self.store.walk("")}

    def environment(self, data: Path) -> dict[str, str]:
        """For another process on the same database and store."""
        return os.environ | {
            "PORTOLAN_DATABASE_URL": _database_url(),
            "PORTOLAN_STORAGE_URL": self.storage_url,
            "PORTOLAN_DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }


@pytest.fixture
def shore(transactional_db, settings, tmp_path):
    """An empty registry with the namespace library."""
    settings.STORAGE_URL = f"file://{tmp_path}/store"
    store.cache_clear()
    Namespace.objects.create(name="library")
    yield Shore(settings.STORAGE_URL)
    store.cache_clear()


def _database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = f"{quote(settings['USER'])}:{quote(settings['PASSWORD'])}"
    return f"postgresql://{user}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
