"""The journal's rows: entries, the seals over them, who has read how far, and what was taken in from the spool."""

from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from audit.cursor import START, Cursor
from audit.functions import TransactionId


class AppendOnlyError(TypeError):
    """Code tried to change or delete journal entries; they can only be added."""

    def __init__(self) -> None:
        super().__init__("Journal entries can be neither changed nor deleted.")


class EntryQuerySet(models.QuerySet["Entry"]):
    """A query of entries that refuses to change them."""

    def update(self, **_kwargs: Any) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError

    def bulk_create(self, *args: Any, update_conflicts: bool = False, **kwargs: Any) -> list["Entry"]:
        """Django's bulk_create, without `update_conflicts`: that raises AppendOnlyError."""
        if update_conflicts:
            raise AppendOnlyError
        return super().bulk_create(*args, **kwargs)


class Entry(models.Model):
    """One thing that somebody did, written in the transaction that did it."""

    txid = models.BigIntegerField(
        db_default=TransactionId(), editable=False, help_text="The writing transaction: with `id`, the journal's order."
    )
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=255)
    kind = models.CharField(max_length=16, help_text="Of the actor: user, robot, anonymous or system.")
    credential = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=64, help_text="noun.verb, as in manifest.push.")
    project = models.CharField(max_length=255, blank=True)
    target = models.CharField(max_length=1024, blank=True, help_text="By name, so that it survives deletion.")
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    result = models.CharField(max_length=32, default="success")
    count = models.PositiveIntegerField(default=1, help_text="How many identical events this entry stands for.")

    objects = EntryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["txid", "id"], name="entry_journal"),
            # People read newest first, `-at, -id`, narrowed by any of these.
            models.Index(fields=["at", "id"], name="entry_at"),
            models.Index(fields=["project", "at", "id"], name="entry_project"),
            models.Index(fields=["actor", "at", "id"], name="entry_actor"),
            models.Index(fields=["action", "at", "id"], name="entry_action"),
            models.Index(fields=["project", "action", "at", "id"], name="entry_project_action"),
            models.Index(fields=["target", "at", "id"], name="entry_target"),
            models.Index(fields=["at", "id"], condition=~models.Q(result="success"), name="entry_unusual"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Inserts the entry; raises AppendOnlyError if it already exists."""
        if not self._state.adding:
            raise AppendOnlyError
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raises AppendOnlyError."""
        raise AppendOnlyError

    @property
    def cursor(self) -> Cursor:
        """Where the entry stands in the journal."""
        return Cursor(self.txid, self.id)


class Seal(models.Model):
    """A keyed digest over a run of entries and over the seal before it."""

    number = models.BigIntegerField(primary_key=True, help_text="1, 2, 3 …; a gap is a removed seal.")
    made_at = models.DateTimeField(default=timezone.now)
    first_txid = models.BigIntegerField()
    first_id = models.BigIntegerField()
    last_txid = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.PositiveIntegerField()
    outline = models.BinaryField(help_text="Id and shortened digest of each entry: they tell which entry was touched.")
    previous = models.CharField(max_length=64, unique=True, help_text="Digest of the seal before; zeros for the first.")
    digest = models.CharField(max_length=64)
    purged = models.PositiveIntegerField(default=0, help_text="How many of its entries were purged since.")
    resealed = models.CharField(max_length=64, default="", help_text="Digest over what the last purge has left.")

    class Meta:
        indexes = [models.Index(fields=["last_txid", "last_id"], name="seal_last")]

    def __str__(self) -> str:
        return f"seal {self.number}"

    @property
    def last(self) -> Cursor:
        """The position of the last entry sealed."""
        return Cursor(self.last_txid, self.last_id)


class Consumer(models.Model):
    """How far one named reader of the journal has come."""

    name = models.CharField(max_length=128, primary_key=True)
    txid = models.BigIntegerField(default=START.txid)
    last_id = models.BigIntegerField(default=START.id)
    moved_at = models.DateTimeField(auto_now=True)
    holder = models.CharField(max_length=32, default="", help_text="Token of the run that sends its entries just now.")
    held_until = models.DateTimeField(null=True, help_text="When that run is taken for dead.")

    def __str__(self) -> str:
        return self.name

    @property
    def cursor(self) -> Cursor:
        """The position of the last entry consumed."""
        return Cursor(self.txid, self.last_id)

    def move(self, cursor: Cursor) -> None:
        """Saves the position of the last entry consumed."""
        self.txid, self.last_id = cursor.txid, cursor.id
        self.save(update_fields=["txid", "last_id", "moved_at"])


class SpoolSegment(models.Model):
    """How much of a spool file has become entries; written in the transaction that writes those."""

    name = models.CharField(max_length=128, primary_key=True)
    offset = models.BigIntegerField(default=0, help_text="Bytes taken in.")
    skipped = models.PositiveIntegerField(default=0, help_text="Lines that were not an event.")
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    def __str__(self) -> str:
        return self.name
