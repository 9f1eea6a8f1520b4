"""Clock skew: spans that lie outside a caller on another host, which waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tracetui.model.span import Flag, Kind
from tracetui.model.tables import Resource

if TYPE_CHECKING:
    from tracetui.model.traces import TraceSet

GRID_NS = 1_000
"""Tolerance for rounding, as sources write microseconds."""
SKEW_WARNING = "clock skew: spans lie outside a caller that waited for them; --adjust-skew corrects this"
"""Warning on each trace with such spans."""
_HOST_KEYS = ("host.id", "host.ip", "ip", "host.name", "hostname")


def hosts(resources: Sequence[Resource]) -> np.ndarray:
    """Number the hosts of resources: int64 per resource, -1 if unknown."""
    numbers: dict[str, int] = {}
    found = np.full(len(resources), -1, np.int64)
    for i, resource in enumerate(resources):
        attributes = resource.codec.attributes(resource.raw)
        for key in _HOST_KEYS:
            value = attributes.get(key)
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, str) and value:
                found[i] = numbers.setdefault(value, len(numbers))
                break
    return found


def skewed_spans(traces: TraceSet) -> np.ndarray:
    """Find spans that begin before the start or after the end of their caller, although it waited: int64, ascending.

    Only callers on another host count: those of another service, unless both are known to share a host. A span that
    begins within its caller and outlasts it may be work that continues after the call. Callers do not wait for a
    CONSUMER below a PRODUCER, or for a span that follows from its parent.
    """
    parent = traces.parent
    child = np.flatnonzero(parent >= 0)
    above = parent[child]
    outside = traces.start[child] < traces.start[above] - GRID_NS
    outside |= traces.start[child] > traces.reached_end[above] + GRID_NS
    child, above = child[outside], above[outside]
    known = (traces.flags & int(Flag.START_REPAIRED | Flag.SAME_ID)) == 0
    awaited = known[child] & known[above] & ((traces.flags[child] & int(Flag.FOLLOWS_FROM)) == 0)
    awaited &= (traces.kind[child] != Kind.CONSUMER) | (traces.kind[above] != Kind.PRODUCER)
    child, above = child[awaited], above[awaited]
    if not len(child):
        return np.zeros(0, np.int64)
    host = hosts(traces.resources)[traces.resource]
    both = (host[child] >= 0) & (host[above] >= 0)
    differs = np.where(both, host[child] != host[above], traces.service[child] != traces.service[above])
    found: np.ndarray = child[differs]
    return found
