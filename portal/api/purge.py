"""`/system/purgeaudit`: removing old entries of the audit log by hand and by schedule, and the history of that."""

from portal.api.recurring import Recurring
from portal.api.scheduled import ExecHistorySerializer, Work
from portal.auditing.jobs import LONGEST


class PurgeHistorySerializer(ExecHistorySerializer):
    """A purge; `job_parameters` tells in JSON what it was given and how many entries went."""


PATHS = Recurring(
    Work(
        "audit.purge",
        {"audit_retention_hour": 0, "include_event_types": "", "dry_run": False},
        ranges={"audit_retention_hour": range(-1, LONGEST + 1)},
        required=("audit_retention_hour", "include_event_types"),
    ),
    "system/purgeaudit",
    tag="purge",
    resource="purge-audit",
    serializer=PurgeHistorySerializer,
    history="getPurgeHistory",
    run="getPurgeJob",
    stop="stopPurge",
    log="getPurgeJobLog",
    schedule="getPurgeSchedule",
    create="createPurgeSchedule",
    update="updatePurgeSchedule",
).paths()
