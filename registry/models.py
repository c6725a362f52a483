"""The index of the registry: every repository, manifest, tag and blob is a row here, the store holds only bytes.

Two rows double as locks. A repository's row is locked by whoever changes its manifests, tags or removes its blob links;
a blob's row by whoever links the blob or removes it. Where both are needed the repository comes first. What a namespace
takes up is guarded by a lock that comes after both (`registry.services.usage`).

What people have deleted and a job has still to clear away has a name that no client can ask for: "~" and its id.

A foreign key that begins a unique constraint has no index besides that constraint's.
"""

import uuid
from typing import Any

from django.db import models
from django.utils import timezone


class Namespace(models.Model):
    """The first component of a repository name; what a project is to the registry."""

    name = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class NamespaceUsage(models.Model):
    """What a namespace takes up: the bytes counted here and those of its content that is not folded in yet."""

    namespace = models.OneToOneField(Namespace, on_delete=models.CASCADE, primary_key=True, related_name="usage")
    folded_bytes = models.BigIntegerField(default=0)


class NamespaceContent(models.Model):
    """A blob or a manifest's payload that counts, once, for what a namespace takes up.

    Pushes only insert here, so they do not wait for each other as they would at a counter.
    """

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="content", db_index=False)
    digest = models.CharField(max_length=135)
    size = models.BigIntegerField()
    folded = models.BooleanField(default=False, help_text="Its bytes are in the namespace's counter.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "digest"], name="namespacecontent_once")]
        indexes = [
            models.Index(fields=["namespace"], name="namespacecontent_unfolded", condition=models.Q(folded=False))
        ]


class Repository(models.Model):
    """A named collection of manifests, tags and linked blobs."""

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="repositories", db_index=False)
    name = models.CharField(max_length=255, unique=True, help_text="Full name, namespace included.")
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now, help_text="When its content or description last changed.")
    deleted_at = models.DateTimeField(null=True, help_text="It is gone for everybody, and a job clears it away.")
    pull_count = models.BigIntegerField(default=0)
    generation = models.BigIntegerField(
        default=0, help_text="Raised in the transaction of every change that a cached answer must not outlive."
    )

    class Meta:
        indexes = [
            models.Index(fields=["namespace", "name"], name="repository_name"),
            models.Index(fields=["namespace", "-created_at", "-id"], name="repository_newest_there"),
            models.Index(fields=["-created_at", "-id"], name="repository_newest"),
        ]

    def __str__(self) -> str:
        return self.name


class Blob(models.Model):
    """Bytes in the store, named by their digest and shared by every repository that links them."""

    digest = models.CharField(max_length=135, unique=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    deleting = models.BooleanField(
        default=False,
        help_text="Garbage collection is removing the bytes; an upload of the same digest revives the row.",
    )

    def __str__(self) -> str:
        return self.digest


class BlobLink(models.Model):
    """A blob's membership in a repository: who may pull the repository may pull the blob."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="blob_links", db_index=False)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="links")
    created_at = models.DateTimeField(auto_now_add=True)
    condemned_at = models.DateTimeField(
        null=True,
        help_text="No manifest used the blob at this time: it is invisible to readers and goes after a grace period.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "blob"], name="bloblink_once")]
        indexes = [
            models.Index(fields=["created_at"], name="bloblink_created"),
            models.Index(
                fields=["condemned_at"], name="bloblink_condemned", condition=models.Q(condemned_at__isnull=False)
            ),
        ]


class Manifest(models.Model):
    """A manifest as pushed, byte for byte, within one repository."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="manifests", db_index=False)
    namespace = models.ForeignKey(
        Namespace,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="That of its repository, kept here too so that a project's artifacts are listed by an index.",
    )
    digest = models.CharField(max_length=135)
    media_type = models.CharField(max_length=255)
    artifact_type = models.CharField(max_length=255, blank=True)
    config_media_type = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=32, default="UNKNOWN", help_text="What people call it: IMAGE, CHART, SBOM ...")
    extra_attrs = models.JSONField(default=dict, help_text="What its config tells about it, by kind.")
    icon = models.CharField(max_length=135, blank=True, default="", help_text="Digest of a blob that pictures it.")
    subject = models.CharField(max_length=135, blank=True, help_text="Digest of the manifest this one refers to.")
    accessory_of = models.CharField(
        max_length=135, blank=True, default="", help_text="Digest of the manifest it signs or describes, and goes with."
    )
    accessory_kind = models.CharField(max_length=32, blank=True, default="")
    annotations = models.JSONField(default=dict)
    payload = models.BinaryField()
    size = models.BigIntegerField(help_text="Bytes of the payload.")
    total_size = models.BigIntegerField(default=0, help_text="Bytes of the payload and of all it refers to.")
    pushed_at = models.DateTimeField(auto_now_add=True)
    pulled_at = models.DateTimeField(null=True)
    touched_at = models.DateTimeField(
        default=timezone.now,
        help_text="When it was last pushed or lost a tag. Whoever did that may name it or pull it for a while.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "digest"], name="manifest_once")]
        indexes = [
            models.Index(
                fields=["repository", "subject", "id"], name="manifest_subject", condition=~models.Q(subject="")
            ),
            models.Index(
                fields=["repository", "accessory_of"], name="manifest_accessory", condition=~models.Q(accessory_of="")
            ),
            models.Index(fields=["repository", "-pushed_at", "-id"], name="manifest_newest"),
            models.Index(fields=["namespace", "-pushed_at", "-id"], name="manifest_newest_there"),
            models.Index(fields=["digest"], name="manifest_digest"),
        ]

    def __str__(self) -> str:
        return self.digest

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the namespace beside the repository."""
        self.namespace_id = self.repository.namespace_id
        super().save(*args, **kwargs)


class ManifestBlob(models.Model):
    """A manifest's use of a blob (its config or a layer). While such a row exists the blob is not garbage."""

    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="blob_uses", db_index=False)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["manifest", "blob"], name="manifestblob_once")]


class ManifestChild(models.Model):
    """An index's reference to a manifest of the same repository."""

    parent = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="children", db_index=False)
    digest = models.CharField(max_length=135, db_index=True)
    platform = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    urls = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parent", "digest"], name="manifestchild_once")]


class Tag(models.Model):
    """A mutable name for a manifest."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=128)
    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="tags", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, help_text="When it was last pointed at a manifest.")
    pulled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="tag_once")]
        indexes = [models.Index(fields=["manifest", "-updated_at", "-id"], name="tag_newest")]

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    """A blob upload in progress. Any process that shares the store can carry it on."""

    namespace_id = 0  # No column: that of its repository, which the statements read along with it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="uploads")
    offset = models.BigIntegerField(default=0, help_text="Bytes received so far.")
    algorithm = models.CharField(max_length=16, default="sha256")
    digest_state = models.BinaryField(default=b"", help_text="The running digest at `offset`.")
    writer_state = models.JSONField(default=dict, help_text="What the storage driver needs to append at `offset`.")
    started_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    started_by = models.CharField(max_length=255, blank=True)
