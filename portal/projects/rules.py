"""What a project may be called, set to and limited to.

The settings are Harbor's metadata: texts by key. Those of parts that do not stand yet (scanning, content trust, proxy
caches) are kept and shown, because Harbor's clients set them along with the others.
"""

import re
from collections.abc import Callable, Mapping

from portal.configuration.keys import LARGEST_QUOTA, UNLIMITED
from portal.errors import Invalid
from portal.projects.models import LONGEST_NAME, NAME

LONGEST_TEXT = 1024

Form = Callable[[str], str | None]
"""What makes of a text the form in which it is kept; None of an unfit one."""


def _matching(pattern: str) -> Form:
    fits = re.compile(pattern).fullmatch
    return lambda text: text if fits(text) else None


_SEVERITIES = {name: name for name in ("none", "low", "medium", "high", "critical")} | {"negligible": "none"}
# What Go takes for true and for false: Harbor's clients are written in it.
_TRUTH: Form = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), "true"),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), "false"),
}.get
_NUMBER = _matching(r"-1|[0-9]{1,9}")

SETTINGS: dict[str, Form] = {
    "public": _TRUTH,
    "enable_content_trust": _TRUTH,
    "enable_content_trust_cosign": _TRUTH,
    "prevent_vul": _TRUTH,
    "severity": lambda text: _SEVERITIES.get(text.lower()),
    "auto_scan": _TRUTH,
    "auto_sbom_generation": _TRUTH,
    "reuse_sys_cve_allowlist": _TRUTH,
    "proxy_speed_kb": _NUMBER,
    "max_upstream_conn": _NUMBER,
    "proxy_cache_filter_pattern": _matching(rf"[^\0\n]{{0,{LONGEST_TEXT}}}"),
    "proxy_cache_filter_kind": _matching(r"doublestar|regex"),
    "proxy_referrer_api": _TRUTH,
    "proxy_cache_local_on_not_found": _TRUTH,
}
"""By key, what its texts may be."""


def check_name(name: str) -> str:
    """The name itself if a project may have it. Raises Invalid."""
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Invalid(
            "A project name has 1 to 255 characters: lower-case letters and digits, with single . _ or - between them."
        )
    return name


def check_settings(wanted: Mapping[str, str]) -> dict[str, str]:
    """The settings in the form in which they are kept. Raises Invalid for unknown keys and for unfit texts."""
    settings = {}
    for key, text in wanted.items():
        if key not in SETTINGS:
            raise Invalid(f"A project has no setting {key[:64]!r}.")
        kept = SETTINGS[key](text)
        if kept is None:
            raise Invalid(f"The project setting {key} cannot be {text[:64]!r}.")
        settings[key] = kept
    return settings


def check_storage_limit(limit: int) -> int:
    """The number of bytes itself if it can be a limit. Raises Invalid."""
    if limit != UNLIMITED and not 0 < limit <= LARGEST_QUOTA:
        raise Invalid(f"A storage limit is {UNLIMITED} for no limit, or 1 to {LARGEST_QUOTA} bytes.")
    return limit
