"""The keys that can be configured: type, default and limits of each. The words are Harbor's.

Keys that are not editable, such as those of parts that do not stand yet, are shown with their defaults.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portal.errors import Invalid

UNLIMITED = -1
LARGEST_QUOTA = 1024 * 2**40  # bytes
LONGEST_ROBOT = 36500  # days
YEAR = 365 * 24 * 60  # minutes
_LONGEST = 4096
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z]+://)?(?P<credentials>[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<query>.*)", re.DOTALL
)

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `check` tells good values from bad, `hint` what the good ones are. A secret is never shown.

    `show` makes of the value what people may see of it, `tell` what the journal may.
    """

    default: Any
    check: Check = lambda _: True
    hint: str = ""
    editable: bool = True
    secret: bool = False
    show: Callable[[Any], Any] = lambda value: value
    tell: Callable[[Any], Any] = lambda value: value

    def accept(self, name: str, value: Any) -> Any:
        """The value, if it is one for this key. Raises Invalid."""
        kind = type(self.default)
        if type(value) is not kind or (kind is str and (len(value) > _LONGEST or "\0" in value)):
            raise Invalid(f"{name} takes {_SPOKEN[kind]}.")
        if not self.check(value):
            raise Invalid(f"{name} takes {self.hint}.")
        return value


_SPOKEN = {bool: "true or false", int: "a whole number", str: f"a text of up to {_LONGEST} characters"}


def _between(low: int, high: int) -> Check:
    return lambda value: low <= value <= high


def _is_object_or_empty(value: str) -> bool:
    try:
        return not value or isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def _is_endpoint(value: str) -> bool:
    """`host:port` is syslog over TCP, as Harbor has it; a URL says what it is."""
    try:
        parts = urlsplit(value if "://" in value else f"tcp://{value}")
        known = parts.scheme in {"http", "https"} or (parts.scheme in {"tcp", "tls"} and bool(parts.port))
        return not value or (bool(parts.hostname) and known)
    except ValueError:
        return False


def _masked(address: str) -> str:
    """The address without what may be a secret of its receiver's."""
    parts = _parts(address)
    credentials, query = ("***@" if parts["credentials"] else ""), ("?***" if parts["query"] else "")
    return f"{parts['scheme']}{credentials}{parts['host']}{parts['path']}{query}"


def _place(address: str) -> str:
    """Where the address leads to; to some receivers even the path is a secret."""
    parts = _parts(address)
    return f"{parts['scheme']}{parts['host']}"


def _parts(address: str) -> dict[str, str]:
    found = _ADDRESS.fullmatch(address)
    assert found  # Every part of it may be empty.
    return found.groupdict("")


def _later(**defaults: Any) -> dict[str, Key]:
    """Keys of a part that does not stand yet: shown as they would be at first."""
    return {name: Key(default, editable=False) for name, default in defaults.items()}


KEYS: dict[str, Key] = {
    "auth_mode": Key("db_auth", lambda mode: mode == "db_auth", "db_auth: other sources do not stand yet"),
    "primary_auth_mode": Key(False, editable=False),
    "project_creation_restriction": Key("everyone", {"everyone", "adminonly"}.__contains__, "everyone or adminonly"),
    "read_only": Key(False),
    "self_registration": Key(False),
    "token_expiration": Key(30, _between(1, YEAR), f"1 to {YEAR} minutes"),
    "robot_token_duration": Key(
        30, lambda days: days == UNLIMITED or 1 <= days <= LONGEST_ROBOT, "1 to 36500 days, or -1 for ever"
    ),
    "robot_name_prefix": Key("robot$", editable=False),
    "notification_enable": Key(True),
    "quota_per_project_enable": Key(True),
    "storage_per_project": Key(
        UNLIMITED,
        lambda size: size == UNLIMITED or 0 < size <= LARGEST_QUOTA,
        "bytes up to 1024 TiB, or -1 for no limit",
    ),
    "audit_log_forward_endpoint": Key(
        "",
        _is_endpoint,
        "host:port for syslog, or a URL with tcp, tls, http or https",
        show=_masked,
        tell=_place,
    ),
    "skip_audit_log_database": Key(False, editable=False),
    "disabled_audit_log_event_types": Key("", editable=False),
    "session_timeout": Key(60, _between(1, YEAR), f"1 to {YEAR} minutes"),
    "scanner_skip_update_pulltime": Key(False, editable=False),
    "banner_message": Key("", _is_object_or_empty, "a JSON object in a text, or an empty text"),
    **_later(
        ldap_url="",
        ldap_base_dn="",
        ldap_filter="",
        ldap_uid="cn",
        ldap_scope=2,
        ldap_search_dn="",
        ldap_timeout=5,
        ldap_verify_cert=True,
        ldap_group_base_dn="",
        ldap_group_admin_dn="",
        ldap_group_attribute_name="",
        ldap_group_search_filter="",
        ldap_group_search_scope=2,
        ldap_group_membership_attribute="memberof",
        ldap_group_attach_parallel=False,
        uaa_client_id="",
        uaa_endpoint="",
        uaa_verify_cert=True,
        http_authproxy_endpoint="",
        http_authproxy_tokenreview_endpoint="",
        http_authproxy_admin_groups="",
        http_authproxy_admin_usernames="",
        http_authproxy_verify_cert=True,
        http_authproxy_skip_search=False,
        http_authproxy_server_certificate="",
        oidc_name="",
        oidc_endpoint="",
        oidc_client_id="",
        oidc_groups_claim="",
        oidc_admin_group="",
        oidc_group_filter="",
        oidc_scope="",
        oidc_user_claim="",
        oidc_verify_cert=True,
        oidc_auto_onboard=False,
        oidc_extra_redirect_parms="",
        oidc_logout=False,
    ),
    **{
        name: Key("", editable=False, secret=True)
        for name in ("ldap_search_password", "uaa_client_secret", "oidc_client_secret")
    },
}
"""By name. Its order is that of the answers."""
