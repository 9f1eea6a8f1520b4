"""What can go wrong between a client and a server, on purpose.

with faulty(status(429, retry_after="1"), times=2) as server:  # then as LiveServer("jaeger-v1")
    ...
with faulty(silent) as server:
    ...
    server.fault = None  # well again
with LiveServer("zipkin") as server:
    server.down()
    ...
    server.up()
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.support.loopback import JSON, Answer, Handler, Loopback
from tests.support.servers import LiveServer

Fault = Callable[[Handler], None]

HTML = {"content-type": "text/html; charset=utf-8"}
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method=post></form></body></html>"
MIB = 1 << 20


@contextlib.contextmanager
def faulty(fault: Fault, times: int | None = None, then: str = "jaeger-v1", on: str = "") -> Iterator[LiveServer]:
    """A `LiveServer` that shows a fault to each request, to the first ones, or to those of paths that match `on`."""
    with LiveServer(then) as server:
        server.fault, server.faults_left, server.fault_on = fault, times, on
        yield server


@contextlib.contextmanager
def refused() -> Iterator[LiveServer]:
    """A port that nothing listens on, until `up`."""
    with LiveServer("jaeger-v1") as server:
        server.down()
        yield server


# connections


class Held:
    """A fault that is shown when it is told to be."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._reached, self._go_on = threading.Event(), threading.Event()

    def __call__(self, handler: Handler) -> None:
        self._reached.set()
        self._go_on.wait()
        self._fault(handler)

    @property
    def is_reached(self) -> bool:
        """Whether somebody waits for it."""
        return self._reached.is_set()

    def go_on(self) -> None:
        self._go_on.set()


def reset(handler: Handler) -> None:
    """Reads the request, and ends the connection with a reset."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Closed at once: the server would say goodbye first.
    socket.socket(fileno=handler.connection.detach()).close()


def silent(handler: Handler) -> None:
    """Accepts, and says nothing."""
    handler.loopback.ended.wait()
    handler.close_connection = True


def drip(handler: Handler, pause: float = 0.1) -> None:
    """One byte of a right answer after the other."""
    body = _right(handler).body
    handler.start(200, JSON | {"content-length": str(len(body))})
    for byte in body:
        handler.wfile.write(bytes([byte]))
        if handler.loopback.ended.wait(pause):
            break
    handler.close_connection = True


def drip_headers(handler: Handler) -> None:
    """A header that comes a byte after the other."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nx-drip: ", b"a")


