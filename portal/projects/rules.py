"""What a project may be called, set to and limited to.

The settings are Harbor's metadata: texts by key. Those of parts that do not stand yet (scanning, content trust, proxy
caches) are kept and shown, because Harbor's clients set them along with the others.
"""

import re
from collections.abc import Mapping

from portal.configuration.keys import LARGEST_QUOTA, UNLIMITED
from portal.errors import Invalid
from portal.projects.models import LONGEST_NAME, NAME

LONGEST_TEXT = 1024

_TRUTH = re.compile(r"true|false")
_NUMBER = re.compile(r"-1|[0-9]{1,9}")
_ANYTHING = re.compile(rf".{{0,{LONGEST_TEXT}}}")

SETTINGS: dict[str, re.Pattern[str]] = {
    "public": _TRUTH,
    "enable_content_trust": _TRUTH,
    "enable_content_trust_cosign": _TRUTH,
    "prevent_vul": _TRUTH,
    "severity": re.compile(r"none|low|medium|high|critical"),
    "auto_scan": _TRUTH,
    "auto_sbom_generation": _TRUTH,
    "reuse_sys_cve_allowlist": _TRUTH,
    "proxy_speed_kb": _NUMBER,
    "max_upstream_conn": _NUMBER,
    "proxy_cache_filter_pattern": _ANYTHING,
    "proxy_cache_filter_kind": re.compile(r"doublestar|regex"),
    "proxy_referrer_api": _TRUTH,
    "proxy_cache_local_on_not_found": _TRUTH,
}
"""By key, what the text may be."""

DERIVED = "retention_id"
"""A key that follows from other things. Clients send back what they were shown, so it is accepted and means nothing."""


def check_name(name: str) -> str:
    """The name itself if a project may have it. Raises Invalid."""
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Invalid(
            "A project name has 1 to 255 characters: lower-case letters and digits, with single . _ or - between them."
        )
    return name


def check_settings(wanted: Mapping[str, str]) -> dict[str, str]:
    """The settings to be stored, without the derived one. Raises Invalid for unknown keys and for unfit texts."""
    settings = {key: text for key, text in wanted.items() if key != DERIVED}
    for key, text in settings.items():
        if key not in SETTINGS:
            raise Invalid(f"A project has no setting {key[:64]!r}.")
        if not SETTINGS[key].fullmatch(text) or "\0" in text:
            raise Invalid(f"The project setting {key} cannot be {text[:64]!r}.")
    return settings


def check_storage_limit(limit: int) -> int:
    """The number of bytes itself if it can be a limit. Raises Invalid."""
    if limit != UNLIMITED and not 0 < limit <= LARGEST_QUOTA:
        raise Invalid(f"A storage limit is {UNLIMITED} for no limit, or 1 to {LARGEST_QUOTA} bytes.")
    return limit
