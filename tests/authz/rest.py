"""Who may do what over the REST API, as in `matrix`: one row for every operation, one column for every kind of caller.

A row is what a request gets that is in order but for the caller's rights: 401 and 403 refuse. `<x>` stands for something
that is not there, so that who may ask for it gets 404. What stands behind the other words, and which bodies are sent, is
in `stock`; a `#` tells rows apart that differ in their body alone. An operation without a row makes a test fail.
"""

import re
from collections.abc import Iterable

COLUMNS = [
    "nobody",
    "stranger",
    "limitedGuest",
    "guest",
    "developer",
    "maintainer",
    "projectAdmin",
    "admin",
    "robot",
    "puller",
    "foreigner",
    "machine",
]
"""The callers, see `world`. The last four are robots: one with every right that can be given in the project, one that
pulls from it, one with every right in another project, one of the system with every right there.
"""

# nob str lgu gst dev mnt adm sys | rob pul for mac
SYSTEM = """
GET    /audit-logs                                                     401 200 200 200 200 200 200 200  200 200 200 200
GET    /auditlog-exts                                                  401 200 200 200 200 200 200 200  200 200 200 200
GET    /auditlog-exts/events                                           401 200 200 200 200 200 200 200  200 200 200 200
GET    /auditlog-exts/export                                           401 200 200 200 200 200 200 200  200 200 200 200
GET    /configurations                                                 401 403 403 403 403 403 403 200  403 403 403 403
PUT    /configurations                                                 401 403 403 403 403 403 403 200  403 403 403 403
GET    /health                                                         200 200 200 200 200 200 200 200  200 200 200 200
GET    /icons/<digest>                                                 404 404 404 404 404 404 404 404  404 404 404 404
GET    /internalconfig                                                 401 403 403 403 403 403 403 200  403 403 403 403
PUT    /jobservice/jobs/<x>                                            401 403 403 403 403 403 403 404  403 403 403 404
GET    /jobservice/jobs/<x>/log                                        401 403 403 403 403 403 403 404  403 403 403 404
GET    /jobservice/pools                                               401 403 403 403 403 403 403 200  403 403 403 200
GET    /jobservice/pools/<x>/workers                                   401 403 403 403 403 403 403 404  403 403 403 404
GET    /jobservice/queues                                              401 403 403 403 403 403 403 200  403 403 403 200
PUT    /jobservice/queues/<queue>                                      401 403 403 403 403 403 403 200  403 403 403 200
GET    /labels                                                         200 200 200 200 200 200 200 200  200 200 200 200
POST   /labels#global                                                  401 403 403 403 403 403 403 201  403 403 403 201
GET    /labels/<global>                                                200 200 200 200 200 200 200 200  200 200 200 200
PUT    /labels/<global>                                                401 403 403 403 403 403 403 200  403 403 403 200
DELETE /labels/<global>                                                401 403 403 403 403 403 403 200  403 403 403 200
GET    /permissions                                                    401 403 403 403 403 403 200 200  403 403 403 403
GET    /ping                                                           200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects                                                       200 200 200 200 200 200 200 200  200 200 200 200
HEAD   /projects?project_name=project                                  401 200 200 200 200 200 200 200  200 200 200 200
POST   /projects                                                       401 201 201 201 201 201 201 201  403 403 403 201
GET    /quotas                                                         401 403 403 403 403 403 403 200  403 403 403 200
GET    /quotas/<quota>                                                 401 403 403 403 403 403 403 200  403 403 403 200
PUT    /quotas/<quota>                                                 401 403 403 403 403 403 403 200  403 403 403 200
GET    /repositories                                                   200 200 200 200 200 200 200 200  200 200 200 200
GET    /retentions/metadatas                                           401 200 200 200 200 200 200 200  200 200 200 200
GET    /robots                                                         401 403 403 403 403 403 403 200  403 403 403 200
POST   /robots#system                                                  401 403 403 403 403 403 403 201  403 403 403 201
GET    /robots/<machine>                                               401 403 403 403 403 403 403 200  403 403 403 200
PUT    /robots/<machine>                                               401 403 403 403 403 403 403 200  403 403 403 403
PATCH  /robots/<machine>                                               401 403 403 403 403 403 403 200  403 403 403 403
DELETE /robots/<machine>                                               401 403 403 403 403 403 403 200  403 403 403 200
GET    /schedules                                                      401 403 403 403 403 403 403 200  403 403 403 200
GET    /schedules/<queue>/paused                                       401 200 200 200 200 200 200 200  200 200 200 200
GET    /search?q=app                                                   200 200 200 200 200 200 200 200  200 200 200 200
GET    /statistics                                                     401 200 200 200 200 200 200 200  200 200 200 200
GET    /system/CVEAllowlist                                            401 200 200 200 200 200 200 200  200 200 200 200
PUT    /system/CVEAllowlist                                            401 403 403 403 403 403 403 200  403 403 403 403
GET    /system/gc                                                      401 403 403 403 403 403 403 200  403 403 403 200
GET    /system/gc/<x>                                                  401 403 403 403 403 403 403 404  403 403 403 404
PUT    /system/gc/<x>                                                  401 403 403 403 403 403 403 404  403 403 403 404
GET    /system/gc/<x>/log                                              401 403 403 403 403 403 403 404  403 403 403 404
GET    /system/gc/schedule                                             401 403 403 403 403 403 403 200  403 403 403 200
POST   /system/gc/schedule                                             401 403 403 403 403 403 403 201  403 403 403 201
PUT    /system/gc/schedule                                             401 403 403 403 403 403 403 200  403 403 403 200
GET    /system/purgeaudit                                              401 403 403 403 403 403 403 200  403 403 403 200
GET    /system/purgeaudit/<x>                                          401 403 403 403 403 403 403 404  403 403 403 404
PUT    /system/purgeaudit/<x>                                          401 403 403 403 403 403 403 404  403 403 403 404
GET    /system/purgeaudit/<x>/log                                      401 403 403 403 403 403 403 404  403 403 403 404
GET    /system/purgeaudit/schedule                                     401 403 403 403 403 403 403 200  403 403 403 200
POST   /system/purgeaudit/schedule                                     401 403 403 403 403 403 403 201  403 403 403 201
PUT    /system/purgeaudit/schedule                                     401 403 403 403 403 403 403 200  403 403 403 200
GET    /systeminfo                                                     200 200 200 200 200 200 200 200  200 200 200 200
GET    /systeminfo/getcert                                             404 404 404 404 404 404 404 404  404 404 404 404
GET    /systeminfo/volumes                                             401 403 403 403 403 403 403 200  403 403 403 200
GET    /usergroups                                                     401 403 403 403 403 403 403 200  403 403 403 200
POST   /usergroups                                                     401 403 403 403 403 403 403 201  403 403 403 201
GET    /usergroups/<group>                                             401 403 403 403 403 403 403 200  403 403 403 200
PUT    /usergroups/<group>                                             401 403 403 403 403 403 403 200  403 403 403 200
DELETE /usergroups/<group>                                             401 403 403 403 403 403 403 200  403 403 403 200
GET    /usergroups/search?groupname=a                                  401 200 200 200 200 200 200 200  200 200 200 200
GET    /users                                                          401 403 403 403 403 403 403 200  403 403 403 200
POST   /users                                                          401 403 403 403 403 403 403 201  403 403 403 201
GET    /users/<user>                                                   401 403 403 403 403 403 403 200  403 403 403 200
PUT    /users/<user>                                                   401 403 403 403 403 403 403 200  403 403 403 200
DELETE /users/<user>                                                   401 403 403 403 403 403 403 200  403 403 403 200
PUT    /users/<user>/cli_secret                                        401 412 412 412 412 412 412 412  412 412 412 412
PUT    /users/<user>/password                                          401 403 403 403 403 403 403 200  403 403 403 200
PUT    /users/<user>/sysadmin                                          401 403 403 403 403 403 403 200  403 403 403 403
GET    /users/current                                                  401 200 200 200 200 200 200 200  412 412 412 412
GET    /users/current/permissions                                      401 200 200 200 200 200 200 200  200 200 200 200
GET    /users/search?username=a                                        401 200 200 200 200 200 200 200  200 200 200 200
"""

