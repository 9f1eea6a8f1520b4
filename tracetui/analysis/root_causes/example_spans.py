"""Example spans of a piece of evidence."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracetui.analysis.root_causes.results import ExampleSpan
from tracetui.model.traces import TraceSet

MAX_EXAMPLES: Final = 3


def example_spans(traces: TraceSet, spans: np.ndarray, figures: np.ndarray | None = None) -> tuple[ExampleSpan, ...]:
    """Choose the first span of each of the first traces.

    spans: int64[k], the clearest first. figures: number[k], figure of each span.
    """
    _, first = np.unique(traces.trace[spans], return_index=True)
    chosen = np.sort(first)[:MAX_EXAMPLES].tolist()
    return tuple(_example(traces, int(spans[at]), None if figures is None else float(figures[at])) for at in chosen)


def _example(traces: TraceSet, span: int, figure: float | None) -> ExampleSpan:
    trace = int(traces.trace[span])
    return ExampleSpan(traces.trace_ids[trace], span - int(traces.first[trace]), traces.span_id(span), figure)
