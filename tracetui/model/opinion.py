"""What a server says itself of the services, besides the traces it holds."""

from __future__ import annotations

import msgspec


class Dependency(msgspec.Struct, frozen=True):
    """Calls from one service to another, as a server counts them."""

    caller: str
    callee: str
    call_count: int
    error_count: int | None = None
    """None where it does not count them."""


class Metrics(msgspec.Struct, frozen=True):
    """How a service does by a server's metrics, on average over the time asked about; None for what is not there."""

    service: str
    calls_per_second: float | None
    error_percent: float | None
    p95_ms: float | None


class Opinion(msgspec.Struct, frozen=True):
    """The second opinion of one or more servers."""

    lookback_ns: int
    """How far back it reaches."""
    dependencies: list[Dependency] = []
    metrics: list[Metrics] = []
    missing: list[str] = []
    """What could not be had, and why, in words."""
