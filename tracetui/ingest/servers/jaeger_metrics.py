"""Jaeger's service performance metrics: `/api/metrics/...`, available if a metrics store is configured."""

from __future__ import annotations

from typing import Final

import msgspec

from tracetui.ingest.servers.back_end import NotSupportedError
from tracetui.ingest.servers.connection import Connection, Params
from tracetui.ingest.servers.readable_lists import readable_items
from tracetui.ingest.servers.request_errors import NO_JSON, HttpError
from tracetui.model.server_stats import Metrics

_NOT_IMPLEMENTED: Final = 501
_STEPS: Final = 60
_MAX_VALUE: Final = 1e15
"""Larger values are invalid: this is 30,000 years in milliseconds."""
_MIN_STEP_MS: Final = 5_000


class _Value(msgspec.Struct, rename="camel"):
    double_value: float = 0


class _Point(msgspec.Struct, rename="camel"):
    gauge_value: _Value | None = None


class _Metric(msgspec.Struct, rename="camel"):
    metric_points: list[msgspec.Raw] | None = None


class _Metrics(msgspec.Struct):
    metrics: list[msgspec.Raw] | None = None


_METRIC: Final = msgspec.json.Decoder(_Metric)
_POINT: Final = msgspec.json.Decoder(_Point, strict=False)
_RESPONSE: Final = msgspec.json.Decoder(_Metrics, strict=False)


def metrics_of(connection: Connection, root: str, service: str, start_ns: int, end_ns: int) -> Metrics:
    """Query the metrics of a service, from the API below the path `root`.

    Raises NotSupportedError if no metrics are stored, HttpError for other failures.
    """
    lookback = max((end_ns - start_ns) // 1_000_000, 1)
    params: Params = {
        "service": service,
        "endTs": end_ns // 1_000_000,
        "lookback": lookback,
        "step": max(lookback // _STEPS, _MIN_STEP_MS),
        "ratePer": max(lookback // _STEPS, 10 * _MIN_STEP_MS),
    }
    try:
        calls = _mean(connection, f"{root}/api/metrics/calls", params)
        errors = _mean(connection, f"{root}/api/metrics/errors", params)
        p95 = _mean(connection, f"{root}/api/metrics/latencies", {**params, "quantile": "0.95"})
    except HttpError as error:
        if error.status == _NOT_IMPLEMENTED:
            raise NotSupportedError(f"{connection.name}: no metrics store is configured") from None
        raise
    return Metrics(service, calls, None if errors is None else 100 * errors, p95)


def _mean(connection: Connection, path: str, params: Params) -> float | None:
    """Compute the mean of the valid points of a rate, a share or a duration; Jaeger omits values of 0."""
    listed = connection.json(_RESPONSE, path, params).metrics or ()
    try:
        metrics = readable_items(_METRIC.decode, listed, "metrics", connection.warn)
        points = readable_items(
            _POINT.decode,
            [point for metric in metrics for point in metric.metric_points or ()],
            "metric points",
            connection.warn,
        )
    except NO_JSON as error:
        raise connection.errors.unexpected_response_error(path, str(error)) from None
    values = [value for point in points if 0 <= (value := (point.gauge_value or _Value()).double_value) <= _MAX_VALUE]
    return sum(values) / len(values) if values else None
