"""HTTP transport that raises an error if a response arrives too slowly or its headers never end.

Timeouts apply to single reads, and HTTP passes on only complete elements. Without this, a header, a chunk extension or
a trailer that arrives at a byte per second, or endless interim responses, would block without end.
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
"""Bytes per second below which a response counts as stalled."""
MAX_HEAD: Final = 1 << 18
"""Largest size in bytes of the headers of a response, interim responses included.

httpx limits each of these to 100 KiB.
"""


class StallError(Exception):
    """A response has stalled: it arrives at this pace."""

    def __init__(self, bytes_per_second: float) -> None:
        super().__init__(bytes_per_second)
        self.bytes_per_second = bytes_per_second


class EndlessHeadError(Exception):
    """A server sends endless headers or interim responses."""


class PacedTransport(httpx.HTTPTransport):
    """HTTP transport whose connections raise StallError and EndlessHeadError."""

    def __init__(self, measured_seconds: float, **options: Any) -> None:
        """`measured_seconds`: seconds over which the pace is measured."""
        super().__init__(**options)
        # httpx has no parameter for the network back end
        self._pool._network_backend = _Network(self._pool._network_backend, measured_seconds)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "trace": _note}
        return super().handle_request(request)


class _ResponseHead(threading.local):
    """Size of the response head received in this thread, which handles one request at a time."""

    left: int | None = None
    """Bytes that may still arrive; None while no head is expected."""


_HEAD = _ResponseHead()


def _note(event: str, _: object) -> None:
    if event.endswith(".receive_response_headers.started"):
        _HEAD.left = MAX_HEAD
    elif ".receive_response_headers." in event:
        _HEAD.left = None


class _Network(httpcore.NetworkBackend):
    """Network back end whose streams measure their pace."""

    def __init__(self, network: httpcore.NetworkBackend, measured_seconds: float) -> None:
        self._network = network
        self._measured_seconds = measured_seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return _PacedStream(stream, self._measured_seconds)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _PacedStream(self._network.connect_unix_socket(path, timeout, socket_options), self._measured_seconds)

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class _PacedStream(httpcore.NetworkStream):
    """Stream that measures its pace only while it waits, so that a slow caller is not blamed on the server."""

    def __init__(self, stream: httpcore.NetworkStream, measured_seconds: float) -> None:
        self._stream = stream
        self._measured_seconds = measured_seconds
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
        if self._waited > self._measured_seconds:
            if self._size < SLOWEST * self._measured_seconds:
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
        return _PacedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._measured_seconds)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
