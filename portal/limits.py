"""How many requests one caller may send: a limiter shared by all instances through Redis, else kept by each process.

A caller may send `burst` requests at once and `rate` a second for ever. All that is remembered is one instant per
caller, at which the caller's burst is whole again (the generic cell rate algorithm), so that a check costs the same
whatever was sent before.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from django.conf import settings

from portal.accounts.throttle import network
from registry.redis_client import connect

log = logging.getLogger(__name__)

_TIMEOUT = 0.25  # Seconds that a request waits for Redis at most,
_REST = 5.0  # and for which Redis is left alone after it failed.
_MOST_KEYS = 100_000  # Callers that a process remembers, about 20 MB.

# Redis keeps the time, so that the clocks of instances need not agree.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = whole - now - interval * (burst - 1)
if wait > 0 then return string.format('%.6f', wait) end
whole = whole + interval
redis.call('SET', KEYS[1], string.format('%.6f', whole), 'PX', math.ceil((whole - now) * 1000))
return '0'
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of requests: which share of PORTOLAN_RATE_LIMIT it gets, and for how many seconds' worth of it at once."""

    share: float
    burst: float


KINDS = {
    "api": Kind(share=1, burst=10),  # Of one user or robot.
    "anonymous": Kind(share=0.5, burst=20),  # Of one address, without credentials.
    "login": Kind(share=0.02, burst=10),  # Of one address, to log in with a form.
}


def caller_key(actor: str, kind: str, address: str) -> str:
    """What a caller is counted under: who they are, or where they come from as long as nobody knows who they are."""
    return address_key(address) if kind == "anonymous" else f"{kind}:{actor}"


def address_key(address: str) -> str:
    """What an address is counted under; an IPv6 client owns its whole /64."""
    return f"address:{network(address)}"


def check(key: str, kind: str) -> int:
    """Counts one request of the caller `key`; 0 when it may go on, else the seconds to wait.

    `kind` is one of `KINDS`. With PORTOLAN_RATE_LIMIT at 0 everybody may go on.
    """
    if not settings.RATE_LIMIT:
        return 0
    rate = settings.RATE_LIMIT * KINDS[kind].share
    interval, burst = 1 / rate, max(1, rate * KINDS[kind].burst)
    name = f"{kind}:{key}"
    wait = _shared(settings.REDIS_URL).check(name, interval, burst) if settings.REDIS_URL else None
    return math.ceil(_own.check(name, interval, burst) if wait is None else wait)


class Memory:
    """The instants of one process."""

    def __init__(self) -> None:
        self._whole: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, name: str, interval: float, burst: float) -> float:
        """Seconds to wait, 0 for none."""
        now = time.monotonic()
        with self._lock:
            whole = max(self._whole.get(name, 0), now)
            wait = whole - now - interval * (burst - 1)
            if wait > 0:
                return wait
            if len(self._whole) >= _MOST_KEYS:
                self._forget(now)
            self._whole[name] = whole + interval
        return 0

    def clear(self) -> None:
        """Forgets everybody."""
        with self._lock:
            self._whole.clear()

    def _forget(self, now: float) -> None:
        """Drops those whose burst is whole again, and under a flood everybody: then the burst is what a key costs."""
        self._whole = {name: whole for name, whole in self._whole.items() if whole > now}
        if len(self._whole) > _MOST_KEYS / 2:
            self._whole.clear()


class Shared:
    """The instants in Redis. While Redis does not answer, nothing waits for it."""

    def __init__(self) -> None:
        client = connect(redis, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        self._script: Any = client.register_script(_SCRIPT)
        self._rests_until = 0.0

    def check(self, name: str, interval: float, burst: float) -> float | None:
        """Seconds to wait, 0 for none; None when Redis cannot tell."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            return float(self._script(keys=[f"portolan:limit:{name}"], args=[interval, burst]))
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + _REST
            log.warning("Redis does not count requests, so that each process does: %s", type(error).__name__)
            return None


_own = Memory()


@cache
def _shared(_url: str) -> Shared:
    """The one limiter of this process on that Redis."""
    return Shared()
