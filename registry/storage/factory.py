"""Which driver a storage URL means. A URL that is not understood is an error, never a default."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from registry.storage.base import StorageDriver
from registry.storage.checked import Checked
from registry.storage.errors import classify_os_error

GENERIC = "django-storages+"
_EXAMPLES = (
    "file:///var/lib/portolan/store",
    "s3://bucket/prefix?region=eu-central-1",
    "s3://key:secret@host:9000/bucket/prefix?secure=false",
    f"{GENERIC}storages.backends.gcloud.GoogleCloudStorage://?bucket_name=images&spool=/var/lib/portolan/spool",
)


def driver_from_url(url: str) -> StorageDriver:
    """The driver a URL names; nothing is contacted or created yet.

    Raises ImproperlyConfigured with a sentence for the operator, in which no secret of the URL appears.
    """
    scheme, separator, rest = url.partition("://")
    place, _, query = rest.partition("?")
    if separator and scheme == "file":
        return _filesystem(unquote(place), _options(query))
    if separator and scheme == "s3":
        from registry.storage.s3_url import s3_from_url

        return s3_from_url(place, _options(query))
    if separator and scheme.startswith(GENERIC):
        return _generic(scheme.removeprefix(GENERIC), place, _options(query))
    raise ImproperlyConfigured(
        f"The storage URL starts with {scheme[:40] + '://' if separator else 'no scheme'!r}, which names no driver. "
        f"Known are: {', '.join(_EXAMPLES)}."
    )


def _options(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise ImproperlyConfigured("The storage URL's options, after the ?, must read name=value&name=value.") from None


def _filesystem(place: str, options: dict[str, str]) -> StorageDriver:
    from registry.storage.filesystem import FilesystemDriver

    if not place.startswith("/") or options:
        raise ImproperlyConfigured(f"A file storage URL takes an absolute path and no options, as in {_EXAMPLES[0]}.")
    return Checked(FilesystemDriver(Path(place)), classify_os_error)


def _generic(backend: str, place: str, options: dict[str, str]) -> StorageDriver:
    """Any Django storage class; its constructor's arguments are the options, as JSON where they parse as such."""
    from registry.storage.generic import GenericDriver, classify_any

    spool = options.pop("spool", "")
    if place or not spool.startswith("/"):
        raise ImproperlyConfigured(
            f"A {GENERIC} URL takes the backend's options and spool=, an absolute local directory for uploads "
            f"in progress, after `://?`, as in {_EXAMPLES[-1]}."
        )
    try:
        storage = import_string(backend)(**{name: _value(text) for name, text in options.items()})
    except (ImportError, TypeError) as error:
        raise ImproperlyConfigured(f"The storage backend {backend} cannot be used: {error}.") from error
    return Checked(GenericDriver(storage, Path(spool)), classify_any)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