# What has to do with the project, while it is private,
PROJECT = """
GET    /labels?scope=p&project_id=<id>                                 401 403 403 200 200 200 200 200  200 403 403 403
POST   /labels#project                                                 401 403 403 403 403 201 201 201  201 403 403 403
GET    /labels/<label>                                                 401 403 403 200 200 200 200 200  200 403 403 403
PUT    /labels/<label>                                                 401 403 403 403 403 200 200 200  200 403 403 403
DELETE /labels/<label>                                                 401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>                                                   401 403 200 200 200 200 200 200  200 403 403 403
PUT    /projects/<p>                                                   401 403 403 403 403 403 200 200  200 403 403 403
DELETE /projects/<p>                                                   401 403 403 403 403 403 412 412  412 403 403 403
GET    /projects/<p>/_deletable                                        401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/artifacts                                         401 403 200 200 200 200 200 200  200 403 403 403
GET    /projects/<p>/auditlog-exts                                     401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/immutabletagrules                                 401 403 403 403 403 200 200 200  200 403 403 403
POST   /projects/<p>/immutabletagrules                                 401 403 403 403 403 201 201 201  201 403 403 403
PUT    /projects/<p>/immutabletagrules/<rule>                          401 403 403 403 403 200 200 200  200 403 403 403
DELETE /projects/<p>/immutabletagrules/<rule>                          401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/logs                                              401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/members                                           401 403 403 200 200 200 200 200  200 403 403 403
POST   /projects/<p>/members                                           401 403 403 403 403 403 201 201  201 403 403 403
GET    /projects/<p>/members/<member>                                  401 403 403 200 200 200 200 200  200 403 403 403
PUT    /projects/<p>/members/<member>                                  401 403 403 403 403 403 200 200  200 403 403 403
DELETE /projects/<p>/members/<member>                                  401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/metadatas                                         401 403 403 403 403 200 200 200  200 403 403 403
POST   /projects/<p>/metadatas                                         401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/metadatas/<key>                                   401 403 403 403 403 200 200 200  200 403 403 403
PUT    /projects/<p>/metadatas/<key>                                   401 403 403 403 403 403 200 200  200 403 403 403
DELETE /projects/<p>/metadatas/<key>                                   401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/repositories                                      401 403 200 200 200 200 200 200  200 403 403 403
GET    /projects/<p>/repositories/<r>                                  401 403 200 200 200 200 200 200  200 403 403 403
PUT    /projects/<p>/repositories/<r>                                  401 403 403 403 200 200 200 200  200 403 403 403
DELETE /projects/<p>/repositories/<r>                                  401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/repositories/<r>/artifacts                        401 403 200 200 200 200 200 200  200 403 403 403
POST   /projects/<p>/repositories/<r>/artifacts?from=<from>            401 403 403 403 201 201 201 201  201 403 403 403
GET    /projects/<p>/repositories/<r>/artifacts/<a>                    401 403 200 200 200 200 200 200  200 403 403 403
DELETE /projects/<p>/repositories/<r>/artifacts/<a>                    401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/repositories/<r>/artifacts/<a>/accessories        401 403 200 200 200 200 200 200  200 403 403 403
GET    /projects/<p>/repositories/<r>/artifacts/<a>/additions/<extra>  401 403 400 400 400 400 400 400  400 403 403 403
POST   /projects/<p>/repositories/<r>/artifacts/<a>/labels             401 403 403 403 200 200 200 200  200 403 403 403
DELETE /projects/<p>/repositories/<r>/artifacts/<a>/labels/<label>     401 403 403 403 200 200 200 200  200 403 403 403
GET    /projects/<p>/repositories/<r>/artifacts/<a>/tags               401 403 200 200 200 200 200 200  200 403 403 403
POST   /projects/<p>/repositories/<r>/artifacts/<a>/tags               401 403 403 403 201 201 201 201  201 403 403 403
DELETE /projects/<p>/repositories/<r>/artifacts/<a>/tags/<tag>         401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/scanner                                           401 403 404 404 404 404 404 404  404 403 403 403
PUT    /projects/<p>/scanner                                           401 403 403 403 403 403 404 404  404 403 403 403
GET    /projects/<p>/scanner/candidates                                401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/summary                                           401 403 200 200 200 200 200 200  200 403 403 403
GET    /projects/<p>/webhook/events                                    401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/webhook/jobs?policy_id=<h>                        401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/webhook/lasttrigger                               401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/webhook/policies                                  401 403 403 403 403 200 200 200  200 403 403 403
POST   /projects/<p>/webhook/policies                                  401 403 403 403 403 403 201 201  201 403 403 403
GET    /projects/<p>/webhook/policies/<h>                              401 403 403 403 403 200 200 200  200 403 403 403
PUT    /projects/<p>/webhook/policies/<h>                              401 403 403 403 403 403 200 200  200 403 403 403
DELETE /projects/<p>/webhook/policies/<h>                              401 403 403 403 403 403 200 200  200 403 403 403
GET    /projects/<p>/webhook/policies/<h>/executions                   401 403 403 403 403 200 200 200  200 403 403 403
GET    /projects/<p>/webhook/policies/<h>/executions/<x>/tasks         401 403 403 403 403 404 404 404  404 403 403 403
GET    /projects/<p>/webhook/policies/<h>/executions/<x>/tasks/<x>/log 401 403 403 403 403 404 404 404  404 403 403 403
POST   /retentions                                                     401 403 403 403 400 400 400 400  400 403 403 403
GET    /retentions/<policy>                                            401 403 403 403 200 200 200 200  200 403 403 403
PUT    /retentions/<policy>                                            401 403 403 403 200 200 200 200  200 403 403 403
DELETE /retentions/<policy>                                            401 403 403 403 200 200 200 200  200 403 403 403
GET    /retentions/<policy>/executions                                 401 403 403 403 200 200 200 200  200 403 403 403
POST   /retentions/<policy>/executions                                 401 403 403 403 201 201 201 201  201 403 403 403
PATCH  /retentions/<policy>/executions/<x>                             401 403 403 403 404 404 404 404  404 403 403 403
GET    /retentions/<policy>/executions/<x>/tasks                       401 403 403 403 404 404 404 404  404 403 403 403
GET    /retentions/<policy>/executions/<x>/tasks/<x>                   401 403 403 403 404 404 404 404  404 403 403 403
GET    /robots?q=Level=project,ProjectID=<id>                          401 403 403 200 200 200 200 200  200 403 403 403
POST   /robots#project                                                 401 403 403 403 403 403 201 201  201 403 403 403
GET    /robots/<robot>                                                 401 403 403 200 200 200 200 200  200 403 403 403
PUT    /robots/<robot>                                                 401 403 403 403 403 403 200 200  403 403 403 403
PATCH  /robots/<robot>                                                 401 403 403 403 403 403 200 200  403 403 403 403
DELETE /robots/<robot>                                                 401 403 403 403 403 403 200 200  200 403 403 403
"""

