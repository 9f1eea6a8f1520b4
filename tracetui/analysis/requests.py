"""Requests: the span that represents the request of a trace, and whether the request failed.

A trace may contain errors that no user saw: a call that was retried, a job that ran later. Whether its request failed
is decided by the request span and the errors between it and the main root.
"""

from __future__ import annotations

import numpy as np

from tracetui.model.span import Kind, Status
from tracetui.model.traces import TraceSet


def explicit_ok(traces: TraceSet) -> np.ndarray:
    """bool[n], true if the status is OK and the span is not an error."""
    is_ok: np.ndarray = (traces.status == Status.OK) & ~traces.error
    return is_ok


def request_spans(traces: TraceSet) -> np.ndarray:
    """Find the request span of each trace: int32[traces].

    It is the main root. But if that is neither SERVER nor CONSUMER and neither an error nor explicitly OK (a client, a
    script or a browser without a status), it is the nearest SERVER span below, provided there is only one at that
    depth.
    """
    request: np.ndarray = traces.main_root.copy()
    silent = (traces.kind[request] != Kind.SERVER) & (traces.kind[request] != Kind.CONSUMER)
    silent &= ~traces.error[request] & (traces.status[request] != Status.OK)
    if not silent.any():
        return request
    servers = np.flatnonzero(traces.kind == Kind.SERVER)
    trace = traces.trace[servers]
    root = request[trace]
    below = silent[trace] & (servers > root) & (servers < traces.subtree_end[root])
    servers, trace = servers[below], trace[below]
    depth = traces.depth[servers]
    shallowest = np.full(traces.trace_count, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(shallowest, trace, depth)
    servers = servers[depth == shallowest[trace]]
    count = np.bincount(traces.trace[servers], minlength=traces.trace_count)
    only = servers[count[traces.trace[servers]] == 1]
    request[traces.trace[only]] = only
    return request


def request_errors(traces: TraceSet) -> np.ndarray:
    """List the error spans that failed a request, int64[k], ascending: in each trace those from the main root to the
    request span.
    """
    errors = np.flatnonzero(traces.error)
    request = request_spans(traces)[traces.trace[errors]]
    found: np.ndarray = errors[(errors <= request) & (traces.subtree_end[errors] > request)]
    return found


def failed_requests(traces: TraceSet) -> np.ndarray:
    """bool[traces], true if the request failed: the request span, or a span between it and the main root, is an error.
    Cached with the set.
    """
    known: np.ndarray | None = traces.results.get(failed_requests)
    if known is None:
        known = traces.results[failed_requests] = np.zeros(traces.trace_count, bool)
        known[traces.trace[request_errors(traces)]] = True
    return known
