"""What S3 services answer, as storage errors."""

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from registry.storage.errors import NoSpace, NotFound, StorageError, Unavailable, classify_os_error

_GONE = {"NoSuchKey", "NoSuchUpload", "InvalidPart", "404", "NotFound"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}


def error_code(error: ClientError) -> str:
    """The service's name for what went wrong, or the HTTP status where it sent no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_gone(error: ClientError) -> bool:
    """Whether the object, part or multipart upload asked for does not exist."""
    return error_code(error) in _GONE


def classify_s3_error(error: Exception) -> type[StorageError] | None:
    """The classification of what botocore raises."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if error_code(error) in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
            return NoSpace
        return NotFound if is_gone(error) else Unavailable
    return Unavailable if isinstance(error, BotoCoreError) else classify_os_error(error)