# and what is different once it is public.
PUBLIC = """
GET    /labels?scope=p&project_id=<id>                                 200 200 200 200 200 200 200 200  200 200 200 200
GET    /labels/<label>                                                 200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>                                                   200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/artifacts                                         200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/repositories                                      200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/repositories/<r>/artifacts                        200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/repositories/<r>/artifacts/<a>                    200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/repositories/<r>/artifacts/<a>/accessories        200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/repositories/<r>/artifacts/<a>/additions/<extra>  400 400 400 400 400 400 400 400  400 400 400 400
GET    /projects/<p>/repositories/<r>/artifacts/<a>/tags               200 200 200 200 200 200 200 200  200 200 200 200
GET    /projects/<p>/scanner                                           404 404 404 404 404 404 404 404  404 404 404 404
GET    /projects/<p>/summary                                           200 200 200 200 200 200 200 200  200 200 200 200
"""

Row = tuple[str, str]  # method and path


def table(text: str) -> dict[Row, dict[str, int]]:
    """The statuses by row and caller."""
    rows = {}
    for line in text.strip().splitlines():
        method, path, *statuses = line.split()
        rows[method, path] = dict(zip(COLUMNS, map(int, statuses), strict=True))
    return rows


def operations(rows: Iterable[Row]) -> set[Row]:
    """The operations behind rows: their paths without query, mark and names of parameters."""
    return {(method, re.sub("<[^>]*>", "<>", re.split("[?#]", path)[0])) for method, path in rows}
