"""Portolan's settings in a pytest process: data in a scratch directory of that process, so that ./var is never touched.

Nothing is put into the environment: a server that a test starts gets the variables the test gives it.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from unittest import mock

_scratch = Path(tempfile.mkdtemp(prefix="portolan-tests-"))
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)


def _overrides() -> dict[str, str]:
    """The variables this process differs in, where nothing else was asked for."""
    chosen = {"PORTOLAN_DATA_DIR": str(_scratch)}
    if urls := os.environ.get("TEST_DATABASE_URLS", "").split():  # See tests/support/on_postgres.py.
        chosen["PORTOLAN_DATABASE_URL"] = urls[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]
    return {name: value for name, value in chosen.items() if name not in os.environ}


with mock.patch.dict(os.environ, _overrides()):
    from portal.settings import *  # noqa: F403
    from portal.settings import DATABASES

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file rather than shared memory: several connections then lock each other as they do in production.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}
