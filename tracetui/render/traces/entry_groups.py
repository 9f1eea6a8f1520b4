"""Traces grouped by entry point, each with its figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tracetui.analysis.entry_points import EntryPoint
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.sparkline import sparkline
from tracetui.render.text.tables import duration_range
from tracetui.render.traces.columns import TraceColumns
from tracetui.render.traces.table import TraceGroup

_LONGEST_NAME = 36
_ASYNC_KEY = 1 << 40
"""Added to the key of asynchronous entry points, whose operation may also begin requests."""


def traces_by_entry_point(
    columns: TraceColumns,
    entries: Sequence[EntryPoint],
    key: str,
    descending: bool,
    unfolded: Collection[int],
    glyphs: Glyphs,
) -> list[TraceGroup]:
    """Make a group for each entry point. `unfolded`: keys of those whose traces are listed."""
    width = min(max((cell_width(_name(entry, glyphs)) for entry in entries), default=0), _LONGEST_NAME)
    groups = []
    for entry in entries:
        number = entry.operation + _ASYNC_KEY * entry.is_async
        members = columns.sorted(entry.traces, key, descending) if number in unfolded else entry.traces
        groups.append(TraceGroup(number, _heading(columns, entry, width, glyphs), members, number not in unfolded))
    return groups


def _name(entry: EntryPoint, glyphs: Glyphs) -> str:
    mark = f"{glyphs.async_call} " if entry.is_async else glyphs.service
    return f"{mark}{safe(entry.service)} {safe(entry.name)}"


def _heading(columns: TraceColumns, entry: EntryPoint, width: int, glyphs: Glyphs) -> Line:
    """Return `●api GET /profile  100  6.4/min  ✖ 8.0 %  p50 1.22 s  p95 2.10 s  ▃▅▄▆  98 % of failures`."""
    slot = columns.slots[columns.services.index(entry.service)] if entry.service in columns.services else 0
    line = Line([(fit(_name(entry, glyphs), width, "left", glyphs.ellipsis), Role.service(slot))])
    line.add(f"  {entry.count:>6,}", Role.STRONG)
    rate = f"{entry.per_minute:,.1f}/min" if entry.per_minute is not None else ""
    line.add(f"  {rate:>10}", Role.DIM)
    failed = f"{glyphs.origin} {numbers.percent(entry.failed_rate)}" if entry.failed_count else ""
    line.add(f"  {failed:>8}", Role.ERROR)
    latency, few = entry.latency, entry.latency.small_sample_range
    if few is not None:
        line.add(f"  {duration_range(*few, glyphs):<24}", Role.PLAIN)
    elif latency.p50_ns is not None and latency.p95_ns is not None:
        p50, p95 = (numbers.duration(round(ns), glyphs.ascii_only) for ns in (latency.p50_ns, latency.p95_ns))
        line.add(f"  p50 {p50:>7}  p95 {p95:>7}", Role.PLAIN)
    else:
        line.add(" " * 26)
    line.add(f"  {sparkline(entry.trend, glyphs)}", Role.ACCENT)
    if entry.failed_share:
        line.add(f"  {numbers.whole_percent(entry.failed_share)} of failed requests", Role.ERROR)
    return line
