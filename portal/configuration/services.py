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
    list(Setting.objects.select_for_update().order_by("key"))
    present = values()
    # Clients send back what they were shown: a value that reads like the one in force is the one in force.
    shown = {name: KEYS[name].show(present[name]) for name in changes}
    before = {name: shown[name] for name in changes if changes[name] not in (present[name], shown[name])}
    for name in before:
        Setting.objects.update_or_create(key=name, defaults={"value": changes[name]})
    hidden = {name for name in before if KEYS[name].secret}
    record(
        origin,
        "configuration.update",
        target="configuration",
        before={name: text for name, text in before.items() if name not in hidden},
        after={name: "***" if name in hidden else KEYS[name].show(changes[name]) for name in before},
    )
    transaction.on_commit(forget)
