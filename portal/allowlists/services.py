"""What can be done to allowlists. Each verb validates, changes and journals in one transaction."""

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.allowlists.models import CVEAllowlist
from portal.errors import Invalid
from portal.projects.models import Project
from portal.projects.services import project_held

MOST_CVES = 10_000
CVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_LAST_SECOND = 253_402_300_799  # of the year 9999


@transaction.atomic
def allowlist_set(
    *, project: Project | None, cves: Sequence[str], expires_at: int | None, origin: Origin
) -> CVEAllowlist:
    """Replaces the list of a project, or (None) the system's. `expires_at`: seconds since 1970. Raises Invalid or Missing."""
    _check(cves, expires_at)
    row, _ = CVEAllowlist.objects.get_or_create(project=project and project_held(project))
    row = CVEAllowlist.objects.select_for_update().get(pk=row.pk)
    known = set(row.cves)
    before: dict[str, Any] = {"expires_at": row.expires_at, "removed": sorted(known - set(cves))}
    after: dict[str, Any] = {"expires_at": expires_at, "added": sorted(set(cves) - known)}
    row.cves, row.expires_at = list(cves), expires_at
    row.save()
    name = project.name if project else ""
    record(origin, "allowlist.update", project=name, target=name or "system", before=before, after=after)
    return row


def _check(cves: Sequence[str], expires_at: int | None) -> None:
    if len(cves) > MOST_CVES:
        raise Invalid(f"An allowlist has at most {MOST_CVES} items.")
    for cve in cves:
        if not CVE.fullmatch(cve):
            raise Invalid(f"An item of an allowlist is a name such as CVE-2026-0001, not {cve[:128]!r}.")
    if len(set(cves)) < len(cves):
        raise Invalid("An allowlist names each item once.")
    if expires_at is not None and not 0 <= expires_at <= _LAST_SECOND:
        raise Invalid("expires_at counts seconds since 1970, up to the year 9999.")
