"""An S3 service in this process, shared by the tests that need one."""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server


class S3Service:
    KEY, SECRET = "key", "sec/ret+"

    def __init__(self, address: str) -> None:
        self.address = address
        self.endpoint = f"http://{address}"
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.KEY,
            aws_secret_access_key=self.SECRET,
            region_name="us-east-1",
        )

    def bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"bucket-{uuid.uuid4()}"
        self.client.create_bucket(Bucket=name)
        return name

    def url(self, place: str, **options: str) -> str:
        """The storage URL of `bucket/prefix`."""
        query = "&".join(f"{name}={value}" for name, value in {"secure": "false", **options}.items())
        return f"s3://{self.KEY}:sec%2Fret%2B@{self.address}/{place}?{query}"


def _one_at_a_time(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """moto keeps objects in plain dictionaries and fails now and then when two requests write one key at once."""
    lock = threading.Lock()

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with lock:
            return list(application(environ, start_response))

    return serve


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Service]:
    application = _one_at_a_time(DomainDispatcherApplication(create_backend_app))
    with make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        service = S3Service(f"127.0.0.1:{server.port}")
        yield service
        service.client.close()
        server.shutdown()
        thread.join()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 64 KiB that grow with every second one, so that small uploads meet every case of large ones."""
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 65_536)
    monkeypatch.setattr("registry.storage.s3_upload.PART", 65_536)
    monkeypatch.setattr("registry.storage.s3_upload.PARTS_OF_A_SIZE", 2)
