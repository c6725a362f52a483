"""The real portal behind an instance of the data plane."""

from tests.portal.conftest import _fresh_process
from tests.registry.conftest import _database_threads, loop, store_dir

__all__ = ["_database_threads", "_fresh_process", "loop", "store_dir"]
