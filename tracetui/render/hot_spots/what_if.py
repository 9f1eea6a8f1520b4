"""Effect of a what-if replay: in two short lines, or as bars."""

from __future__ import annotations

from tracetui.analysis.what_if import WhatIf
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import share_bar

_BAR = 32
"""Cells of the longest bar."""


def what_if_lines(found: WhatIf, traces: TraceSet, glyphs: Glyphs) -> list[Line]:
    """Return `at 50 % duration: p50 1.22 s → 753 ms  p95 2.10 s → 1.52 s` and `next bottleneck 41 %: web GET /`.

    For one trace the response time replaces the percentiles, for few their mean. Figures precede words, so that they
    are not cut.
    """
    line = Line([(f"at {found.percent:g} % duration: ", Role.ACCENT)])
    for at, (name, before, after) in enumerate(_figures(found, traces)):
        line.add("  " if at else "").add(f"{name} " if name else "", Role.DIM)
        change = f" {glyphs.sync_call} ".join(_duration(ns, glyphs) for ns in (before, after))
        line.add(change, Role.STRONG)
    more = Line([("callees included", Role.DIM)] if found.has_calls else [])
    if found.next_operation is not None:
        more.add("  next bottleneck " if found.has_calls else "next bottleneck ", Role.DIM)
        more.extend(_next_bottleneck(found, traces))
    return [line, more] if more.width else [line]


def what_if_bars(found: WhatIf, traces: TraceSet, glyphs: Glyphs) -> list[Line]:
    """Return the lines of `what_if_lines`, then each figure before and after as bars on one scale."""
    figures = _figures(found, traces)
    longest = max((ns for _, *pair in figures for ns in pair), default=0.0)
    first, *rest = what_if_lines(found, traces, glyphs)
    lines = [first, *rest]
    names = max(len(name) for name, *_ in figures) + 1
    for name, *pair in figures:
        for word, ns, role in zip(("before", "after"), pair, (Role.DIM, Role.CRITICAL), strict=True):
            line = Line([(f"{name if word == 'before' else '':<{names}}{word:<7}", Role.DIM)])
            lines.append(line.add(share_bar(100 * ns / longest if longest else 0.0, _BAR, glyphs), role))
        before, after = pair
        percent = round(100 * (after - before) / before) if before else 0
        lines[-1].add(f" {percent:+d} %" if percent else " unchanged", Role.STRONG if percent else Role.DIM)
    return lines


def _figures(found: WhatIf, traces: TraceSet) -> list[tuple[str, float, float]]:
    """Return name, value before and after: of the percentiles, of the mean of few traces, or, with the name '', of the
    response time of a single trace.
    """
    if are_few(traces.trace_count):
        return [("mean" if traces.trace_count > 1 else "", *found.mean_ns)]
    return [("p50", *found.p50_ns), ("p95", *found.p95_ns)]


def _next_bottleneck(found: WhatIf, traces: TraceSet) -> Line:
    assert found.next_operation is not None
    service, operation = map(safe, traces.operation_label(found.next_operation))
    return Line([(numbers.whole_percent(found.next_share), Role.STRONG), (f": {service} {operation}", Role.PLAIN)])


def _duration(ns: float, glyphs: Glyphs) -> str:
    return numbers.duration(round(ns), glyphs.ascii_only)
