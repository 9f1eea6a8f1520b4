"""Retry of failed requests where that is safe, and no longer than a user waits."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from httpx_retries import Retry, RetryTransport

_TRIES = 2
_LONGEST_WAIT = 15.0
_FOR_EVER = 1e9


class BusyError(Exception):
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
                raise BusyError(seconds, response.status_code)
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


def with_retries(transport: httpx.BaseTransport) -> httpx.BaseTransport:
    """Wrap a transport, so that it repeats failed requests."""
    retry = _Patience(
        total=_TRIES,
        backoff_factor=0.25,
        max_backoff_wait=_LONGEST_WAIT,
        total_timeout=2 * _LONGEST_WAIT,
        # do not retry read timeouts and certificate errors: they would recur
        retry_on_exceptions=(httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.ConnectTimeout),
    )
    return RetryTransport(transport, retry)
