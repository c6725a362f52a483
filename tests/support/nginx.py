"""A private nginx in front of a registry, configured as the documentation tells operators to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import Child, free_port, is_root, listening, program, stopped_after
from tests.support.scratch import scratch

CONFIG = """
daemon off;
worker_processes 2;
{user}
error_log {directory}/error.log;
pid {directory}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    sendfile on;
    tcp_nopush on;
    upstream registry {{ {servers} keepalive 32; }}
    server {{
        listen {address};
        client_max_body_size 0;
        location / {{
            proxy_pass http://registry;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Accel-Location "{announced}";
            proxy_request_buffering off;
        }}
        {accelerated}
    }}
}}
"""
# X-Accel-Redirect replaces the answer, so the headers clients need are handed on by name.
INTERNAL = "/_store/"
ACCELERATED = """
        location {internal} {{
            internal;
            alias {store}/;
            add_header Docker-Content-Digest $upstream_http_docker_content_digest always;
            add_header Docker-Distribution-Api-Version $upstream_http_docker_distribution_api_version always;
            add_header Cache-Control $upstream_http_cache_control always;
        }}
"""


@contextmanager
def server(*upstreams: str, store: Path | None = None) -> Iterator[str]:
    """The `address:port` of an nginx that spreads requests over `upstreams`.

    With `store`, the upstreams are told that nginx can send the files below it, so they answer with X-Accel-Redirect
    (when they trust 127.0.0.1 as a proxy). Otherwise a header that would claim so is taken away.
    """
    port = free_port()
    with scratch("nginx") as directory:
        config = CONFIG.format(
            directory=directory,
            user="user root;" if is_root() else "",
            servers=" ".join(f"server {upstream};" for upstream in upstreams),
            address=f"127.0.0.1:{port}",
            announced=INTERNAL if store else "",
            accelerated=ACCELERATED.format(internal=INTERNAL, store=store) if store else "",
        )
        (directory / "nginx.conf").write_text(config)
        argv = [
            program("nginx", "nginx-light"),
            "-c",
            str(directory / "nginx.conf"),
            "-e",
            str(directory / "error.log"),
        ]
        with stopped_after(Child(argv, log=directory / "log")) as child:
            child.start(lambda: listening(port))
            yield f"127.0.0.1:{port}"
