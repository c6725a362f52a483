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

    @property
    def is_staff(self) -> bool:
        """Whether Django's admin site lets them in."""
        return self.is_admin

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        """Whether Django's admin site shows them a model; what they may do elsewhere is in `portal.access.policy`."""
        return self.is_active and self.is_admin

    has_module_perms = has_perm

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps the comparison form beside the name."""
        self.username_key = username_key(self.username)
        super().save(*args, **kwargs)


class UserGroup(models.Model):
    """People whom a directory or an identity provider puts together; a project gives its role to all of them."""

    class Type(models.IntegerChoices):
        """Where the group comes from; the numbers are Harbor's."""

        LDAP = 1
        HTTP = 2
        OIDC = 3

    name = models.CharField(max_length=255)
    type = models.PositiveSmallIntegerField(choices=Type.choices)
    ldap_dn = models.CharField(max_length=1024, blank=True, help_text="Distinguished name, of an LDAP group.")
    users = models.ManyToManyField(User, related_name="groups")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "type"], name="usergroup_once"),
            models.UniqueConstraint(Lower("ldap_dn"), name="usergroup_dn_once", condition=~models.Q(ldap_dn="")),
        ]

    def __str__(self) -> str:
        return self.name


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