def drip_chunk_extension(handler: Handler) -> None:
    """The first chunk's extension, a byte after the other."""
    _drip(handler, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a")


def drip_trailer(handler: Handler) -> None:
    """A right answer, and behind it a trailer, a byte after the other."""
    body = _right(handler).body
    begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nx-drip: " % (len(body), body)
    _drip(handler, begin, b"a")


def _drip(handler: Handler, begin: bytes, byte: bytes, pause: float = 0.1) -> None:
    handler.wfile.write(begin)
    while not handler.loopback.ended.wait(pause):
        handler.wfile.write(byte)
    handler.close_connection = True


def endless(begin: bytes, again: bytes) -> Fault:
    """Something that comes again and again after a beginning."""

    def send(handler: Handler) -> None:
        handler.wfile.write(begin)
        many = again * (1 + 10_000 // len(again))
        while not handler.loopback.ended.is_set():
            handler.wfile.write(many)
        handler.close_connection = True

    return send


interim = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n")
_GZIP = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"
_EMPTY_MEMBER = zlib.compressobj(wbits=31).flush()
empty_members = endless(_GZIP, _EMPTY_MEMBER)
empty_blocks = endless(_GZIP + b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\0\0\0\xff\xff")
gzip_name = endless(_GZIP + b"\x1f\x8b\x08\x08\0\0\0\0\0\xff", b"n")
"""A member of gzip whose file name does not end."""


def cut(handler: Handler) -> None:
    """A body shorter than was said."""
    body = _right(handler).body
    handler.start(200, JSON | {"content-length": str(len(body))})
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def cut_chunked(handler: Handler) -> None:
    """Chunks without the last one, whose absence says that more was to come."""
    body = _right(handler).body
    handler.start(200, JSON | {"transfer-encoding": "chunked"})
    handler.chunk(body[: len(body) // 2])
    handler.close_connection = True


def _right(handler: Handler) -> Answer:
    return handler.loopback.respond(handler.request_read)


# answers


def status(code: int, retry_after: str = "", body: bytes = b"upstream says no\n") -> Fault:
    """An error of a proxy or a server; `retry_after` is seconds or an HTTP date."""
    headers = {"content-type": "text/plain"} | ({"retry-after": retry_after} if retry_after else {})
    if code == 401:
        headers["www-authenticate"] = 'Basic realm="traces"'
    return _answering(Answer((body,), code, headers))


def login_redirect(to: str = "/login") -> Fault:
    """302 to another path, which is a login page, or to another server."""
    page, away = Answer((LOGIN_PAGE,), 200, HTML), Answer((), 302, {"location": to})

    def send(handler: Handler) -> None:
        handler.loopback.send(handler, page if handler.path == to else away)

    return send


def redirect_loop(handler: Handler) -> None:
    """302 to where the request went."""
    handler.loopback.send(handler, Answer((), 302, {"location": handler.path}))


def _answering(answer: Answer) -> Fault:
    return lambda handler: handler.loopback.send(handler, answer)


login_page = _answering(Answer((LOGIN_PAGE,), 200, HTML))
bad_json = _answering(Answer((b'{"data":[{"traceID":"1f",,]',)))
json_of_something_else = _answering(Answer((b'{"openapi":"3.1.0","paths":{}}',)))
wrong_encoding = _answering(Answer((b'{"data":[]}',), 200, JSON | {"content-encoding": "gzip"}))


def huge(handler: Handler) -> None:
    """A right answer that does not end: its first item again and again or, where it has no items, blanks."""
    begin, *items = _right(handler).pieces
    begin, more = (begin + items[0], b"," + items[0]) if len(items) > 1 else (begin[:1], b" ")
    many = more * (MIB // len(more) + 1)
    handler.start(200, JSON | {"transfer-encoding": "chunked"})
    handler.chunk(begin)
    while not handler.loopback.ended.is_set():
        handler.chunk(many)
    handler.close_connection = True


def gzip_bomb(handler: Handler, size: int = 4 << 30) -> None:
    """Blanks inside of JSON: about 1 KiB is sent for each MiB that they take when unpacked."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(_right(handler).body[:1]) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block needs nothing of what was before it, so the same one can be sent again.
    block = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    handler.start(200, JSON | {"content-encoding": "gzip", "transfer-encoding": "chunked"})
    handler.chunk(head)
    for _ in range(size // MIB):
        handler.chunk(block)
    handler.close_connection = True


# TLS


class Certificate(NamedTuple):
    certificate: Path
    key: Path


@functools.cache
def certificate(name: str) -> Certificate:
    """A certificate that signs itself, for 127.0.0.1. Skips the test where there is no openssl."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates, and is not there")
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    request += ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    request += ["-out", str(made.certificate), "-keyout", str(made.key)]
    subprocess.run(request, check=True, capture_output=True)
    return made


def tls(client: Certificate | None = None) -> ssl.SSLContext:
    """For `LiveServer(kind, tls=tls())`: the certificate is certificate("server"). `client`: the only one let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate("server"))
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client.certificate)
    return context


# a proxy


class Proxy(Loopback):
    """A forward proxy: `requests` has what it was asked for, as it was asked, CONNECT included."""

    def handle(self, handler: Handler) -> None:
        (self._tunnel if handler.command == "CONNECT" else self._forward)(handler)

    def _forward(self, handler: Handler) -> None:
        target = urlsplit(handler.path)
        connection = HTTPConnection(target.hostname or "", target.port)
        kept = {name: value for name, value in handler.headers.items() if not name.lower().startswith("proxy-")}
        connection.request(handler.command, target._replace(scheme="", netloc="").geturl(), handler.body, kept)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        headers.pop("transfer-encoding", None)
        headers.pop("content-length", None)
        with contextlib.closing(connection):
            self.send(handler, Answer((answer.read(),), answer.status, headers))

    def _tunnel(self, handler: Handler) -> None:
        host, _, port = handler.path.rpartition(":")
        handler.close_connection = True
        with socket.create_connection((host, int(port))) as far:
            handler.wfile.write(b"HTTP/1.1 200 connected\r\n\r\n")
            near = handler.connection
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)
