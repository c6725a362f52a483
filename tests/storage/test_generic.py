"""The generic driver keeps the promises of all drivers, over a backend that overwrites and one that does not."""

import pytest

from tests.storage.suite import DriverSuite, stored


class TestRenamingBackend(DriverSuite):
    @pytest.fixture
    def url(self, tmp_path):
        backend = "django.core.files.storage.FileSystemStorage"
        return f"django-storages+{backend}://?location={tmp_path}/store&spool={tmp_path}/spool"

    def test_committing_again_never_takes_the_object_away(self, driver, path, upload, monkeypatch):
        driver.put(path, b"content")
        with monkeypatch.context() as patch, driver.upload(upload, offset=0, state={}) as writer:
            patch.delattr(driver.driver._storage.__class__, "delete")
            writer.write(b"content")
            writer.commit(path)
        assert stored(driver, path) == b"content"


class TestOverwritingBackend(DriverSuite):
    @pytest.fixture
    def url(self, tmp_path, s3):
        backend = "storages.backends.s3.S3Storage"
        options = f"access_key={s3.KEY}&secret_key={s3.SECRET}&endpoint_url={s3.endpoint}&bucket_name={s3.bucket()}"
        return f"django-storages+{backend}://?{options}&spool={tmp_path}/spool"
