"""Moving spans whose host's clock disagrees with their caller's, by Jaeger's rule.

A child on another host than its parent (`host.id`, else `host.ip`, else `host.name`; an unknown host is always
another) is moved when it lies outside its parent: a child longer than its parent to the parent's start, any other to
the middle of its parent. What is below it on the same host moves with it. As in Jaeger
(`internal/storage/v2` query adjusters, clockskew), a child that fits inside is left alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tracetui.model.span import Mark
from tracetui.model.traces import TraceSet

_HOST_KEYS = ("host.id", "host.ip", "ip", "host.name", "hostname")


def without_skew(traces: TraceSet) -> TraceSet:
    """The set with skewed spans moved and marked `SKEW_ADJUSTED`; `skew` says by how many nanoseconds each.

    Every span keeps its position, so siblings that were moved need not stand by start any more.
    """
    hosts = _hosts(traces)
    moved = np.zeros(len(traces), np.int64)
    start = traces.start.tolist()
    duration = traces.duration.tolist()
    parent = traces.parent.tolist()
    delta = moved.tolist()
    trusted = (traces.marks & int(Mark.SAME_ID)) == 0
    host = hosts[traces.resource].tolist() if len(traces) else []
    movable = trusted.tolist()
    for span, above in enumerate(parent):
        if above < 0 or not movable[span] or not movable[above]:
            continue
        if host[span] >= 0 and host[span] == host[above]:
            delta[span] = delta[above]
            continue
        begin, end = start[above] + delta[above], start[above] + delta[above] + duration[above]
        if duration[span] > duration[above]:
            if start[span] < begin:
                delta[span] = begin - start[span]
        elif start[span] < begin or start[span] + duration[span] > end:
            delta[span] = begin + (duration[above] - duration[span]) // 2 - start[span]
    moved = np.array(delta, np.int64)
    some = np.flatnonzero(moved)
    if not len(some):
        return traces
    marks = traces.marks.copy()
    marks[some] |= int(Mark.SKEW_ADJUSTED)
    skew = {span: delta[span] for span in some.tolist()}
    return replace(traces, start=traces.start + moved, marks=marks, skew=skew)


def _hosts(traces: TraceSet) -> np.ndarray:
    """int64 per resource: a number per host, -1 where it is unknown."""
    numbers: dict[str, int] = {}
    hosts = np.full(len(traces.resources), -1, np.int64)
    for i, resource in enumerate(traces.resources):
        attributes = resource.codec.attributes(resource.raw)
        for key in _HOST_KEYS:
            value = attributes.get(key)
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, str) and value:
                hosts[i] = numbers.setdefault(value, len(numbers))
                break
    return hosts
