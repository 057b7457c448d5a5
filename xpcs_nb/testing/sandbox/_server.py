"""The HTTP server under the services: loopback, a thread a connection, stopped at once."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from xpcs_nb.testing.sandbox._faults import Fault, Faults
from xpcs_nb.testing.sandbox._service import Caller, FilePart, Refusal, Reply, Request, Service

__all__ = ["SandboxServer", "SeenRequest"]

log = logging.getLogger(__name__)

#: Bytes of a file that are sent at once.
BLOCK = 1 << 20


@dataclass(frozen=True)
class SeenRequest:
    """A request that came, and the status it was answered with (None: the connection was dropped)."""

    time: float
    service: str
    method: str
    path: str
    query: Mapping[str, str]
    status: int | None


class SandboxServer(ThreadingHTTPServer):
    """Gives each request to the service that its path begins with, unless a fault comes first."""

    daemon_threads = False
    block_on_close = True
    # The default backlog of 5 refuses bursts of clients.
    request_queue_size = 128

    def __init__(
        self, port: int, services: Mapping[str, Service], faults: Faults, identify: Callable[[str], Caller | None]
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.services = services
        self.faults = faults
        self.identify = identify
        self.seen: list[SeenRequest] = []
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox")

    def start(self) -> None:
        """Serve from now on, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; connections that clients keep open are closed."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection in mind, so that it can be ended."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget and close the connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def answer(self, service: Service, request: Request) -> Reply:
        """Return the service's answer, a refusal included."""
        try:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            known, parts = service.find(request.method, request.path)
            caller = self.identify(token) if token and known.scopes is not None else None
            service.check(known, caller, given=bool(token))
            document = known.answer(service, replace(request, caller=caller), **parts)
        except Refusal as refusal:
            return Reply(service.refusal(refusal, request.path), refusal.status)
        except Exception as error:  # the service must answer, and say what broke
            log.exception("%s %s of %s", request.method, request.path, service.name)
            broken = Refusal(500, f"the sandbox failed: {type(error).__name__}: {error}")
            return Reply(service.refusal(broken, request.path), 500)
        return document if isinstance(document, Reply) else Reply(document)


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        address = urlsplit(self.path)
        name, _, path = address.path.lstrip("/").partition("/")
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        headers = {key.title(): value for key, value in self.headers.items()}
        request = Request(self.command, "/" + unquote(path).rstrip("/"), query, headers, body)
        service = self.server.services.get(name)
        fault = self.server.faults.match(name, request.method, request.path)
        if fault is not None and fault.delay:
            self.server.stopping.wait(fault.delay)
        if fault is not None and fault.lose and service is not None:
            self.server.answer(service, request)
        if fault is not None and (fault.drop or fault.lose):
            self._note(name, request, None)
            self.close_connection = True
            _hang_up(self.connection)
        else:
            self._reply(service, name, request, fault)

    def _reply(self, service: Service | None, name: str, request: Request, fault: Fault | None) -> None:
        if service is None:
            reply = Reply({"code": "NOT_FOUND", "message": f"the sandbox has no service {name!r}"}, 404)
        elif fault is not None and fault.status is not None:
            reply = _spoiled(service, fault, request)
        else:
            reply = self.server.answer(service, request)
        self._note(name, request, reply.status)
        self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - names of the base class

    def _send(self, reply: Reply) -> None:
        document, content_type = reply.document, reply.content_type
        if isinstance(document, FilePart):
            self._send_head(reply, "application/octet-stream", document.size)
            self._send_file(document)
        else:
            text = json.dumps(document) if content_type == "application/json" else str(document)
            payload = text.encode()
            self._send_head(reply, content_type, len(payload))
            self.wfile.write(payload)
        self.wfile.flush()

    def _send_head(self, reply: Reply, content_type: str, size: int) -> None:
        self.send_response(reply.status)
        for key, value in {**reply.headers, "Content-Type": content_type, "Content-Length": str(size)}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send_file(self, part: FilePart) -> None:
        left = part.size
        with part.path.open("rb") as stream:
            stream.seek(part.start)
            while left and (block := stream.read(min(left, BLOCK))):
                self.wfile.write(block)
                left -= len(block)
        if left:
            # The file was cut meanwhile; the client is told by the missing bytes.
            self.close_connection = True

    def _note(self, name: str, request: Request, status: int | None) -> None:
        seen = SeenRequest(time.time(), name, request.method, request.path, request.query, status)
        self.server.seen.append(seen)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            log.debug("the client hung up")


def _spoiled(service: Service, fault: Fault, request: Request) -> Reply:
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return Reply(service.refusal(Refusal(status, "a fault of the sandbox"), request.path), status, headers)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("the client was faster")
