"""Requests to one server, bounded in time and size, retried where that is safe, with errors for users."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import msgspec

from tracetui.ingest.decompress import HTTP_CODINGS, UnpackError, unpack_stream
from tracetui.ingest.json_member_limit import Surplus, without_surplus
from tracetui.ingest.json_repair.lenient_json import loads
from tracetui.ingest.limits import MAX_PACKED_RATIO, MIN_LIMIT, decoding_cost, decoding_limit
from tracetui.ingest.servers.access import Access
from tracetui.ingest.servers.address import Address
from tracetui.ingest.servers.paced_network import PacedTransport
from tracetui.ingest.servers.request_errors import (
    CONNECT_SECONDS,
    NO_JSON,
    QUOTED,
    CutOffError,
    HttpError,
    RequestErrors,
)
from tracetui.ingest.servers.retry import with_retries

AT_ONCE = 4
"""Concurrent requests."""
MAX_RESPONSE_BYTES = 1 << 30
"""Largest decompressed response in bytes; a small response can expand to any size."""
_SMALL_RESPONSE_BYTES = 64 << 20
_SMALL_COST = 256 << 20
"""Largest `limits.decoding_cost` of a small response."""
_JSON_OPENING = (b"[", b"{")
_SEARCHED = 1 << 10
"""Largest number of blank bytes before JSON."""
_REDIRECTS = 5
_MIN_SKEW_SECONDS, _MAX_SKEW_SECONDS = 5, 24 * 3600
"""Range of a credible clock skew in seconds: less may be rounding or a slow response, more is an unset clock."""
_MAX_CODINGS = 3
_EMPTY_BYTES = 1 << 22
"""Compressed bytes that may exceed twice their unpacked size; no real compression needs more."""

Params = Mapping[str, str | int | Sequence[str]]
_BodyKind = TypeVar("_BodyKind")


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """Small response, received whole."""

    status: int
    content_type: str
    body: bytes
    surplus: Surplus | None = None
    """Members that were dropped from the body, see `without_surplus`."""

    def json(self, decoder: msgspec.json.Decoder[_BodyKind]) -> _BodyKind:
        """Decode the body. Raises one of NO_JSON for another type than the expected.

        Lone surrogates and invalid UTF-8 become U+FFFD, NaN and infinities null.
        """
        try:
            return decoder.decode(self.body)
        except msgspec.ValidationError:
            raise
        except NO_JSON:
            try:
                sound = msgspec.json.encode(loads(self.body))
            except (ValueError, OverflowError, RecursionError):
                sound = b""
            if not sound:
                raise
        return decoder.decode(sound)


class Connection:
    """Connection to the server at an address. Can be used from several threads."""

    def __init__(self, address: Address, access: Access, max_response_bytes: int = MAX_RESPONSE_BYTES) -> None:
        self.address = address
        self.errors = RequestErrors(address, access)
        self._max_response_bytes = max_response_bytes
        self.warn: Callable[[str], object] = lambda _: None
        """Called with a text if part of a response is skipped."""
        self.clock_ahead = 0.0
        """Seconds by which the server's clock was ahead of the local one at the last response; 0 for no clear skew."""
        transport = PacedTransport(
            access.timeout,
            verify=access.verify,
            uds=address.socket or None,
            proxy=access.proxy or None,
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        )
        headers = {
            "User-Agent": "tracetui",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate, zstd",
            **access.headers,
        }
        self._client = httpx.Client(
            transport=with_retries(transport),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            timeout=httpx.Timeout(access.timeout, connect=min(CONNECT_SECONDS, access.timeout)),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def name(self) -> str:
        """Address for display, without secrets."""
        return self.address.shown

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def get(self, path: str, params: Params | None = None, max_bytes: int = 0) -> ServerResponse:
        """Request a small response (any status), up to `max_bytes` (0 for the default). Raises HttpError on failure."""
        at = self.errors.at(path)
        # a response of another size is decoded within its own limits
        max_cost = math.inf if max_bytes else _SMALL_COST
        max_bytes = max_bytes or _SMALL_RESPONSE_BYTES
        with self._send(path, params) as response:
            pieces, size, cost = [], 0, 0
            for piece in self._body(response, path, max_bytes + 1):
                pieces.append(piece)
                size += len(piece)
                cost += decoding_cost(piece)
                if size > max_bytes:
                    raise HttpError(f"{at}: response larger than {max_bytes >> 20} MB")
                if cost > max_cost:
                    raise HttpError(f"{at}: response of too many values")
            body = b"".join(pieces)
            is_json = body[:_SEARCHED].lstrip().startswith(_JSON_OPENING)
            surplus = without_surplus(body) if is_json else None
            return ServerResponse(
                response.status_code, _content_type(response), surplus.text if surplus else body, surplus
            )

    def json(self, decoder: msgspec.json.Decoder[_BodyKind], path: str, params: Params | None = None) -> _BodyKind:
        """Request and decode a small response. Raises HttpError unless it has status 200 and the expected structure.

        decoder: made with `strict=False`, as some servers put numbers in quotes.
        """
        response = self.get(path, params)
        if response.status != httpx.codes.OK:
            raise self.errors.status_error(path, response.status, response.body)
        if response.surplus:
            self.warn(f"{path}: {response.surplus}")
        try:
            return response.json(decoder)
        except msgspec.ValidationError as error:
            raise self.errors.unexpected_response_error(path, str(error)) from None
        except NO_JSON:
            raise self.errors.not_json_error(path, response.content_type, response.body) from None

    def stream(self, path: str, params: Params | None = None) -> Iterator[bytes]:
        """Yield the bytes of a response of status 200 as they arrive. Raises HttpError, CutOffError at an early end."""
        with self._send(path, params) as response:
            if response.status_code != httpx.codes.OK:
                body = b"".join(self._body(response, path, _SMALL_RESPONSE_BYTES))
                raise self.errors.status_error(path, response.status_code, body)
            body_seen = False
            for piece in self._body(response, path, self._max_response_bytes):
                if not body_seen and piece.strip():
                    body_seen = True
                    if piece.lstrip()[:1] == b"<":
                        raise self.errors.not_json_error(path, _content_type(response), piece)
                yield piece

    @contextmanager
    def _send(self, path: str, params: Params | None) -> Iterator[httpx.Response]:
        """Send a GET and follow redirects within the server. Raises HttpError."""
        at = self.errors.at(path)
        with self.errors.translated(path):
            url = httpx.URL(self.address.base + path)
            request = self._client.build_request("GET", url, params=dict(params) if params else None)
            response = self._client.send(request, stream=True)
            try:
                for _ in range(_REDIRECTS):
                    if response.next_request is None:
                        break
                    response = self._redirected(response, path)
                if response.next_request is not None:
                    raise HttpError(
                        f"{at}: more than {_REDIRECTS} redirects, perhaps a loop; check the address and its base path",
                        response.status_code,
                    )
                self._read_clock(response)
                yield response
            finally:
                response.close()

    def _read_clock(self, response: httpx.Response) -> None:
        date = "" if "Age" in response.headers else response.headers.get("Date", "")
        try:
            ahead = parsedate_to_datetime(date).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return
        if abs(ahead) < _MIN_SKEW_SECONDS or abs(ahead) > _MAX_SKEW_SECONDS:
            ahead = 0.0
        if abs(ahead - self.clock_ahead) > _MIN_SKEW_SECONDS:
            self.clock_ahead = ahead

    def _redirected(self, response: httpx.Response, path: str) -> httpx.Response:
        """Build the request that follows a redirect within this host: credentials must not go to another one."""
        at = self.errors.at(path)
        request = response.next_request
        assert request is not None
        response.close()
        here, there = httpx.URL(self.address.base), request.url
        upgraded = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
        upgraded &= here.host == there.host
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port) and not upgraded:
            raise HttpError(
                f"{at}: redirects to another server ({there.scheme}://{there.netloc.decode()}), perhaps a"
                f" login page; not followed. {self.errors.credentials_hint()}",
                response.status_code,
            )
        return self._client.send(request, stream=True)

    def _body(self, response: httpx.Response, path: str, limit: int) -> Iterator[bytes]:
        """Yield the unpacked body up to the size limits."""
        at = self.errors.at(path)
        cost = 0
        for size, piece in self._unpacked(response, path):
            cost += decoding_cost(piece)
            yield piece
            if size > limit:
                raise CutOffError(
                    f"{at}: more than {limit / (1 << 30):.3g} GiB in one response; the rest was skipped."
                    " Try a shorter time range or a smaller limit."
                )
            if size > max(MAX_PACKED_RATIO * response.num_bytes_downloaded, MIN_LIMIT):
                raise CutOffError(
                    f"{at}: the response decompresses to more than {MAX_PACKED_RATIO} times its size;"
                    " this is not trace data"
                )
            if cost > decoding_limit(response.num_bytes_downloaded):
                raise CutOffError(
                    f"{at}: the response decompresses to more values than traces of its size can hold;"
                    " this is not trace data"
                )

    def _unpacked(self, response: httpx.Response, path: str) -> Iterator[tuple[int, bytes]]:
        """Yield the unpacked body in pieces of bounded size, unlike httpx's, each with the total size so far."""
        at = self.errors.at(path)
        size = 0

        def packed() -> Iterator[bytes]:
            for piece in response.iter_raw():
                yield piece
                # compressed data can be endless and unpack to nothing
                if response.num_bytes_downloaded > 2 * size + _EMPTY_BYTES:
                    raise CutOffError(
                        f"{at}: {response.num_bytes_downloaded >> 20} MiB of compressed data are almost"
                        " empty; this is not trace data"
                    )

        codings = [word.strip().lower() for word in response.headers.get("Content-Encoding", "").split(",")]
        codings = [word for word in codings if word not in ("", "identity")]
        unknown = [word for word in codings if word not in HTTP_CODINGS]
        if unknown or len(codings) > _MAX_CODINGS:
            what = unknown[0][:QUOTED] if unknown else f"{len(codings)} layers"
            raise HttpError(f"{at}: unsupported compression of the response ({what}); is there a proxy in between?")
        pieces = packed()
        for coding in reversed(codings):
            pieces = unpack_stream(pieces, coding)
        try:
            for piece in pieces:
                size += len(piece)
                yield size, piece
        except UnpackError:
            raise CutOffError(
                f"{at}: the response is marked as compressed but cannot be decompressed; is there a proxy in between?"
            ) from None


def _content_type(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip()
