"""The way from an entry point to a cause."""

from __future__ import annotations

import numpy as np

from tracetui.model.traces import TraceSet


def way_to(traces: TraceSet, span: int, service: str) -> tuple[str, ...]:
    """List the services from the root of a trace to a span, and then the cause if it is another one."""
    begin = int(traces.first[traces.trace[span]])
    above = np.flatnonzero(traces.subtree_end[begin : span + 1] > span) + begin
    names = [traces.service_name(one) for one in above.tolist()]
    if service in names:
        # the cause made the call that is slow
        names = names[: len(names) - names[::-1].index(service)]
    else:
        names.append(service)
    return tuple(name for at, name in enumerate(names) if not at or name != names[at - 1])
