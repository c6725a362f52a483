"""Debian's docker-registry (the reference implementation, 2.8) as a peer: no authentication, files in a scratch directory."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import Child, free_port, listening, program, stopped_after
from tests.support.scratch import scratch


@contextmanager
def server() -> Iterator[str]:
    """The server's `address:port`."""
    address = f"127.0.0.1:{free_port()}"
    binary = program("docker-registry")
    with scratch("docker-registry") as directory:
        config = directory / "config.yml"  # JSON is YAML.
        config.write_text(json.dumps(_config(address, str(directory / "store"))))
        # REGISTRY_* variables would win over the file.
        env = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        with stopped_after(Child([binary, "serve", str(config)], log=directory / "log")) as child:
            child.start(lambda: listening(int(address.rpartition(":")[2])), env=env)
            yield address


def _config(address: str, store: str) -> dict[str, object]:
    """What Debian's package configures, less its authentication and its address, plus fewer words in the log."""
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "cache": {"blobdescriptor": "inmemory"},
            "filesystem": {"rootdirectory": store},
            "delete": {"enabled": True},
        },
        "http": {"addr": address, "headers": {"X-Content-Type-Options": ["nosniff"]}},
    }
