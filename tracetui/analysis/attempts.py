"""Attempts: calls that were repeated, and whether a later attempt succeeded."""

from __future__ import annotations

import numpy as np

from tracetui.analysis.error_facts import logical_target
from tracetui.analysis.skew import SkewedHosts
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet

_NEVER = np.iinfo(np.int64).min


def succeeded_later(traces: TraceSet, spans: np.ndarray, skewed: SkewedHosts) -> np.ndarray:
    """Find the spans after which a later attempt succeeded.

    A later attempt is a sibling of the same service, raw name and logical target that began at or after the end of
    this one and is not an error.

    spans: int64[m], distinct. -> bool[m]. Only their siblings are examined, and attributes are decoded only if times
    and names match. Orphans have no siblings, as their caller is lost.
    """
    found = np.zeros(len(spans), bool)
    called = np.flatnonzero((traces.parent[spans] >= 0) & ((traces.flags[spans] & int(Flag.NO_DURATION)) == 0))
    if not len(called):
        return found
    number = np.full(len(traces), -1, np.int64)
    number[spans[called]] = called
    above = np.zeros(len(traces), bool)
    above[traces.parent[spans[called]]] = True
    children = np.flatnonzero((traces.parent >= 0) & above[traces.parent])
    parent, operation = traces.parent[children], traces.exact_operation[children]
    order = np.lexsort((operation, parent))
    children, parent, operation = children[order], parent[order], operation[order]
    begins = np.ones(len(children), bool)
    begins[1:] = (parent[1:] != parent[:-1]) | (operation[1:] != operation[:-1])
    group = np.cumsum(begins) - 1
    start, fine, end = traces.start[children], ~traces.error[children], traces.end[children]
    latest = np.full(int(group[-1]) + 1, _NEVER)
    np.maximum.at(latest, group[fine], start[fine])
    is_called = number[children] >= 0
    candidate = is_called & (latest[group] >= end)
    # a span of length 0 is not a later attempt of itself
    candidate &= ~fine | (np.bincount(group, fine)[group] > 1)
    if not candidate.any():
        return found
    least_end = np.full(len(latest), np.iinfo(np.int64).max)
    np.minimum.at(least_end, group[candidate], end[candidate])
    later = fine & (start >= least_end[group])
    # by group and target, the two latest of each host: one of them may be the span itself
    successes: dict[tuple[object, ...], dict[int, list[tuple[int, int]]]] = {}
    skewed_traces = skewed.traces()
    for at in np.flatnonzero(later).tolist():
        span = int(children[at])
        host = skewed.host(span) if int(traces.trace[span]) in skewed_traces else -1
        of_target = successes.setdefault((int(group[at]), logical_target(traces, span)), {})
        of_target[host] = sorted([*of_target.get(host, ()), (int(start[at]), span)])[-2:]
    for at in np.flatnonzero(candidate).tolist():
        span, until = int(children[at]), int(end[at])
        by_host = successes.get((int(group[at]), logical_target(traces, span)), {})
        pairs = skewed.pairs(int(traces.trace[span]))
        found[number[span]] = any(
            begin >= until and other != span
            for host, latest_two in by_host.items()
            if not pairs or (skewed.host(span), host) not in pairs
            for begin, other in latest_two
        )
    return found
