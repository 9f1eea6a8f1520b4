"""Propagation path: the services from an entry point to a cause."""

from __future__ import annotations

import numpy as np

from tracetui.model.traces import TraceSet


def propagation_path(traces: TraceSet, span: int, cause: str) -> tuple[str, ...]:
    """List the services from the root of a trace to the cause, for a span of the cause or of its caller."""
    begin = int(traces.first[traces.trace[span]])
    ancestors = np.flatnonzero(traces.subtree_end[begin : span + 1] > span) + begin
    names = [traces.service_name(position) for position in ancestors.tolist()]
    if cause in names:
        # the span is a slow call that the cause made
        names = names[: len(names) - names[::-1].index(cause)]
    else:
        names.append(cause)
    return tuple(name for index, name in enumerate(names) if not index or name != names[index - 1])
