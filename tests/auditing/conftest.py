"""Fixtures of forwarding: a certificate, the endpoint that is configured, and real workers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.origin import SYSTEM
from portal.configuration.services import configuration_update, forget
from tests.jobs.conftest import start_worker, worker_env

__all__ = ["start_worker", "worker_env"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    file = tmp_path / "receiver.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=receiver"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *names, "-keyout", file, "-out", file], check=True, capture_output=True)
    return file


@pytest.fixture
def forward_to(transactional_db: None) -> Callable[[str], None]:
    """A function that configures the endpoint."""

    def configure(endpoint: str) -> None:
        configuration_update(changes={"audit_log_forward_endpoint": endpoint}, origin=SYSTEM)
        forget()

    return configure
