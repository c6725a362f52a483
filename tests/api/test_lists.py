"""Every list costs the same few queries however much there is."""

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bench.lists import LISTS
from portal.management.seeding import seed
from portal.projects.models import Project
from tests.api.conftest import Caller

FEW, MANY = 0.001, 0.009  # The lists have some tens of rows and some thousand, few enough to be counted.
MOST = 16  # Queries of the most costly list, logging in and all.


def cost(caller: Caller, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = caller.get(path)
    assert answer.status_code == 200, (path, answer.content)
    return len(queries)


def costs(caller: Caller, scale: float) -> dict[str, int]:
    """The queries of each list in a registry of that size, which is gone afterwards."""
    with transaction.atomic():
        seed(scale)
        project = Project.objects.get(namespace__name="seed-1").pk
        paths = {name: path.format(project=project) for name, path in LISTS.items()}
        for path in paths.values():
            cost(caller, path)  # What is read once and then remembered does not count.
        found = {name: cost(caller, path) for name, path in paths.items()}
        transaction.set_rollback(True)
    return found


def test_a_list_costs_the_same_few_queries_however_long_it_is(admin):
    few, many = costs(admin, FEW), costs(admin, MANY)
    assert {name: (few[name], many[name]) for name in few if few[name] != many[name]} == {}
    assert {name: count for name, count in many.items() if count > MOST} == {}
