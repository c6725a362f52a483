"""Runs a command with PORTOLAN_DATABASE_URL pointing at a private PostgreSQL: `python -m tests.support.on_postgres pytest …`."""

import os
import subprocess
import sys

from tests.support import postgres
from tests.support.processes import MissingPeer


def main(argv: list[str]) -> int:
    """Gives the command's exit status; without PostgreSQL a reason and 0, or 1 in CI."""
    try:
        with postgres.server() as server:
            return subprocess.run(
                argv, env=os.environ | {"PORTOLAN_DATABASE_URL": server.create()}, check=False
            ).returncode
    except MissingPeer as missing:
        sys.stderr.write(f"Not run on PostgreSQL: {missing}\n")
        return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
