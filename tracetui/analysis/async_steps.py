"""Asynchronous steps: parents that did not wait for the span below them.

The definition is OpenTelemetry's for messaging (a CONSUMER below the PRODUCER of its message) and OpenTracing's
FOLLOWS_FROM. A link never makes a parent, so links are no steps here; the calls they make are those of
`analysis.dependencies`.
"""

from __future__ import annotations

import numpy as np

from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


def async_steps(traces: TraceSet) -> np.ndarray:
    """bool[n], True where the step from the span's parent to the span is asynchronous. A root has no such step."""
    has_parent = traces.parent >= 0
    steps: np.ndarray = has_parent & ((traces.marks & int(Flag.FOLLOWS_FROM)) > 0)
    consumers = np.flatnonzero(has_parent & (traces.kind == Kind.CONSUMER))
    steps[consumers[traces.kind[traces.parent[consumers]] == Kind.PRODUCER]] = True
    return steps
