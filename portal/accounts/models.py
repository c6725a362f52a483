"""People, and the memory of their failed logins."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Lower

from portal.accounts.names import username_key


class User(AbstractBaseUser):
    """A person with a password. What they may do follows from `is_admin` and their memberships in projects."""

    username = models.CharField(max_length=255, unique=True)
    username_key = models.CharField(max_length=255, unique=True, editable=False)
    email = models.EmailField(max_length=255, blank=True)
    realname = models.CharField(max_length=255, blank=True)
    comment = models.CharField(max_length=255, blank=True)
    is_admin = models.BooleanField(default=False, help_text="May do everything in the whole system.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once", condition=~models.Q(email="")),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the comparison form beside the name."""
        self.username_key = username_key(self.username)
        super().save(*args, **kwargs)


class LoginRecord(models.Model):
    """How logins went for one account at one address, or for one address as a whole.

    The key is a digest: people mistype passwords into the name field, and those must not be kept.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0, help_text="Since the last success or the last quiet hour.")
    blocked_until = models.DateTimeField(null=True)
    trusted_until = models.DateTimeField(
        null=True,
        help_text="The account logged in from this address: until then only its own failures count against it.",
    )
    expires_at = models.DateTimeField(db_index=True)
