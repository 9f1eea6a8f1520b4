"""Faults between a client and a server, produced on purpose.

with faulty(status(429, retry_after="1"), times=2) as server:  # then like LiveServer("jaeger-v1")
    ...
with faulty(silent) as server:
    ...
    server.fault = None  # works again
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

from tests.support.loopback import JSON, Handler, Loopback, Response
from tests.support.servers import LiveServer

Fault = Callable[[Handler], None]

HTML = {"content-type": "text/html; charset=utf-8"}
LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method=post></form></body></html>"
MIB = 1 << 20


@contextlib.contextmanager
def faulty(fault: Fault, times: int | None = None, then: str = "jaeger-v1", on: str = "") -> Iterator[LiveServer]:
    """Serve a `LiveServer` with a fault in every request, in the first ones, or in those whose path matches `on`."""
    with LiveServer(then) as server:
        server.fault, server.faults_left, server.fault_on = fault, times, on
        yield server


@contextlib.contextmanager
def refused() -> Iterator[LiveServer]:
    """Reserve a port without a server, until `up` is called."""
    with LiveServer("jaeger-v1") as server:
        server.down()
        yield server


# connections


class HeldFault:
    """Fault that waits for `go_on` before it occurs."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._reached, self._go_on = threading.Event(), threading.Event()

    def __call__(self, handler: Handler) -> None:
        self._reached.set()
        self._go_on.wait()
        self._fault(handler)

    @property
    def is_reached(self) -> bool:
        """True if a request waits for it."""
        return self._reached.is_set()

    def go_on(self) -> None:
        self._go_on.set()


def reset(handler: Handler) -> None:
    """Read the request, and reset the connection."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # closed at once, as the server would end the connection properly first
    socket.socket(fileno=handler.connection.detach()).close()


def silent(handler: Handler) -> None:
    """Accept the connection, and never respond."""
    handler.loopback.ended.wait()
    handler.close_connection = True


def drip(handler: Handler, pause: float = 0.1) -> None:
    """Send a correct response byte by byte."""
    body = _correct_response(handler).body
    handler.start(200, JSON | {"content-length": str(len(body))})
    for byte in body:
        handler.wfile.write(bytes([byte]))
        if handler.loopback.ended.wait(pause):
            break
    handler.close_connection = True


def drip_headers(handler: Handler) -> None:
    """Send an endless header byte by byte."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nx-drip: ", b"a")


def drip_chunk_extension(handler: Handler) -> None:
    """Send an endless extension of the first chunk byte by byte."""
    _drip(handler, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a")


def drip_trailer(handler: Handler) -> None:
    """Send a correct response and an endless trailer byte by byte."""
    body = _correct_response(handler).body
    begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nx-drip: " % (len(body), body)
    _drip(handler, begin, b"a")


def _drip(handler: Handler, begin: bytes, byte: bytes, pause: float = 0.1) -> None:
    handler.wfile.write(begin)
    while not handler.loopback.ended.wait(pause):
        handler.wfile.write(byte)
    handler.close_connection = True


def endless(begin: bytes, again: bytes) -> Fault:
    """Repeat something endlessly after a beginning."""

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
"""A gzip member whose file name does not end."""


def cut(handler: Handler) -> None:
    """Send a body shorter than its stated length."""
    body = _correct_response(handler).body
    handler.start(200, JSON | {"content-length": str(len(body))})
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def cut_chunked(handler: Handler) -> None:
    """Send chunks without the last one, which would mark the end."""
    body = _correct_response(handler).body
    handler.start(200, JSON | {"transfer-encoding": "chunked"})
    handler.chunk(body[: len(body) // 2])
    handler.close_connection = True


def _correct_response(handler: Handler) -> Response:
    return handler.loopback.respond(handler.request_read)


# answers


def status(code: int, retry_after: str = "", body: bytes = b"upstream says no\n") -> Fault:
    """Respond with an error of a proxy or a server; `retry_after` is seconds or an HTTP date."""
    headers = {"content-type": "text/plain"} | ({"retry-after": retry_after} if retry_after else {})
    if code == 401:
        headers["www-authenticate"] = 'Basic realm="traces"'
    return _responding(Response((body,), code, headers))


def login_redirect(to: str = "/login") -> Fault:
    """Redirect to another path, which is a login page, or to another server."""
    page, redirect = Response((LOGIN_PAGE,), 200, HTML), Response((), 302, {"location": to})

    def send(handler: Handler) -> None:
        handler.loopback.send(handler, page if handler.path == to else redirect)

    return send


def redirect_loop(handler: Handler) -> None:
    """Redirect to the same path."""
    handler.loopback.send(handler, Response((), 302, {"location": handler.path}))


def _responding(answer: Response) -> Fault:
    return lambda handler: handler.loopback.send(handler, answer)


login_page = _responding(Response((LOGIN_PAGE,), 200, HTML))
bad_json = _responding(Response((b'{"data":[{"traceID":"1f",,]',)))
json_of_something_else = _responding(Response((b'{"openapi":"3.1.0","paths":{}}',)))
wrong_encoding = _responding(Response((b'{"data":[]}',), 200, JSON | {"content-encoding": "gzip"}))


def huge(handler: Handler) -> None:
    """Send a correct response without an end: its first item repeatedly, or blanks if it has no items."""
    begin, *items = _correct_response(handler).pieces
    begin, more = (begin + items[0], b"," + items[0]) if len(items) > 1 else (begin[:1], b" ")
    many = more * (MIB // len(more) + 1)
    handler.start(200, JSON | {"transfer-encoding": "chunked"})
    handler.chunk(begin)
    while not handler.loopback.ended.is_set():
        handler.chunk(many)
    handler.close_connection = True


def gzip_bomb(handler: Handler, size: int = 4 << 30) -> None:
    """Send compressed blanks within JSON: about 1 KiB for each MiB unpacked."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(_correct_response(handler).body[:1]) + packer.flush(zlib.Z_FULL_FLUSH)
    # after a full flush a block does not depend on previous ones, so the same one can be sent repeatedly
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
    """Make a self-signed certificate for 127.0.0.1. Skips the test without openssl."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates, and is not there")
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pair = Certificate(folder / "certificate.pem", folder / "key.pem")
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    request += ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    request += ["-out", str(pair.certificate), "-keyout", str(pair.key)]
    subprocess.run(request, check=True, capture_output=True)
    return pair


def tls(client: Certificate | None = None) -> ssl.SSLContext:
    """Build the context for `LiveServer(kind, tls=tls())`, with certificate("server"). `client`: the only
    accepted one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate("server"))
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client.certificate)
    return context


# a proxy


class Proxy(Loopback):
    """Forward proxy: `requests` has the requests as received, CONNECT included."""

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
            self.send(handler, Response((answer.read(),), answer.status, headers))

    def _tunnel(self, handler: Handler) -> None:
        host, _, port = handler.path.rpartition(":")
        handler.close_connection = True
        with socket.create_connection((host, int(port))) as remote:
            handler.wfile.write(b"HTTP/1.1 200 connected\r\n\r\n")
            local = handler.connection
            while True:
                ready, _, _ = select.select([local, remote], [], [])
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    (remote if end is local else local).sendall(data)
