"""The S3 driver keeps the promises of all drivers, with uploads of one part and of many, in a bucket shared with others."""

import pytest

from tests.storage.suite import DriverSuite


class TestS3(DriverSuite):
    @pytest.fixture
    def url(self, s3):
        return s3.url(s3.bucket())


@pytest.mark.usefixtures("small_parts")
class TestS3InParts(DriverSuite):
    @pytest.fixture
    def url(self, s3):
        bucket = s3.bucket()
        s3.client.put_object(Bucket=bucket, Key="registry-of-others/blobs/x", Body=b"not ours")
        return s3.url(f"{bucket}/registry")
