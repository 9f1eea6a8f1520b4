"""Convert searches to request parameters of Jaeger's v1 and v3 APIs."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from tracetui.ingest.servers.connection import Params
from tracetui.model.search import Search


def v1_params(search: Search) -> Params:
    """Build the parameters of `/api/traces`."""
    start, end = search.window()
    tags = _tags(search)
    params: dict[str, Any] = {
        "service": search.service,
        "operation": search.operation,
        "start": start // 1_000,
        "end": -(-end // 1_000),
        "limit": search.max_traces,
        "minDuration": _go_duration(search.least_ns),
        "maxDuration": _go_duration(search.most_ns),
        "tags": msgspec.json.encode(tags).decode() if tags else "",
    }
    return {key: value for key, value in params.items() if value}


def v3_params(search: Search, *, is_new: bool) -> Params:
    """Build the parameters of `/api/v3/traces` and `/api/v3/trace-summaries`.

    is_new: True for 2.19 or later, which supports attributes and renamed the parameters.
    """
    start, end = search.window()
    params: dict[str, str | int] = {
        "service_name": search.service,
        "operation_name": search.operation,
        "start_time_min": _rfc3339(start),
        "start_time_max": _rfc3339(end),
        "num_traces": search.max_traces,
        "duration_min": _go_duration(search.least_ns),
        "duration_max": _go_duration(search.most_ns),
    }
    if is_new:
        params = {_camel(key): value for key, value in params.items()}
        params["searchDepth"] = params.pop("numTraces")
        tags = _tags(search)
        params["attributes"] = msgspec.json.encode(tags).decode() if tags else ""
    return {f"query.{key}": value for key, value in params.items() if value}


def _tags(search: Search) -> dict[str, str]:
    return {**search.attributes, **({"error": "true"} if search.errors else {})}


def _go_duration(ns: int | None) -> str:
    return f"{ns}ns" if ns is not None else ""


def _rfc3339(ns: int) -> str:
    return str(np.datetime64(ns, "ns")) + "Z"


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)
