"""The parts of the API that do not stand yet: every path of theirs answers 501 with a sentence.

`docs/api.md` lists them for people.
"""

import re
from itertools import count

from django.http import HttpResponse
from rest_framework.request import Request

from portal.api.wire.operations import Resource
from portal.errors import Code, error_response

PARTS = {
    "Replication": """
        registries registries/ping registries/<id> registries/<id>/info
        replication/adapterinfos replication/adapters
        replication/executions replication/executions/<id> replication/executions/<id>/tasks
        replication/executions/<id>/tasks/<id>/log
        replication/policies replication/policies/<id>
    """,
    "P2P preheating": """
        p2p/preheat/instances p2p/preheat/instances/ping p2p/preheat/instances/<name> p2p/preheat/providers
        projects/<name>/preheat/policies projects/<name>/preheat/policies/<name>
        projects/<name>/preheat/policies/<name>/executions projects/<name>/preheat/policies/<name>/executions/<id>
        projects/<name>/preheat/policies/<name>/executions/<id>/tasks
        projects/<name>/preheat/policies/<name>/executions/<id>/tasks/<id>/logs
        projects/<name>/preheat/providers
    """,
    "Scanning": """
        projects/<name>/repositories/<name>/artifacts/<name>/scan
        projects/<name>/repositories/<name>/artifacts/<name>/scan/stop
        projects/<name>/repositories/<name>/artifacts/<name>/scan/<name>/log
        projects/<name>/repositories/<name>/artifacts/<name>/additions/vulnerabilities
        scanners scanners/ping scanners/<name> scanners/<name>/metadata
        scans/all/metrics scans/schedule/metrics system/scanAll/schedule system/scanAll/stop
        security/summary security/vul
        export/cve export/cve/download/<id> export/cve/execution/<id> export/cve/executions
    """,
    "LDAP": "ldap/groups/search ldap/ping ldap/users/import ldap/users/search",
    "OIDC": "system/oidc/ping",
}
_TYPES = {"id": "int", "name": "str"}  # Of what parameters a path takes.


def _part(name: str) -> type[Resource]:
    """A resource that answers every method with 501."""

    class Later(Resource):
        """Whoever is calling learns that the part does not stand yet."""

        schema = None  # The OpenAPI document says what there is.

        def answer(self, _request: Request, **_path: str | int) -> HttpResponse:
            return error_response(Code.NOT_IMPLEMENTED, f"{name} does not stand yet in this version of Portolan.")

        get = post = put = patch = delete = answer

    return Later


def _pattern(path: str) -> str:
    """The path with parameters numbered, since a path names each of them once."""
    numbers = count()
    return re.sub("<(id|name)>", lambda found: f"<{_TYPES[found[1]]}:p{next(numbers)}>", path)


PATHS: dict[str, type[Resource]] = {}
for _name, _paths in PARTS.items():
    PATHS |= dict.fromkeys(map(_pattern, _paths.split()), _part(_name))
