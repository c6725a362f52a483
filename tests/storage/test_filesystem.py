"""The filesystem driver keeps the promises of all drivers."""

import pytest

from tests.storage.suite import DriverSuite


class TestFilesystem(DriverSuite):
    @pytest.fixture
    def url(self, tmp_path):
        return f"file://{tmp_path}/not/there/yet"
