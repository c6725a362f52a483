"""Runs pytest on PostgreSQL: `python -m tests.support.on_postgres pytest -n 2 …`.

Each of its processes gets a server of its own: transactions of one would hold back the journal's readers in the other.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from tests.support import postgres
from tests.support.processes import MissingPeer

WORKERS = 2


def main(argv: list[str]) -> int:
    """Gives the command's exit status; without PostgreSQL a reason and 0, or 1 in CI."""
    with ExitStack() as stack:
        try:
            urls = [stack.enter_context(postgres.server()).create() for _ in range(WORKERS)]
        except MissingPeer as missing:
            sys.stderr.write(f"Not run on PostgreSQL: {missing}\n")
            return 1 if os.environ.get("CI") else 0
        return subprocess.run(argv, env=os.environ | {"TEST_DATABASE_URLS": " ".join(urls)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
