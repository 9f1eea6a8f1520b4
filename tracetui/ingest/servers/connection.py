"""Requests to one server, bounded in time and size, retried where that is safe, with errors for users."""

from __future__ import annotations

import math
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from httpx_retries import Retry, RetryTransport

from tracetui.ingest.decompress import HTTP_CODINGS, UnpackError, unpack_stream
from tracetui.ingest.json_repair.lenient_json import without_lone_surrogates
from tracetui.ingest.limits import LEAST, MOST_PACKED_TIMES, decoding_cost, decoding_limit
from tracetui.ingest.servers.access import Access
from tracetui.ingest.servers.address import Address
from tracetui.ingest.servers.paced_network import EndlessHeadError, PacedTransport, StallError
from tracetui.model.errors import BackEndError
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.times import format_duration

AT_ONCE = 4
"""Concurrent requests."""
MAX_ANSWER = 4 << 30
"""Largest decompressed response in bytes; a small response can expand to any size."""
_SMALL_ANSWER = 64 << 20
_SMALL_COST = 256 << 20
"""Most `limits.decoding_cost` of a small response."""
_LONGEST_MESSAGE = 1 << 20
_CONNECT_SECONDS = 5.0
_LONGEST_WAIT = 15.0
_FOR_EVER = 1e9
_REDIRECTS = 5
_CLOCKS_AGREE, _CLOCK_IS_WRONG = 5, 24 * 3600
"""Range of a credible clock skew in seconds: less may be rounding or a slow response, more is an unset clock."""
_QUOTED = 200
_MOST_CODINGS = 3
_EMPTY_BYTES = 1 << 22
"""Compressed bytes that may exceed twice their unpacked size; no real compression needs more."""
_TRIES = 2
_ENDED: Final = re.compile("disconnected|peer closed")
"""Messages of httpx for a response that ended early; with all others there was no response."""
_UNANSWERED: Final = "without sending a response"
_TENANT = re.compile(r"tenant|\borg\b", re.IGNORECASE)
_TENANT_HINT = "Set the tenant with --tenant, TRACETUI_TENANT or a profile"

Params = Mapping[str, str | int | Sequence[str]]
_BodyKind = TypeVar("_BodyKind")
NO_JSON: Final = MALFORMED
"""Exceptions that decoding raises for malformed bytes of any kind."""


