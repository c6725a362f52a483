"""The `/v2/` application: ASGI in, ASGI out, no Django request in between.

A hot pull is answered from memory by `_serve_hot` without leaving the event loop; everything else finds its operation
in `routes`, its caller in `admission`, and any failure its answer in `failures`. The observer is told of either.
"""

import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from audit.spool import Spool
from registry import context, generations, ports
from registry.distribution import routes
from registry.distribution.admission import Admission
from registry.distribution.blobs import send_content, titled
from registry.distribution.cache import Answer, Cache
from registry.distribution.client import Client, client_of
from registry.distribution.failures import response_to
from registry.distribution.messages import Body, ClientGone, Receive, Request, Response, Scope, Send, parse_query
from registry.distribution.pulls import note_pull
from registry.distribution.threads import in_database_thread, in_login_thread
from registry.oci.names import check_name
from registry.ports import Caller, Observer, Unobserved

# A refused request may have a body on its way; so much of it is read so that the client sees the answer.
_DRAIN_LIMIT = 4 * 1024 * 1024


class Distribution:
    """The OCI distribution API as an ASGI application."""

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer = observer or Unobserved()
        self._cache = Cache()
        self._spool = Spool(settings.SPOOL_DIR)
        self._generations = generations.for_process(in_database_thread)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        began = time.perf_counter()
        sent = scope["headers"]
        headers = dict(sent)
        if len(headers) < len(sent):
            headers = _joined(sent)
        client = client_of(scope, headers)
        if scope["method"] in ("GET", "HEAD") and await self._serve_hot(scope, headers, client, send, began):
            return
        context.request_id.set(client.request_id)
        body = Body(receive)
        try:
            response = await self._answer(scope, body, headers, client)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - every failure has an answer.
            response = response_to(error, client.request_id)
            if b"expect" not in headers:  # Who asks before sending has nothing on its way.
                await body.drain(_DRAIN_LIMIT)
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        response.headers["X-Request-Id"] = client.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        await response.send(scope, send)
        self._observer.answered(client.exchange(scope, response.status, response.length, began))

    async def _serve_hot(
        self, scope: Scope, headers: dict[bytes, bytes], client: Client, send: Send, began: float
    ) -> bool:
        """Answers a pull from memory if it can be: known caller, known content, nothing changed since."""
        answer = self._cache.get(scope["path"])
        if answer is None or b"range" in headers:
            return False
        caller = ports.authorizer().cached(headers.get(b"authorization", b""))
        if caller is None or not caller.may(ports.PULL, answer.repository, answer.namespace_created_at):
            return False
        if not self._generations.seen(answer) and not await self._confirmed(answer):
            self._cache.drop(scope["path"])
            return False
        client.actor = caller.name
        request_id = (b"x-request-id", client.request_id.encode())
        if b"if-none-match" in headers and answer.is_held(headers[b"if-none-match"]):
            await send({"type": "http.response.start", "status": 304, "headers": [*answer.not_modified, request_id]})
            await send({"type": "http.response.body", "body": b""})
            self._observer.answered(client.exchange(scope, 304, None, began), hot=answer.kind)
            return True
        is_get = scope["method"] == "GET"
        as_file = answer.body is None and is_get
        if as_file and not _can_send_file(scope, headers, answer):
            return False
        if is_get and answer.is_manifest:
            note_pull(self._spool, client, caller, answer)
        await send({"type": "http.response.start", "status": 200, "headers": [*answer.headers, request_id]})
        if as_file:
            await send({"type": "http.response.pathsend", "path": str(answer.file)})
        else:
            await send({"type": "http.response.body", "body": answer.body if is_get else b""})
        self._observer.answered(client.exchange(scope, 200, answer.size, began), hot=answer.kind)
        return True

    async def _confirmed(self, answer: Answer) -> bool:
        try:
            return await self._generations.confirm(answer)
        except Exception:  # noqa: BLE001 - the way through the index meets the same trouble and reports it.
            return False

    async def _answer(self, scope: Scope, body: Body, headers: dict[bytes, bytes], client: Client) -> Response:
        operation, params = routes.find(scope["path"], scope["method"])
        query = parse_query(scope["query_string"])
        source = query["from"][0] if "mount" in query and "from" in query else ""
        for name in filter(None, (params.get("name"), source)):
            check_name(name)

        authorization = headers.get(b"authorization", b"")
        method = scope["method"]
        admission = Admission(operation, method, params, authorization, client.address, client.host, source)
        caller = admission.known()
        if caller is None:
            # A password takes long to check; tokens must not queue behind those.
            run = in_login_thread if admission.by_password else in_database_thread
            caller = await run(admission.authenticate)
        client.actor = caller.name

        def enter(caller: Caller) -> tuple[Request, Any]:
            """Checks the caller's rights and looks up what is asked for, in one visit to the database."""
            admission.check(caller)
            request = Request(scope, body, headers, params, query, client, caller)
            return request, operation.look_up(request)

        request, found = await in_database_thread(enter, caller)
        if isinstance(found, Response):
            return found
        if isinstance(found, Answer):
            return await self._pulled(request, found)
        assert operation.receive is not None
        return await operation.receive(request, found)

    async def _pulled(self, request: Request, answer: Answer) -> Response:
        """Answers a pull from what the index said, and keeps it for the next one."""
        self._cache.put(request.scope["path"], answer)
        if answer.is_held(request.headers.get(b"if-none-match", b"")):
            return Response(304, titled(answer.not_modified))
        if answer.is_manifest and request.method == "GET":
            note_pull(self._spool, request.client, request.caller, answer)
        return await send_content(request, answer)


def _joined(sent: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; several of one name are joined with commas (RFC 9110, 5.3)."""
    headers: dict[bytes, bytes] = {}
    for name, value in sent:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _can_send_file(scope: Scope, headers: dict[bytes, bytes], answer: Answer) -> bool:
    offered = "http.response.pathsend" in scope.get("extensions", {})
    return answer.file is not None and offered and b"x-accel-location" not in headers
