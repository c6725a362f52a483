"""Reading and changing the configuration."""

import time
from typing import Any

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.configuration.keys import KEYS
from portal.configuration.models import Setting
from portal.errors import Invalid

REMEMBERED_SECONDS = 1.0
"""How long another process may go on with the value before: asking for each request would cost a query."""


class _Memory:
    """The values as this process last read them."""

    values: dict[str, Any] = {}
    until = 0.0


def value(key: str) -> Any:
    """The value in force, at most `REMEMBERED_SECONDS` old."""
    if time.monotonic() >= _Memory.until:
        _Memory.values = values()
        _Memory.until = time.monotonic() + REMEMBERED_SECONDS
    return _Memory.values[key]


def forget() -> None:
    """Makes this process read the configuration anew."""
    _Memory.until = 0.0


def values() -> dict[str, Any]:
    """Every value, read now."""
    configured = dict(Setting.objects.values_list("key", "value"))
    return {name: configured.get(name, key.default) for name, key in KEYS.items()}


@transaction.atomic
def configuration_update(*, changes: dict[str, Any], origin: Origin) -> None:
    """Sets what `changes` names and leaves the rest. Raises Invalid, and changes nothing then."""
    for name, wanted in changes.items():
        key = KEYS.get(name)
        if key is None:
            raise Invalid(f"There is no {name} to configure.")
        if key.editable:
            key.accept(name, wanted)
        elif wanted and wanted != key.default:
            raise Invalid(f"{name} cannot be changed in this version of Portolan: leave it out.")
    changes = {name: wanted for name, wanted in changes.items() if KEYS[name].editable}
    _lock(changes)
    present = values()
    # Clients send back what they were shown: a value that reads like the one in force is the one in force.
    same = {name for name, wanted in changes.items() if wanted in (present[name], KEYS[name].show(present[name]))}
    changes = {name: wanted for name, wanted in changes.items() if name not in same}
    for name, wanted in changes.items():
        Setting.objects.update_or_create(key=name, defaults={"value": wanted})
    record(
        origin,
        "configuration.update",
        target="configuration",
        before={name: KEYS[name].tell(present[name]) for name in changes if not KEYS[name].secret},
        after={name: "***" if KEYS[name].secret else KEYS[name].tell(wanted) for name, wanted in changes.items()},
    )
    transaction.on_commit(forget)


def _lock(changes: dict[str, Any]) -> None:
    """Locks what is configured. A key that is to be set for the first time gets its row before: it is the lock."""
    first = sorted(name for name, wanted in changes.items() if wanted != KEYS[name].default)
    Setting.objects.bulk_create([Setting(key=name, value=KEYS[name].default) for name in first], ignore_conflicts=True)
    list(Setting.objects.select_for_update().order_by("key"))
