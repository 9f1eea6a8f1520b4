"""Export to OTLP JSON lines, the format that loses the least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tracetui.export.common import spans_in_input_order
from tracetui.export.exporter import NESTED, Exporter, Losses
from tracetui.export.otlp import ExactAttributes, saved_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracetui.model.traces import TraceSet


def _encode(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
    """Encode a set so that this program reads the same traces back (`saved_trace`).

    Lost: values nested deeper than 64 levels.
    """
    attributes = ExactAttributes()
    for trace in range(traces.trace_count):
        spans = spans_in_input_order(traces, trace)
        warnings = traces.trace_warnings.get(trace, ())
        yield saved_trace(spans, warnings, attributes=attributes, keep_order=_has_ties(traces, trace))
    losses[NESTED] += attributes.lost


EXPORTER: Final = Exporter(
    name="otlp-json", description="OTLP JSON lines", suffixes=(".json", ".jsonl", ".ndjson"), encode=_encode
)


def _has_ties(traces: TraceSet, trace: int) -> bool:
    """Test whether siblings begin at the same time within their parent, so that their input order matters."""
    spans = traces.spans_of(trace)
    at = slice(spans.start, spans.stop)
    parent = traces.parent[at]
    start = np.maximum(traces.start[at], np.where(parent >= 0, traces.start[parent], 0))
    order = np.lexsort((start, parent))
    together = (np.diff(parent[order]) == 0) & (np.diff(start[order]) == 0)
    return bool(together.any())
