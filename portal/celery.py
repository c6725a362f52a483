"""The Celery application: `celery -A portal.celery worker` runs jobs, in threads.

With Redis it carries the bell between processes. Without, the worker finds its work in the database alone (jobs.worker),
and something that carries nothing (jobs.silence) takes the broker's place.
"""

import logging
import os
import ssl
import warnings
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

WORKER = (
    "--quiet",
    "--app=portal.celery",
    "worker",
    # Workers have nothing to tell each other: they meet in the database.
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "--loglevel=WARNING",
)
"""Arguments of `python -m celery` for a worker that keeps quiet."""


def broker(url: str) -> dict[str, Any]:
    """Celery's broker settings for PORTOLAN_REDIS_URL, which may be empty.

    `redis://[user:password@]host[:port][/db]`, `rediss://…` the same over TLS, where `?ssl_ca_certs=/path` names other
    authorities than the system's, and `sentinel://[:password@]host[:port][,host…]/master[/db]`.
    Raises `ImproperlyConfigured` for anything else.
    """
    if not url:
        return {"broker_url": "localhost", "broker_transport": "jobs.silence:Transport"}
    parts = urlsplit(url)
    # A broker that hangs must neither hold a request for long nor keep a worker from noticing.
    options: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5, "socket_keepalive": True}
    if parts.scheme in ("redis", "rediss"):
        tls = {"broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED}}
        with_tls = tls if parts.scheme == "rediss" and "ssl_" not in parts.query else {}
        return {"broker_url": url, "broker_transport_options": options, **with_tls}
    master, _, database = parts.path.strip("/").partition("/")
    if parts.scheme == "sentinel" and master:
        credentials, at, hosts = parts.netloc.rpartition("@")
        urls = [f"sentinel://{credentials}{at}{host}/{database or 0}" for host in hosts.split(",")]
        return {"broker_url": ";".join(urls), "broker_transport_options": {**options, "master_name": master}}
    raise ImproperlyConfigured(
        f"PORTOLAN_REDIS_URL begins with {parts.scheme!r}: it takes redis://host, rediss://host or "
        "sentinel://host,host/master."
    )


@setup_logging.connect  # type: ignore[untyped-decorator] # Celery has no types.
def _leave_logging_alone(**_: Any) -> None:
    """With a receiver, Celery does not replace the logging that Django has set up."""


# Celery warns root of pickled messages; only JSON is accepted here.
warnings.filterwarnings("ignore", category=SecurityWarning)
logging.getLogger("celery").setLevel(logging.WARNING)
logging.getLogger("kombu").setLevel(logging.WARNING)

app = Celery("portolan")
app.conf.update(
    **broker(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # For ever: jobs run without the broker meanwhile.
    task_default_queue="portolan",
    task_ignore_result=True,
    accept_content=["json"],
    worker_pool="threads",
    worker_concurrency=4,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_redirect_stdouts=False,
    # Concerns only tasks that are acknowledged late, which there are none of; unset, Celery warns at each lost connection.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    timezone="UTC",
)
app.set_default()  # For every thread, so that the bell in any of them finds this broker.
app.autodiscover_tasks(["jobs"])
app.steps["worker"].add("jobs.worker:Ticker")  # By name: the models are not loaded yet.
