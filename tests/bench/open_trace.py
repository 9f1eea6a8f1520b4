"""Open a trace in the waterfall: prepare it as the view does, and draw the first screen."""

from __future__ import annotations

import time

from tests.bench.one_trace import one_trace
from tracetui.analysis.analysis import Analysis
from tracetui.render.text.glyphs import UNICODE
from tracetui.tui.views.waterfall.prepare import HeaderOptions, SetFacts, open_trace

_WIDTH, _ROWS = 140, 40


def processor_seconds(spans: int) -> float:
    """Measure the processor time until the first screen of a trace in which each span calls three others."""
    traces = one_trace(spans, lambda i: (i - 1) // 3 if i else -1)
    begin = time.process_time()
    opened = open_trace(SetFacts(traces, Analysis(traces)), 0, None, UNICODE, HeaderOptions(_WIDTH, 5), _ROWS)
    rows = list(opened.view.lines(_WIDTH, stop=_ROWS))
    taken = time.process_time() - begin
    assert len(rows) == min(_ROWS, len(opened.view))
    return taken
