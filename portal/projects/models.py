"""Projects and who belongs to them."""

import re
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from portal.accounts.models import User, UserGroup
from registry.models import Namespace

LONGEST_NAME = 255
NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


class Role(models.IntegerChoices):
    """What a member may do is the table in `portal.access.roles`; the numbers are Harbor's."""

    PROJECT_ADMIN = 1, "projectAdmin"
    DEVELOPER = 2, "developer"
    GUEST = 3, "guest"
    MAINTAINER = 4, "maintainer"
    LIMITED_GUEST = 5, "limitedGuest"


class ProjectManager(models.Manager["Project"]):
    """A project is hardly ever wanted without its name."""

    def get_queryset(self) -> models.QuerySet["Project"]:
        """Projects together with their namespaces."""
        return super().get_queryset().select_related("namespace")


class Project(models.Model):
    """A namespace of the registry as people see it: the unit of permission and policy."""

    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, primary_key=True, related_name="project")
    public = models.BooleanField(default=False, help_text="Anyone may pull.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    storage_limit = models.BigIntegerField(default=-1, help_text="Bytes that its content may take; -1: no limit.")
    metadata = models.JSONField(default=dict, help_text="Its settings, texts by name, as far as they were set.")
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[ProjectManager] = ProjectManager()

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The first component of the names of its repositories."""
        return self.namespace.name

    @property
    def created_at(self) -> datetime:
        """When it was created; a token for an earlier project of the same name is worthless here."""
        return self.namespace.created_at


class Member(models.Model):
    """The role of a user, or of everybody in a group, in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", null=True)
    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="memberships", null=True)
    role = models.PositiveSmallIntegerField(choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="member_once"),
            models.UniqueConstraint(fields=["project", "group"], name="member_group_once"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, group=None) | models.Q(user=None, group__isnull=False),
                name="member_user_or_group",
            ),
        ]

    @property
    def holder(self) -> User | UserGroup:
        """Who has the role."""
        holder = self.group if self.user is None else self.user
        assert holder is not None
        return holder

    @property
    def holder_type(self) -> str:
        """`u` for a user, `g` for a group."""
        return "g" if self.user_id is None else "u"
