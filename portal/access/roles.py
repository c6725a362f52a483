"""The permission matrix: what each role may do in a project, and what robots can be given. This is the only place.

The words and the rights are Harbor's, because its clients ask for them by name. A row reads `resource: actions`.
"""

from portal.projects.models import Role

Permission = tuple[str, str]  # (resource, action)

_LETTERS = {"C": "create", "R": "read", "U": "update", "D": "delete", "L": "list", "S": "stop", "O": "operate"}


def _table(rows: str) -> frozenset[Permission]:
    """Rows such as `tag: C L` or `repository: L pull` as a set of permissions."""
    permissions = set()
    for row in rows.strip().splitlines():
        resource, _, actions = row.strip().partition(":")
        permissions |= {(resource, _LETTERS.get(action, action)) for action in actions.split()}
    return frozenset(permissions)


# What anybody may do in a public project, anonymous callers included.
PUBLIC = _table("""
    project: R
    label: R L
    repository: L pull
    artifact: R L
    artifact-addition: R
    accessory: L
    tag: L
    scan: R
    scanner: R
""")

_LIMITED_GUEST = _table("""
    project: R
    configuration: R
    quota: R
    repository: R L pull
    artifact: R L
    artifact-addition: R
    accessory: L
    tag: L
    scan: R
    sbom: R
    scanner: R
""")

_GUEST = _LIMITED_GUEST | _table("""
    member: R L
    label: R L
    robot: R L
""")

_DEVELOPER = _GUEST | _table("""
    repository: C U push
    artifact: C
    artifact-label: C D
    tag: C
    tag-retention: C R U D L O
    export-cve: C R L
""")

_MAINTAINER = _DEVELOPER | _table("""
    metadata: R
    label: C U D
    repository: D
    artifact: D
    tag: D
    immutable-tag: C U D L
    notification-policy: R L
    scan: C S
    sbom: C S
""")

_PROJECT_ADMIN = _MAINTAINER | _table("""
    project: U D
    member: C U D
    metadata: C U D
    configuration: U
    log: L
    robot: C U D
    notification-policy: C U D
    preheat-policy: C R U D L
    scanner: C
""")

ROLES: dict[Role, frozenset[Permission]] = {
    Role.PROJECT_ADMIN: _PROJECT_ADMIN,
    Role.MAINTAINER: _MAINTAINER,
    Role.DEVELOPER: _DEVELOPER,
    Role.GUEST: _GUEST,
    Role.LIMITED_GUEST: _LIMITED_GUEST,
}

# The system's own resources, which administrators only may touch (they may do everything in projects as well).
SYSTEM = _table("""
    catalog: R
    audit-log: L
    project: C R U D L
    user: C R U D L
    user-group: C R U D L
    registry: C R U D L
    replication: C R U D L
    distribution: C R U D L
    garbage-collection: C R U D L
    scan-all: C R U D L S
    system-volumes: R
    ldap-user: C L
    configuration: R U
    jobservice-monitor: R L S
    security-hub: R L
""")

# What a robot can be given at most. Absent on purpose: changing the configuration, and updating robots.
ROBOT_SYSTEM = _table("""
    audit-log: L
    preheat-instance: C R U D L
    project: C L
    replication-policy: C R U D L
    replication: C R L
    replication-adapter: L
    registry: C R U D L
    scan-all: C R U S
    system-volumes: R
    garbage-collection: C R U L S
    purge-audit: C R U L S
    jobservice-monitor: L S
    scanner: C R U D L
    label: C R U D
    security-hub: R L
    catalog: R
    quota: R U L
    robot: C R D L
    user: C R U D L
    user-group: C R U D L
    ldap-user: C L
""")

ROBOT_PROJECT = _table("""
    log: L
    project: R U D
    metadata: C R U D L
    repository: R U D L pull push
    artifact: C R D L
    scan: C R S
    sbom: C R S
    tag: C D L
    accessory: L
    artifact-addition: R
    artifact-label: C D
    scanner: C R
    preheat-policy: C R U D L
    immutable-tag: C U D L
    notification-policy: C R U D L
    tag-retention: C R U D L
    label: C R U D L
    quota: R
    robot: C R D L
    export-cve: C R
    member: C R U D L
""")
