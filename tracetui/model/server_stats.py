"""Server statistics: a server's own call counts and metrics."""

from __future__ import annotations

import msgspec


class Dependency(msgspec.Struct, frozen=True):
    """Calls from one service to another, as counted by a server."""

    caller: str
    callee: str
    call_count: int
    error_count: int | None = None
    """None if the server does not count errors."""


class Metrics(msgspec.Struct, frozen=True):
    """Metrics of a service from a server, averaged over the requested time; None for missing values."""

    service: str
    calls_per_second: float | None
    error_percent: float | None
    p95_ms: float | None


class ServerStats(msgspec.Struct, frozen=True):
    """Statistics of one or more servers."""

    lookback_ns: int
    """Time range that they cover."""
    dependencies: list[Dependency] = []
    metrics: list[Metrics] = []
    missing: list[str] = []
    """Messages about missing parts, with reasons."""
