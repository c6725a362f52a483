"""Reads s3:// URLs into an S3 driver."""

from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured

from registry.storage.base import StorageDriver
from registry.storage.checked import Checked
from registry.storage.s3 import S3Driver
from registry.storage.s3_errors import classify_s3_error

OPTIONS = ("region", "endpoint", "secure", "redirect", "addressing")


def s3_from_url(place: str, options: dict[str, str]) -> StorageDriver:
    """The driver for `key:secret@host[:port]/bucket[/prefix]`, or for `bucket[/prefix]` with the credentials AWS tools find.

    Key and secret are percent-encoded. Options: `region`; `endpoint`, a service's address where no host is given;
    `secure=false` for plain HTTP; `redirect=false` when clients cannot reach the service; `addressing`, one of path,
    virtual and auto. Raises ImproperlyConfigured.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ImproperlyConfigured(f"An s3 storage URL has no option {unknown[0]!r}; it has {', '.join(OPTIONS)}.")
    credentials, at, rest = place.rpartition("@")
    host, _, rest = rest.partition("/") if at else ("", "", rest)
    bucket, _, prefix = unquote(rest).strip("/").partition("/")
    key, _, secret = credentials.partition(":")
    if not bucket or (at and not (key and secret and host)) or (host and "endpoint" in options):
        raise ImproperlyConfigured(
            "An s3 storage URL reads s3://bucket/prefix?endpoint=https://host or s3://key:secret@host/bucket/prefix."
        )
    scheme = "https" if _flag(options, "secure") else "http"
    driver = S3Driver(
        bucket_name=bucket,
        prefix=prefix,
        redirect=_flag(options, "redirect"),
        access_key=unquote(key) or None,
        secret_key=unquote(secret) or None,
        endpoint_url=f"{scheme}://{host}" if host else options.get("endpoint"),
        region_name=options.get("region", "us-east-1" if at else None),
        addressing_style=options.get("addressing", "path" if host or "endpoint" in options else "auto"),
    )
    return Checked(driver, classify_s3_error)


def _flag(options: dict[str, str], name: str) -> bool:
    text = options.get(name, "true")
    if text not in {"true", "false"}:
        raise ImproperlyConfigured(f"The option {name} of an s3 storage URL is true or false.")
    return text == "true"
