"""The verbs of tags that need no push."""

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from registry import statements
from registry.models import Manifest, Tag
from registry.oci.errors import Code, OCIError
from registry.oci.names import check_tag, namespace_of
from registry.services.repositories import lock_repository, refuse_protected


def create_tag(*, origin: Origin, repository: str, digest: str, tag: str) -> None:
    """Gives a manifest another tag. Raises TAG_INVALID, MANIFEST_UNKNOWN, or CONFLICT when the repository has the tag."""
    check_tag(tag)
    with transaction.atomic():
        row = lock_repository(repository)
        manifest = Manifest.objects.filter(repository=row, digest=digest).only("pk").first()
        if manifest is None:
            raise OCIError(Code.MANIFEST_UNKNOWN, detail={"digest": digest})
        if statements.tagged_digest(row.pk, tag):
            raise OCIError(Code.CONFLICT, f"{repository} has a tag {tag} already", detail={"tag": tag})
        statements.move_tag(row.pk, tag, manifest.pk)
        target = f"{repository}:{tag}"
        record(origin, "tag.create", project=namespace_of(repository), target=target, after={"digest": digest})


def delete_tag(*, origin: Origin, repository: str, tag: str) -> None:
    """Removes a tag; its manifest stays. Raises MANIFEST_UNKNOWN, or PRECONDITION when the tag must stay."""
    with transaction.atomic():
        row = lock_repository(repository)
        digest = statements.tagged_digest(row.pk, tag)
        if not digest:
            raise OCIError(Code.MANIFEST_UNKNOWN, detail={"tag": tag})
        refuse_protected(row, [tag])
        Tag.objects.filter(repository=row, name=tag).delete()
        statements.touch_manifests(row.pk, [digest])
        target = f"{repository}:{tag}"
        record(origin, "tag.delete", project=namespace_of(repository), target=target, before={"digest": digest})
