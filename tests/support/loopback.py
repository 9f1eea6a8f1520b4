"""HTTP server on loopback that records its requests, and can be stopped, slowed and made to fail."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

JSON = {"content-type": "application/json"}


class Request(NamedTuple):
    """Request: the path is decoded, a parameter has all its values, the names of headers are lower-case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    target: str = ""
    """Request target as received."""


@dataclass(frozen=True)
class Response:
    """Response; the pieces of its body may be sent separately."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


class Loopback:
    """Server as a context manager; each connection has its own thread.

    `fault` replaces the response: always or `faults_left` times, for paths that match the expression `fault_on`. It is
    called with the handler of the request.
    """

    def __init__(
        self,
        respond: Callable[[Request], Response] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        socket_path: Path | None = None,
    ) -> None:
        self._respond = respond
        self._tls = tls
        self._socket_path = socket_path
        self._port = 0
        self.requests: list[Request] = []
        self.crashes: list[BaseException] = []
        self.fault: Callable[[Handler], None] | None = None
        self.faults_left: int | None = None
        self.fault_on = ""
        self.gzip = False
        self.pause_between = 0.0
        """Seconds between the pieces of a response, which is then sent in chunks."""
        self._hold_after: int | None = None
        self._released = threading.Event()
        self.ended = threading.Event()
        """Set as soon as the server goes down; faults that wait, wait for this."""

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.authority}"

    @property
    def authority(self) -> str:
        return "localhost" if self._socket_path else f"127.0.0.1:{self._port}"

    def respond(self, request: Request) -> Response:
        return (
            self._respond(request) if self._respond else Response((b"not found",), 404, {"content-type": "text/plain"})
        )

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def up(self) -> None:
        """Start to serve, on the same port as before."""
        self.ended = threading.Event()
        if self._socket_path:
            self._socket_path.unlink(missing_ok=True)
            self._server: _Server = _UnixServer(self._socket_path, Handler)
        else:
            self._server = _Server(("127.0.0.1", self._port), Handler)
            self._port = self._server.server_address[1]
        self._server.loopback = self
        self._server.connections = set()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Refuse connections, and close open ones."""
        if self.ended.is_set():
            return
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):  # the client may have gone
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def hold_after(self) -> int | None:
        """Number of pieces after which a response waits for `release`."""
        return self._hold_after

    @hold_after.setter
    def hold_after(self, pieces: int | None) -> None:
        self._hold_after = pieces
        if pieces is None:
            self._released.set()
        else:
            self._released.clear()

    def release(self) -> None:
        """Send the remaining pieces, and hold no more back."""
        self.hold_after = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.down()
        if self.crashes:
            raise self.crashes[0]

    def handle(self, handler: Handler) -> None:
        """Handle a request in the thread of its connection."""
        if self.fault and self.faults_left != 0 and re.search(self.fault_on, handler.request_read.path):
            if self.faults_left:
                self.faults_left -= 1
            self.fault(handler)
        else:
            self.send(handler, self.respond(handler.request_read))

    def send(self, handler: Handler, answer: Response) -> None:
        separate = bool(self.pause_between or self.hold_after is not None) and len(answer.pieces) > 1
        zipped = self.gzip and "gzip" in handler.headers.get("accept-encoding", "")
        pieces = answer.pieces if separate else [answer.body]
        headers = dict(answer.headers)
        if zipped:
            packer = zlib.compressobj(wbits=31)
            pieces = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces] + [packer.flush()]
            pieces = pieces if separate else [b"".join(pieces)]
            headers["content-encoding"] = "gzip"
        headers |= {"transfer-encoding": "chunked"} if separate else {"content-length": str(len(pieces[0]))}
        handler.start(answer.status, headers)
        if not separate:
            handler.wfile.write(pieces[0])
            return
        for number, piece in enumerate(pieces):
            if number == self.hold_after:
                self._released.wait()
            elif number and self.pause_between:
                self.ended.wait(self.pause_between)
            handler.chunk(piece)
        handler.chunk(b"")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        # set per connection, though the class declares it for all: a Unix socket does not have Nagle's algorithm
        vars(self)["disable_nagle_algorithm"] = self.request.family == socket.AF_INET
        super().setup()

    @property
    def loopback(self) -> Loopback:
        return self.server.loopback

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def do_GET(self) -> None:
        # unread data would be taken as the next request
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        self.request_read = Request(self.command, unquote(parts.path), query, headers, self.path)
        self.loopback.requests.append(self.request_read)
        self.loopback.handle(self)

    do_POST = do_CONNECT = do_GET  # noqa: N815 - the names that the server module calls

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingTCPServer):
    # not `HTTPServer`, which looks up its own name
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    loopback: Loopback
    connections: set[socket.socket]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if tls := self.loopback._tls:
            # the handshake is done in the connection's thread, so that a stalled client delays no other
            connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.connections.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        crash = sys.exception()
        if crash and not isinstance(crash, OSError):
            self.loopback.crashes.append(crash)


class _UnixServer(_Server):
    address_family = socket.AF_UNIX

    def __init__(self, path: Path, handler: type[BaseHTTPRequestHandler]) -> None:
        # the types of the base class do not allow the address of a Unix socket
        address: Any = str(path)
        super().__init__(address, handler)
