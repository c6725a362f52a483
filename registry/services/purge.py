"""Removes uploads that nobody carries on."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from registry.models import Upload
from registry.oci.errors import OCIError
from registry.services.uploads import discard_upload, resume_upload
from registry.storage import paths
from registry.store import store

AGE = timedelta(hours=24)


def purge_uploads(*, older_than: timedelta = AGE, progress: Callable[[int], None] = lambda _: None) -> int:
    """Discards uploads that saw no chunk for so long, and what uploads without a row left in the store; how many."""
    cutoff = timezone.now() - older_than
    purged = 0
    for upload in Upload.objects.filter(updated_at__lte=cutoff).select_related("repository").iterator(chunk_size=100):
        purged += _discard(upload)
        progress(purged)
    for path in _strays(cutoff):
        store().delete(path)
        purged += 1
        progress(purged)
    return purged


def _discard(upload: Upload) -> bool:
    try:
        with resume_upload(upload.repository.name, str(upload.pk)) as appender:
            discard_upload(appender)
    except OCIError:
        # Either somebody is writing to it after all, or its bytes are gone; then the row serves no one.
        return bool(Upload.objects.filter(pk=upload.pk, updated_at=upload.updated_at).delete()[0])
    return True


def _strays(cutoff: datetime) -> Iterator[str]:
    """Paths of uploads in the store that have no row and were last written before the cutoff."""
    for stat in store().walk(paths.UPLOADS):
        upload = paths.upload_id(stat.path)
        if stat.modified <= cutoff and upload and not Upload.objects.filter(id=upload).exists():
            yield stat.path
