"""Effect of a what-if replay in two short lines."""

from __future__ import annotations

from tracetui.analysis.what_if import WhatIf
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe


def what_if_lines(found: WhatIf, traces: TraceSet, glyphs: Glyphs) -> list[Line]:
    """Return `at 50 % duration: p50 1.22 s → 753 ms  p95 2.10 s → 1.52 s` and `next bottleneck 41 %: web GET /`.

    For one trace the response time replaces the percentiles. Figures precede words, so that they are not cut.
    """
    line = Line([(f"at {found.percent:g} % duration: ", Role.ACCENT)])
    if traces.trace_count == 1:
        line.add(_change(*found.mean_ns, glyphs), Role.STRONG)
    else:
        line.add("p50 ", Role.DIM).add(_change(*found.p50_ns, glyphs), Role.STRONG)
        line.add("  p95 ", Role.DIM).add(_change(*found.p95_ns, glyphs), Role.STRONG)
    more = Line([("callees included", Role.DIM)] if found.has_calls else [])
    if found.next_operation is not None:
        service, operation = map(safe, traces.operation_label(found.next_operation))
        more.add("  next bottleneck " if found.has_calls else "next bottleneck ", Role.DIM)
        more.add(numbers.whole_percent(found.next_share), Role.STRONG).add(f": {service} {operation}")
    return [line, more] if more.width else [line]


def _change(before: float, after: float, glyphs: Glyphs) -> str:
    return f" {glyphs.sync_call} ".join(numbers.duration(round(ns), glyphs.ascii_only) for ns in (before, after))
