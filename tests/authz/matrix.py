"""Who may do what: one row for every route and method, one column for every kind of caller, the status in between.

The tables here are the data plane's and those of the site outside the REST API, which has its own in `rest`. A route that
has no row makes a test fail.
"""

COLUMNS = [
    "nobody",
    "visitor",
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
    "elsewhere",
    "earlier",
    "disabled",
    "lapsed",
    "expired",
    "forged",
]
"""The callers, see `world`. The first two have no account; the last six hold credentials that are worth nothing, here or
at all: a token for another repository, one older than the project, a disabled and an expired robot, an expired token
and one that another registry signed.
"""

# nob vis str lgu gst dev mnt adm sys | rob pul for | els ear dis lap exp frg
PRIVATE = """
GET    /v2/                                401 200 200 200 200 200 200 200 200  200 200 200  200 200 401 401 401 401
HEAD   /v2/                                401 200 200 200 200 200 200 200 200  200 200 200  200 200 401 401 401 401
GET    /v2/_catalog                        401 403 403 403 403 403 403 403 200  403 403 403  403 403 401 401 401 401
GET    /v2/<name>/manifests/<reference>    401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
HEAD   /v2/<name>/manifests/<reference>    401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
PUT    /v2/<name>/manifests/<reference>    401 401 403 403 403 201 201 201 201  201 403 403  401 403 401 401 401 401
DELETE /v2/<name>/manifests/<reference>    401 401 403 403 403 403 202 202 202  202 403 403  401 403 401 401 401 401
POST   /v2/<name>/blobs/uploads/           401 401 403 403 403 202 202 202 202  202 403 403  401 403 401 401 401 401
GET    /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 204 204 204 204  204 403 403  401 403 401 401 401 401
PATCH  /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 202 202 202 202  202 403 403  401 403 401 401 401 401
PUT    /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 201 201 201 201  201 403 403  401 403 401 401 401 401
DELETE /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 204 204 204 204  204 403 403  401 403 401 401 401 401
GET    /v2/<name>/blobs/<digest>           401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
HEAD   /v2/<name>/blobs/<digest>           401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
DELETE /v2/<name>/blobs/<digest>           401 401 403 403 403 403 202 202 202  202 403 403  401 403 401 401 401 401
GET    /v2/<name>/tags/list                401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
GET    /v2/<name>/referrers/<digest>       401 401 403 200 200 200 200 200 200  200 200 403  401 403 401 401 401 401
"""

PUBLIC = """
GET    /v2/                                401 200 200 200 200 200 200 200 200  200 200 200  200 200 401 401 401 401
HEAD   /v2/                                401 200 200 200 200 200 200 200 200  200 200 200  200 200 401 401 401 401
GET    /v2/_catalog                        401 403 403 403 403 403 403 403 200  403 403 403  403 403 401 401 401 401
GET    /v2/<name>/manifests/<reference>    401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
HEAD   /v2/<name>/manifests/<reference>    401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
PUT    /v2/<name>/manifests/<reference>    401 401 403 403 403 201 201 201 201  201 403 403  401 403 401 401 401 401
DELETE /v2/<name>/manifests/<reference>    401 401 403 403 403 403 202 202 202  202 403 403  401 403 401 401 401 401
POST   /v2/<name>/blobs/uploads/           401 401 403 403 403 202 202 202 202  202 403 403  401 403 401 401 401 401
GET    /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 204 204 204 204  204 403 403  401 403 401 401 401 401
PATCH  /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 202 202 202 202  202 403 403  401 403 401 401 401 401
PUT    /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 201 201 201 201  201 403 403  401 403 401 401 401 401
DELETE /v2/<name>/blobs/uploads/<upload>   401 401 403 403 403 204 204 204 204  204 403 403  401 403 401 401 401 401
GET    /v2/<name>/blobs/<digest>           401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
HEAD   /v2/<name>/blobs/<digest>           401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
DELETE /v2/<name>/blobs/<digest>           401 401 403 403 403 403 202 202 202  202 403 403  401 403 401 401 401 401
GET    /v2/<name>/tags/list                401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
GET    /v2/<name>/referrers/<digest>       401 200 200 200 200 200 200 200 200  200 200 200  401 403 401 401 401 401
"""

# What Django answers is the same beside either project. Tokens are not taken where they are given out. Forms are refused
# without the token against forgery, whoever sends them; the pages of /admin/ have tests of their own.
SITE = """
GET    /service/token                      200 401 200 200 200 200 200 200 200  200 200 200  401 401 401 401 401 401
POST   /service/token                      405 405 405 405 405 405 405 405 405  405 405 405  405 405 405 405 405 405
GET    /api/version                        200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
GET    /api/v2.0/openapi.json              200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
GET    /devcenter-api-2.0                  200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
GET    /metrics                            200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
GET    /readyz                             200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
POST   /c/login                            403 403 403 403 403 403 403 403 403  403 403 403  403 403 403 403 403 403
GET    /c/log_out                          200 200 200 200 200 200 200 200 200  200 200 200  200 200 200 200 200 200
POST   /c/userExists                       403 403 403 403 403 403 403 403 403  403 403 403  403 403 403 403 403 403
"""

Row = tuple[str, str]  # method and route


def table(text: str) -> dict[Row, dict[str, int]]:
    """The statuses by row and caller."""
    rows = {}
    for line in text.strip().splitlines():
        method, route, *statuses = line.split()
        rows[method, route] = dict(zip(COLUMNS, map(int, statuses), strict=True))
    return rows
