"""Clocks that disagree: spans outside a caller of another host that waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tracetui.model.intake import Resource
from tracetui.model.span import Flag, Kind

if TYPE_CHECKING:
    from tracetui.model.traces import TraceSet

GRID_NS = 1_000
"""Sources write microseconds: less than one is rounding."""
SKEW_WARNING = "clocks disagree: spans run outside a caller that waited for them; --adjust-skew corrects them"
"""Warning on each trace with such spans."""
_HOST_KEYS = ("host.id", "host.ip", "ip", "host.name", "hostname")


def hosts(resources: Sequence[Resource]) -> np.ndarray:
    """int64 per resource: a number per host, -1 where it is unknown."""
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
    """int64, ascending: spans that begin before their caller or after it has ended, although it waited for them.

    Only a caller on another host is compared: of another service, unless both are known to share one. A span that
    begins within its caller and outlasts it may be work that was left running. A CONSUMER below a PRODUCER and a span
    that follows from its parent were not waited for.
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
    apart = np.where(both, host[child] != host[above], traces.service[child] != traces.service[above])
    found: np.ndarray = child[apart]
    return found
