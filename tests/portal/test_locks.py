"""Two who change the same things at once: one waits for the other, and neither for ever."""

import pytest
from django.db import connection, transaction

from audit.models import Entry
from audit.origin import SYSTEM
from portal.access.models import Robot
from portal.access.robots import Right, robot_create, robot_update
from portal.accounts.models import User
from portal.accounts.services import user_set_admin
from portal.configuration.services import configuration_update
from portal.projects.models import Project
from portal.projects.services import project_create, project_delete
from tests.audit.helpers import elsewhere, meanwhile
from tests.support.processes import wait_until

pytestmark = [
    pytest.mark.database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time"),
]

WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
"""


def somebody_waits() -> bool:
    def ask() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            return bool(cursor.fetchone()[0])

    return elsewhere(ask)


def test_administrators_are_locked_in_one_order(make_user):
    first, second = make_user("first", is_admin=True), make_user("second", is_admin=True)
    make_user("third", is_admin=True)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=first.pk)
        other = meanwhile(lambda: user_set_admin(user=second, is_admin=False, origin=SYSTEM))
        wait_until(somebody_waits, "the other one waits")
        assert User.objects.select_for_update(nowait=True).get(pk=second.pk), "it holds what it would be waited for"
    other.join()
    assert not User.objects.get(pk=second.pk).is_admin


def test_a_project_is_deleted_while_a_robot_of_it_is_changed(db):
    project = project_create(name="team", owner=None, origin=SYSTEM)
    rights = [Right("project", "repository", "pull", project)]
    robot, _ = robot_create(name="ci", project=project, rights=rights, origin=SYSTEM)
    refusals = []

    def change() -> None:
        try:
            robot_update(robot=robot, rights=rights, description="", duration=7, disabled=False, origin=SYSTEM)
        except Exception as error:  # noqa: BLE001 - told by the test.
            refusals.append(str(error))

    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        other = meanwhile(change)
        wait_until(somebody_waits, "the other one waits")
        project_delete(project=project, origin=SYSTEM)
    other.join()
    assert refusals == ["The project team no longer exists."]
    assert not Robot.objects.exists()


def test_of_two_who_configure_something_first_the_later_one_tells_of_the_earlier(db):
    with transaction.atomic():
        configuration_update(changes={"token_expiration": 45}, origin=SYSTEM)
        other = meanwhile(lambda: configuration_update(changes={"token_expiration": 50}, origin=SYSTEM))
        wait_until(somebody_waits, "the other one waits")
    other.join()
    told = [(entry.before, entry.after) for entry in Entry.objects.filter(action="configuration.update").order_by("pk")]
    assert told == [
        ({"token_expiration": 30}, {"token_expiration": 45}),
        ({"token_expiration": 45}, {"token_expiration": 50}),
    ]
