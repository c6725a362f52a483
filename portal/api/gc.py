"""`/system/gc`: garbage collection by hand and by schedule, and its history."""

from portal.api.recurring import Recurring
from portal.api.scheduled import ExecHistorySerializer, Work


class GCHistorySerializer(ExecHistorySerializer):
    """A garbage collection; `job_parameters` tells in JSON what it was given and what it freed."""


PATHS = Recurring(
    Work(
        "registry.gc",
        {"delete_untagged": False, "delete_tag": False, "dry_run": False, "workers": 1},
        {"workers": range(1, 11)},
    ),
    "system/gc",
    tag="gc",
    resource="garbage-collection",
    serializer=GCHistorySerializer,
    history="getGCHistory",
    run="getGC",
    stop="stopGC",
    log="getGCLog",
    schedule="getGCSchedule",
    create="createGCSchedule",
    update="updateGCSchedule",
).paths()
