"""Basic credentials: who is behind a name and a password or secret."""

import base64
import binascii
import hmac
from datetime import timedelta

from django.db.models import Q, prefetch_related_objects
from django.http import HttpRequest
from django.utils import timezone

from audit.origin import Origin
from portal.access.identity import Identity
from portal.access.models import ROBOT_PREFIX, Robot
from portal.access.secrets import digest
from portal.accounts import throttle
from portal.accounts.login import WRONG, login
from portal.clients import client_of_request
from registry.ports import Unauthenticated

LONGEST_HEADER = 16 * 1024  # bytes
USE_NOTED_EVERY = timedelta(hours=1)


def parse_basic(authorization: bytes) -> tuple[str, str]:
    """Name and password of a Basic header. Raises Unauthenticated."""
    scheme, _, encoded = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic" or len(authorization) > LONGEST_HEADER:
        raise Unauthenticated("log in with a user name and a password")
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("the Authorization header cannot be read") from error
    # PostgreSQL takes no NUL, and no name or password has one.
    if not colon or not name or "\0" in name or "\0" in password:
        raise Unauthenticated("the Authorization header cannot be read")
    return name, password


def identity_of(request: HttpRequest) -> Identity | None:
    """Whom a request's Authorization header names; None where it has none. Raises Unauthenticated or TooManyAttempts."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    name, password = parse_basic(header.encode("latin-1", errors="replace"))
    return authenticate(name, password, address=client_of_request(request).address)


def authenticate(name: str, password: str, *, address: str) -> Identity:
    """The user or robot. Raises Unauthenticated or TooManyAttempts."""
    if name.startswith(ROBOT_PREFIX):
        return Identity(robot=_robot(name, password, address))
    return Identity(user=login(name, password, address=address))


def _robot(name: str, secret: str, address: str) -> Robot:
    attempt = throttle.Attempt(name, address)
    before = throttle.check(attempt)
    robot = Robot.objects.filter(login=name.removeprefix(ROBOT_PREFIX)).first()
    if not _accepts(robot, secret):
        credential = f"robot:{robot.pk}" if robot else "robot"
        origin = Origin("anonymous", "anonymous", credential, address)
        throttle.failed(attempt, origin, account=robot.full_name if robot else "")
        raise Unauthenticated(WRONG)
    assert robot is not None
    if robot.disabled:
        raise Unauthenticated(f"the robot account {name} is disabled")
    if robot.expires_at is not None and robot.expires_at <= timezone.now():
        raise Unauthenticated(f"the robot account {name} expired on {robot.expires_at:%Y-%m-%d}: refresh or replace it")
    throttle.succeeded(attempt, before)
    prefetch_related_objects([robot], "permissions")
    _note_use(robot)
    return robot


def _accepts(robot: Robot | None, secret: str) -> bool:
    """Compares in constant time, also when there is no such robot."""
    given = digest(secret)
    now = timezone.now()
    present = hmac.compare_digest(robot.secret if robot else "", given)
    old_valid = robot is not None and robot.old_secret_until is not None and robot.old_secret_until > now
    former = hmac.compare_digest(robot.old_secret if robot else "", given)
    return present or (former and old_valid)


def _note_use(robot: Robot) -> None:
    now = timezone.now()
    if robot.last_used_at is None or robot.last_used_at < now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        Robot.objects.filter(stale, pk=robot.pk).update(last_used_at=now)
