"""Errors of requests to a server, with messages for users and without its secrets."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from tracetui.ingest.servers.access import Access
from tracetui.ingest.servers.address import Address
from tracetui.ingest.servers.paced_network import EndlessHeadError, StallError
from tracetui.ingest.servers.retry import BusyError
from tracetui.model.errors import BackEndError
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.times import format_duration

CONNECT_SECONDS = 5.0
QUOTED = 200
"""Longest text of a server in a message."""
_PROXY_REFUSED: Final = 407
_LONGEST_MESSAGE = 1 << 20
_ENDED: Final = re.compile("disconnected|peer closed")
"""Messages of httpx for a response that ended early; with all others there was no response."""
_UNANSWERED: Final = "without sending a response"
_TENANT = re.compile(r"tenant|\borg\b", re.IGNORECASE)
_TENANT_HINT = "Set the tenant with --tenant, TRACETUI_TENANT or a profile"
_ADVICE: Final = {
    9: "check the clock",
    10: "it must be renewed",
    62: "use the name that it was issued for",
    64: "use the name that it was issued for",
}
"""Advice for OpenSSL's codes of certificates that are not yet or no longer valid, or for another name or address."""
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
    """A response ended early; the caller has the received part."""


class RequestErrors:
    """Builds the errors of requests to one address."""

    def __init__(self, address: Address, access: Access) -> None:
        self._address, self._access = address, access

    @property
    def _proxy(self) -> str:
        """Host and port of the proxy, '' for none."""
        return urlsplit(self._access.proxy).netloc.rpartition("@")[2]

    @contextmanager
    def translated(self, path: str) -> Iterator[None]:
        """Translate network exceptions into HttpError with a message for users."""
        at = self.at(path)
        try:
            yield
        except BusyError as error:
            why = "too many requests" if error.status == httpx.codes.TOO_MANY_REQUESTS else "server busy"
            raise HttpError(
                f"{at}: {why} ({error.status}); try again in {format_duration(int(error.seconds) * 10**9)}",
                error.status,
            ) from None
        except httpx.ConnectTimeout:
            by = f" through the proxy {self._proxy}" if self._proxy else ""
            raise HttpError(
                f"{at}: no connection{by} within {CONNECT_SECONDS:.0f} s; is a firewall in the way, or a VPN needed?"
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
            if str(error).startswith(str(_PROXY_REFUSED)):
                raise HttpError(f"{at}: {self._proxy_refused()}") from None
            raise HttpError(f"{at}: the proxy refused the request: {self._cause(error)}") from None
        except httpx.ConnectError as error:
            raise HttpError(f"{at}: {self._unconnected(error)}") from None
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            if isinstance(error, httpx.RemoteProtocolError) and not _ENDED.search(str(error)):
                raise HttpError(
                    f"{at}: invalid HTTP ({self._cause(error)}); is this the port of the query service, and is it https://?"
                ) from None
            hint = "is the port right, and is it https://?" if _UNANSWERED in str(error) else "try again"
            raise CutOffError(f"{at}: the response was cut off ({self._cause(error)}); {hint}") from None
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
                why = (cause.verify_message or "not trusted").rstrip(".")
                advice = _ADVICE.get(cause.verify_code, "pass its CA with --ca FILE")
                return f"the server's certificate is not trusted ({why}); {advice}, or use --insecure"
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

    def status_error(self, path: str, status: int, body: bytes) -> HttpError:
        """Return the error for a response whose status is not 200."""
        message = self._server_message(body)
        in_parentheses = f"({status}, {message})" if message else f"({status})"
        behind = f": {message}" if message else ""
        match status:
            case 401:
                hint = _TENANT_HINT if _TENANT.search(message) else self.credentials_hint()
                what = "credentials rejected" if self._access.has_credentials else "credentials required"
                text = f"{what} {in_parentheses}. {hint}"
            case 403:
                text = f"access denied {in_parentheses}; check the credentials and the tenant"
            case 407:
                text = self._proxy_refused()
            case 404:
                text = f"not found {in_parentheses}; is the base path right?"
            case 429:
                text = "too many requests (429), even after retries; try again later"
            case _ if status >= 500:
                text = f"server error ({status}){behind}; try again, or check the server's log"
            case _:
                text = f"unexpected status {status}{behind}"
        return HttpError(f"{self.at(path)}: {text}", status, message)

    def _proxy_refused(self) -> str:
        what = "rejects the credentials" if urlsplit(self._access.proxy).username else "requires credentials"
        name = f"the proxy {self._proxy}" if self._proxy else "a proxy"
        return (
            f"{name} {what} ({_PROXY_REFUSED}); write it as http://USER:PASSWORD@HOST:PORT, or bypass it with NO_PROXY"
        )

    def unexpected_response_error(self, path: str, why: str) -> HttpError:
        """Return the error for JSON that is not the expected response."""
        why = self.redacted(why)
        return HttpError(f"{self.at(path)}: unexpected response ({why}); is there a gateway in between?")

    def not_json_error(self, path: str, content_type: str, body: bytes) -> HttpError:
        """Return the error for a body that is not JSON."""
        if body.lstrip()[:1] == b"<":
            return HttpError(
                f"{self.at(path)}: a web page, not traces; perhaps a login page. {self.credentials_hint()}"
            )
        kind = f" ({self.redacted(content_type)})" if content_type else ""
        return HttpError(
            f"{self.at(path)}: the response is not JSON{kind}: {self._server_message(body)[:60] or 'empty'}"
        )

    def credentials_hint(self) -> str:
        """Return what to do about credentials."""
        if self._access.has_credentials:
            return "Check the credentials"
        if self._access.netrc_fault:
            return self._access.netrc_fault
        return "Set TRACETUI_TOKEN, or TRACETUI_USER and TRACETUI_PASSWORD, or use ~/.netrc or a profile"

    def at(self, path: str) -> str:
        """Return the address of a request for display."""
        return self._address.shown + urlsplit(path).path

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
            # a longer body is not a message, and its values could take many times its size
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
        return text[:QUOTED] + ("…" if len(text) > QUOTED else "")