class HttpError(BackEndError):
    """A failed request. `status` is 0 if there was no response."""

    def __init__(self, text: str, status: int = 0, server_message: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.server_message = server_message
        """Error message of the server."""


class CutOffError(HttpError):
    """A response ended early; the received part was passed on."""


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """Small response, received whole."""

    status: int
    content_type: str
    body: bytes

    def json(self, kind: type[_BodyKind]) -> _BodyKind:
        """Decode the body as the expected type. Raises one of NO_JSON for any other. Numbers may be in quotes, and lone
        surrogates become U+FFFD.
        """
        try:
            return msgspec.json.decode(self.body, type=kind, strict=False)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            whole = without_lone_surrogates(self.body)
            if whole == self.body:
                raise
        return msgspec.json.decode(whole, type=kind, strict=False)


class _BusyError(Exception):
    """The server's Retry-After is too long to wait."""

    def __init__(self, seconds: float, status: int) -> None:
        super().__init__()
        self.seconds = seconds
        self.status = status


class _Patience(Retry):
    """Retry policy that honours a short Retry-After."""

    def sleep(self, response: httpx.Response | Exception) -> None:
        if isinstance(response, httpx.Response):
            seconds = _seconds_to_wait(response.headers.get("Retry-After", ""))
            if seconds > _LONGEST_WAIT:
                response.close()
                raise _BusyError(seconds, response.status_code)
            # the library would log invalid values, which are untrusted, unescaped
            response.headers["Retry-After"] = str(math.ceil(seconds))
        super().sleep(response)


def _seconds_to_wait(written: str) -> float:
    """Convert a Retry-After header (seconds or a date) to seconds; 0 for anything else."""
    written = written.strip()
    if written.isascii() and written.isdigit():
        return min(float(written), _FOR_EVER)
    try:
        until = parsedate_to_datetime(written)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max((until - datetime.now(UTC)).total_seconds(), 0)
    except (ValueError, TypeError, OverflowError):
        return 0


class Connection:
    """Connection to the server at an address. Can be used from several threads."""

    def __init__(self, address: Address, access: Access, max_answer: int = MAX_ANSWER) -> None:
        self.address = address
        self._access = access
        self._max_answer = max_answer
        self.clock_ahead = 0.0
        """Seconds by which the server's clock was ahead of the local one at the last response; 0 for no clear skew."""
        transport = PacedTransport(
            access.timeout,
            verify=access.verify,
            uds=address.socket or None,
            proxy=access.proxy or None,
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        )
        retry = _Patience(
            total=_TRIES,
            backoff_factor=0.25,
            max_backoff_wait=_LONGEST_WAIT,
            total_timeout=2 * _LONGEST_WAIT,
            # do not retry read timeouts and certificate errors: they would recur
            retry_on_exceptions=(httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.ConnectTimeout),
        )
        headers = {
            "User-Agent": "tracetui",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate, zstd",
            **access.headers,
        }
        self._client = httpx.Client(
            transport=RetryTransport(transport, retry),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            timeout=httpx.Timeout(access.timeout, connect=min(_CONNECT_SECONDS, access.timeout)),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def name(self) -> str:
        """Address for display, without secrets."""
        return self.address.shown

    @property
    def _proxy(self) -> str:
        """Host and port of the proxy, '' for none."""
        return urlsplit(self._access.proxy).netloc.rpartition("@")[2]

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, params: Params | None = None, most: int = 0) -> ServerResponse:
        """Request a small response (up to `most` bytes) of any status. Raises HttpError if there is none."""
        # a larger one is decoded within limits of its own
        most_cost = math.inf if most else _SMALL_COST
        most = most or _SMALL_ANSWER
        with self._send(path, params) as response:
            pieces, size, cost = [], 0, 0
            for piece in self._body(response, path, most + 1):
                pieces.append(piece)
                size += len(piece)
                cost += decoding_cost(piece)
                if size > most:
                    raise HttpError(f"{self._at(path)}: response larger than {most >> 20} MB")
                if cost > most_cost:
                    raise HttpError(f"{self._at(path)}: response of too many values")
            return ServerResponse(response.status_code, _content_type(response), b"".join(pieces))

    def json(self, kind: type[_BodyKind], path: str, params: Params | None = None) -> _BodyKind:
        """Request and decode a small response. Raises HttpError unless it has status 200 and the expected structure."""
        response = self.get(path, params)
        if response.status != httpx.codes.OK:
            raise self.refusal(path, response.status, response.body)
        try:
            return response.json(kind)
        except msgspec.ValidationError as error:
            raise self.unexpected_response(path, str(error)) from None
        except NO_JSON:
            raise self._no_json(path, response.content_type, response.body) from None

    def stream(self, path: str, params: Params | None = None) -> Iterator[bytes]:
        """Yield the bytes of a response of status 200 as they arrive. Raises HttpError, CutOffError at an early end."""
        with self._send(path, params) as response:
            if response.status_code != httpx.codes.OK:
                body = b"".join(self._body(response, path, _SMALL_ANSWER))
                raise self.refusal(path, response.status_code, body)
            body_seen = False
            for piece in self._body(response, path, self._max_answer):
                if not body_seen and piece.strip():
                    body_seen = True
                    if piece.lstrip()[:1] == b"<":
                        raise self._no_json(path, _content_type(response), piece)
                yield piece

    @contextmanager
    def _send(self, path: str, params: Params | None) -> Iterator[httpx.Response]:
        """Send a GET and follow redirects within the server. Raises HttpError."""
        with self._readable_errors(path):
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
                        f"{self._at(path)}: more than {_REDIRECTS} redirects, perhaps a loop;"
                        " check the address and its base path",
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
        if abs(ahead) < _CLOCKS_AGREE or abs(ahead) > _CLOCK_IS_WRONG:
            ahead = 0.0
        if abs(ahead - self.clock_ahead) > _CLOCKS_AGREE:
            self.clock_ahead = ahead

    def _redirected(self, response: httpx.Response, path: str) -> httpx.Response:
        """Build the request that follows a redirect within this host: credentials must not go to another one."""
        request = response.next_request
        assert request is not None
        response.close()
        here, there = httpx.URL(self.address.base), request.url
        upgraded = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
        upgraded &= here.host == there.host
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port) and not upgraded:
            raise HttpError(
                f"{self._at(path)}: redirects to another server ({there.scheme}://{there.netloc.decode()}), perhaps a"
                f" login page; not followed. {self._credentials_hint()}",
                response.status_code,
            )
        return self._client.send(request, stream=True)

    def _body(self, response: httpx.Response, path: str, limit: int) -> Iterator[bytes]:
        """Yield the unpacked body up to the size limits."""
        cost = 0
        for size, piece in self._unpacked(response, path):
            cost += decoding_cost(piece)
            yield piece
            if size > limit:
                raise CutOffError(
                    f"{self._at(path)}: more than {limit / (1 << 30):.3g} GiB in one response; the rest was skipped."
                    " Try a shorter time range or a smaller limit."
                )
            if size > max(MOST_PACKED_TIMES * response.num_bytes_downloaded, LEAST):
                raise CutOffError(
                    f"{self._at(path)}: the response decompresses to more than {MOST_PACKED_TIMES} times its size;"
                    " this is not trace data"
                )
            if cost > decoding_limit(response.num_bytes_downloaded):
                raise CutOffError(
                    f"{self._at(path)}: the response decompresses to more values than traces of its size can hold;"
                    " this is not trace data"
                )

    def _unpacked(self, response: httpx.Response, path: str) -> Iterator[tuple[int, bytes]]:
        """Yield the unpacked body in pieces of bounded size, unlike httpx's, each with the total size so far."""
        size = 0

        def packed() -> Iterator[bytes]:
            for piece in response.iter_raw():
                yield piece
                # compressed data can be endless and unpack to nothing
                if response.num_bytes_downloaded > 2 * size + _EMPTY_BYTES:
                    raise CutOffError(
                        f"{self._at(path)}: {response.num_bytes_downloaded >> 20} MiB of compressed data are almost"
                        " empty; this is not trace data"
                    )

        codings = [word.strip().lower() for word in response.headers.get("Content-Encoding", "").split(",")]
        codings = [word for word in codings if word not in ("", "identity")]
        unknown = [word for word in codings if word not in HTTP_CODINGS]
        if unknown or len(codings) > _MOST_CODINGS:
            what = unknown[0][:_QUOTED] if unknown else f"{len(codings)} layers"
            raise HttpError(
                f"{self._at(path)}: unsupported compression of the response ({what}); is there a proxy in between?"
            )
        pieces = packed()
        for coding in reversed(codings):
            pieces = unpack_stream(pieces, coding)
        try:
            for piece in pieces:
                size += len(piece)
                yield size, piece
        except UnpackError:
            raise CutOffError(
                f"{self._at(path)}: the response is marked as compressed but cannot be decompressed; is there a proxy"
                " in between?"
            ) from None

    @contextmanager
    def _readable_errors(self, path: str) -> Iterator[None]:
        """Translate network exceptions into HttpError with a message for users."""
        at = self._at(path)
        try:
            yield
        except _BusyError as error:
            why = "too many requests" if error.status == httpx.codes.TOO_MANY_REQUESTS else "server busy"
            raise HttpError(
                f"{at}: {why} ({error.status}); try again in {format_duration(int(error.seconds) * 10**9)}",
                error.status,
            ) from None
        except httpx.ConnectTimeout:
            by = f" through the proxy {self._proxy}" if self._proxy else ""
            raise HttpError(
                f"{at}: no connection{by} within {_CONNECT_SECONDS:.0f} s; is a firewall in the way, or a VPN needed?"
            ) from None
        except StallError as error:
            raise CutOffError(
                f"{at}: the response has stalled ({error.bytes_per_second:.0f} bytes/s); is the server overloaded?"
                " Try a shorter time range or a smaller limit."
            ) from None
        except EndlessHeadError:
            raise HttpError(f"{at}: invalid HTTP (endless headers); is there a proxy in between?") from None
        except httpx.ReadTimeout:
            raise HttpError(
                f"{at}: no response within {self._access.timeout:g} s; is the server overloaded?"
                " Try a shorter time range or a smaller limit."
            ) from None
        except httpx.ProxyError as error:
            raise HttpError(f"{at}: the proxy refused the request: {self._cause(error)}") from None
        except httpx.ConnectError as error:
            raise HttpError(f"{at}: {self._unconnected(error)}") from None
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            if isinstance(error, httpx.RemoteProtocolError) and not _ENDED.search(str(error)):
                raise HttpError(
                    f"{at}: invalid HTTP ({self._cause(error)}); is this the port of the query service, and is it https://?"
                ) from None
            then = "is the port right, and is it https://?" if _UNANSWERED in str(error) else "try again"
            raise CutOffError(f"{at}: the response was cut off ({self._cause(error)}); {then}") from None
        except httpx.TimeoutException:
            raise HttpError(f"{at}: the request was not accepted within {self._access.timeout:g} s") from None
        except httpx.HTTPError as error:
            raise HttpError(f"{at}: {self._cause(error)}") from None
        except (httpx.InvalidURL, UnicodeError):
            # an invalid host name is only detected when it is resolved
            raise HttpError(f"{at}: not a valid address") from None

    def _unconnected(self, error: httpx.ConnectError) -> str:
        chain: list[BaseException] = [error]
        while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
            chain.append(inner)
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = cause.verify_message or "not trusted"
                return f"the server's certificate is not trusted ({why}); pass its CA with --ca FILE, or use --insecure"
            if isinstance(cause, ssl.SSLError):
                reason = (cause.reason or str(cause)).replace("_", " ").lower()
                hint = "; is it plain http://?" if "wrong version" in reason or "record layer" in reason else ""
                return f"TLS failed: {reason}{hint or '; pass a client certificate with --cert FILE and --key FILE'}"
            if isinstance(cause, socket.gaierror):
                what = f"the proxy {self._proxy}: no such host" if self._proxy else "no such host"
                return f"{what}; is the name right, and is a VPN needed?"
            if isinstance(cause, ConnectionRefusedError):
                if self._proxy:
                    return f"the proxy {self._proxy} refused the connection; is it running? NO_PROXY bypasses it"
                return "connection refused; is the server running, and is the port right?"
            if isinstance(cause, FileNotFoundError):
                return "no such socket; is the server running?"
        return self._cause(error)

    def refusal(self, path: str, status: int, body: bytes) -> HttpError:
        """Return the error for a response whose status is not 200."""
        message = self._server_message(body)
        in_parentheses = f"({status}, {message})" if message else f"({status})"
        behind = f": {message}" if message else ""
        match status:
            case 401:
                hint = _TENANT_HINT if _TENANT.search(message) else self._credentials_hint()
                what = "credentials rejected" if self._access.has_credentials else "credentials required"
                text = f"{what} {in_parentheses}. {hint}"
            case 403:
                text = f"access denied {in_parentheses}; check the credentials and the tenant"
            case 404:
                text = f"not found {in_parentheses}; is the base path right?"
            case 429:
                text = "too many requests (429), even after retries; try again later"
            case _ if status >= 500:
                text = f"server error ({status}){behind}; try again, or check the server's log"
            case _:
                text = f"unexpected status {status}{behind}"
        return HttpError(f"{self._at(path)}: {text}", status, message)

    def unexpected_response(self, path: str, why: str) -> HttpError:
        """Return the error for JSON that is not the expected response."""
        why = self.redacted(why)
        return HttpError(f"{self._at(path)}: unexpected response ({why}); is there a gateway in between?")

    def _no_json(self, path: str, content_type: str, body: bytes) -> HttpError:
        if body.lstrip()[:1] == b"<":
            return HttpError(
                f"{self._at(path)}: a web page, not traces; perhaps a login page. {self._credentials_hint()}"
            )
        kind = f" ({self.redacted(content_type)})" if content_type else ""
        return HttpError(
            f"{self._at(path)}: the response is not JSON{kind}: {self._server_message(body)[:60] or 'empty'}"
        )

    def _credentials_hint(self) -> str:
        if self._access.has_credentials:
            return "Check the credentials"
        return "Set TRACETUI_TOKEN, or TRACETUI_USER and TRACETUI_PASSWORD, or use ~/.netrc or a profile"

    def _at(self, path: str) -> str:
        return self.name + urlsplit(path).path

    def redacted(self, text: str) -> str:
        """Remove secrets from a text of the server, which may return them."""
        for secret in self._access.secrets:
            text = text.replace(secret, "***")
        return text

    def _cause(self, error: BaseException) -> str:
        text = self.redacted(str(error)) or type(error).__name__
        return text[0].lower() + text[1:]

    def _server_message(self, body: bytes) -> str:
        """Find the error message in a response of JSON or text."""
        text = body[: 1 << 16].decode("utf-8", "replace").strip()
        try:
            # a longer body is no message, and its values could take many times its size
            value: Any = msgspec.json.decode(body) if len(body) <= _LONGEST_MESSAGE else None
        except NO_JSON:
            value = None
        if isinstance(value, dict):
            errors = value.get("errors")
            error = value.get("error") or (errors[0] if isinstance(errors, list) and errors else value)
            if isinstance(error, dict):
                error = error.get("msg") or error.get("message")
            text = error if isinstance(error, str) else text
        if text[:1] == "<":
            return ""
        text = " ".join(self.redacted(text).split())
        return text[:_QUOTED] + ("…" if len(text) > _QUOTED else "")


def _content_type(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip()
