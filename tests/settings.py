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

with mock.patch.dict(os.environ, {"PORTOLAN_DATA_DIR": os.environ.get("PORTOLAN_DATA_DIR") or str(_scratch)}):
    from portal.settings import *  # noqa: F403
    from portal.settings import DATABASES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file rather than shared memory: several connections then lock each other as they do in production.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}
