"""The store of this process, as the operator configured it."""

from functools import cache

from django.conf import settings

from registry.storage.base import StorageDriver
from registry.storage.factory import driver_from_url


@cache
def store() -> StorageDriver:
    """The driver PORTOLAN_STORAGE_URL names."""
    return driver_from_url(settings.STORAGE_URL)
