"""What is counted while requests and jobs run. Harbor's names where Harbor counts the same, `portolan_` elsewhere.

Each process writes its counts into files of `PROMETHEUS_MULTIPROC_DIR`, which `serve` sets and a scrape adds up; without
that variable they stay in memory. Every label has few values: routes and kinds, never a path or a name.
"""

from typing import Any

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from portal.harbor import vendor_of

disable_created_metrics()  # type: ignore[no-untyped-call]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG_BUCKETS = (0.01, 0.1, 1, 10, 60, 600, 3600)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
"""The operation of requests to addresses that do not exist."""

REQUESTS = Counter("harbor_core_http_request", "Requests answered.", ["method", "code", "operation"])
DURATION = Histogram(
    "harbor_core_http_request_duration_seconds",
    "How long requests took. Pulls answered from memory are counted but not timed.",
    ["method", "operation"],
    buckets=_BUCKETS,
)
INFLIGHT = Gauge(
    "harbor_core_http_inflight_requests", "Requests being answered by Django.", multiprocess_mode="livesum"
)
PULLS = Counter("portolan_pulls", "Successful pulls; hot ones were answered from memory.", ["kind", "path"])
PUSHES = Counter("portolan_pushes", "Successful pushes.", ["kind"])
TASKS = Counter("harbor_jobservice_task", "Runs of jobs that ended.", ["type", "status"])
TASK_DURATION = Histogram(
    "harbor_jobservice_task_process_time_seconds", "How long runs took.", ["type", "status"], buckets=_LONG_BUCKETS
)


def count_request(method: str, status: int, operation: str, seconds: float) -> None:
    """Counts one request that was answered."""
    method = known(method)
    REQUESTS.labels(method, str(status), operation).inc()
    DURATION.labels(method, operation).observe(seconds)


def known(method: str) -> str:
    """The method, or OTHER for one that somebody made up."""
    return method if method in _METHODS else "OTHER"


def count_task(sender: object, *, kind: str, state: str, seconds: float, **_: Any) -> None:  # noqa: ARG001
    """Counts one run of a job that ended; takes what `jobs.signals.run_ended` sends."""
    vendor = vendor_of(kind)
    TASKS.labels(vendor, state).inc()
    TASK_DURATION.labels(vendor, state).observe(seconds)
