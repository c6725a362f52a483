"""Robot accounts with what they may do, and the keys that sign registry tokens."""

from django.db import models
from django.db.models import Q

from portal.projects.models import Project

ROBOT_PREFIX = "robot$"  # A user's name cannot contain the dollar sign, so the two never collide.


class Robot(models.Model):
    """An account for machines. One with a project belongs to it; one without belongs to the system."""

    login = models.CharField(max_length=600, unique=True, help_text="`name`, or `project+name`, without the prefix.")
    name = models.CharField(max_length=255)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="robots")
    description = models.CharField(max_length=1024, blank=True)
    secret = models.CharField(max_length=64, help_text="Keyed digest of the secret.")
    old_secret = models.CharField(max_length=64, blank=True, help_text="The one before, while it is still accepted.")
    old_secret_until = models.DateTimeField(null=True)
    duration = models.IntegerField(default=-1, help_text="Days from creation to expiry; -1 means never.")
    expires_at = models.DateTimeField(null=True, help_text="Null means never.")
    disabled = models.BooleanField(default=False)
    creator = models.CharField(max_length=255, blank=True, help_text="Name of the user or robot who made it.")
    creator_type = models.CharField(max_length=16, blank=True, help_text="`user` or `robot`; empty: the operator.")
    creator_ref = models.BigIntegerField(null=True, help_text="Id of the user or robot who made it.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True, help_text="Exact to an hour.")

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """What the robot logs in as."""
        return ROBOT_PREFIX + self.login

    @property
    def level(self) -> str:
        """Whom it belongs to: `project` or `system`."""
        return "project" if self.project_id else "system"


class RobotPermission(models.Model):
    """One right of a robot (or, with effect `deny`, one exception to its rights)."""

    class Kind(models.TextChoices):
        """Whether the resource is the system's or a project's."""

        SYSTEM = "system"
        PROJECT = "project"

    class Effect(models.TextChoices):
        """A denial outweighs whatever allows the same."""

        ALLOW = "allow"
        DENY = "deny"

    robot = models.ForeignKey(Robot, on_delete=models.CASCADE, related_name="permissions")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="+", help_text="Null means every project."
    )
    resource = models.CharField(max_length=64)
    action = models.CharField(max_length=64)
    effect = models.CharField(max_length=16, choices=Effect.choices, default=Effect.ALLOW)


class SigningKey(models.Model):
    """A private key that signs registry tokens, or did so and still verifies those not yet expired."""

    kid = models.CharField(max_length=64, primary_key=True, help_text="RFC 7638 thumbprint.")
    algorithm = models.CharField(max_length=16)
    private_key = models.TextField(help_text="PKCS #8 PEM, encrypted under a key derived from SECRET_KEY.")
    created_at = models.DateTimeField(auto_now_add=True)
    retires_at = models.DateTimeField(null=True, help_text="Null while it signs; afterwards, until when it verifies.")

    class Meta:
        constraints = [
            # Several instances may find no key at the same moment; one of them makes it.
            models.UniqueConstraint(
                fields=["algorithm"], condition=Q(retires_at__isnull=True), name="signingkey_current"
            )
        ]

    def __str__(self) -> str:
        return self.kid
