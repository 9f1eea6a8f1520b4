"""The network below HTTP, watched: a server that goes on sending next to nothing must not be waited for.

Timeouts are for each single read, and HTTP hands on what is whole: a header, a chunk's extension or a trailer that
comes a byte a second, or one interim response after the other, would be waited for without end.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

SLOWEST: Final = 64
"""Bytes a second below which a server does not so much answer as hold on to the client."""
MOST_HEAD: Final = 1 << 18
"""Bytes that may come until the headers of a response are whole, interim responses included; no single one of these is
read beyond 100 KiB.
"""


class StallError(Exception):
    """A server sends next to nothing: so many bytes a second."""

    def __init__(self, bytes_per_second: float) -> None:
        super().__init__(bytes_per_second)
        self.bytes_per_second = bytes_per_second


class EndlessHeadError(Exception):
    """A server sends headers or interim responses without end."""


class PacedTransport(httpx.HTTPTransport):
    """HTTP over connections that raise StallError and EndlessHeadError."""

    def __init__(self, patience: float, **options: Any) -> None:
        """`patience`: seconds of waiting over which the pace is measured."""
        super().__init__(**options)
        # httpx takes no other network by a parameter
        self._pool._network_backend = _Network(self._pool._network_backend, patience)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "trace": _note}
        return super().handle_request(request)


class _ResponseHead(threading.local):
    """Received part of a response's head in this thread, which handles one request at a time."""

    left: int | None = None
    """Bytes that may still come; None while no head is waited for."""


_HEAD = _ResponseHead()


def _note(event: str, _: object) -> None:
    if event.endswith(".receive_response_headers.started"):
        _HEAD.left = MOST_HEAD
    elif ".receive_response_headers." in event:
        _HEAD.left = None


class _Network(httpcore.NetworkBackend):
    def __init__(self, network: httpcore.NetworkBackend, patience: float) -> None:
        self._network = network
        self._patience = patience

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return _PacedStream(stream, self._patience)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _PacedStream(self._network.connect_unix_socket(path, timeout, socket_options), self._patience)

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class _PacedStream(httpcore.NetworkStream):
    """Measures the pace over the time that is spent waiting: what whoever reads does meanwhile is no fault of it."""

    def __init__(self, stream: httpcore.NetworkStream, patience: float) -> None:
        self._stream = stream
        self._patience = patience
        self._waited = 0.0
        self._size = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        begin = time.monotonic()
        data = self._stream.read(max_bytes, timeout)
        self._waited += time.monotonic() - begin
        self._size += len(data)
        if _HEAD.left is not None:
            _HEAD.left -= len(data)
            if _HEAD.left < 0:
                raise EndlessHeadError
        if self._waited > self._patience:
            if self._size < SLOWEST * self._patience:
                raise StallError(self._size / self._waited)
            self._waited, self._size = 0.0, 0
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # a request begins
        self._waited, self._size = 0.0, 0
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _PacedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._patience)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
