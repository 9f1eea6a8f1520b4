"""Traces grouped by entry point: a table with the figures of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final, NamedTuple

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

_LONGEST_NAME = 44
_MIN_NAME = 28
_GAP = "  "
_DURATION = 8
_ASYNC_KEY = 1 << 40
"""Added to the key of asynchronous entry points, whose operation may also begin requests."""


class _GroupColumn(NamedTuple):
    heading: str
    cells: int


_TRACES: Final = _GroupColumn("traces", 6)
_RATE: Final = _GroupColumn("/min", 7)
_FAILED: Final = _GroupColumn("failed", 8)
_P50: Final = _GroupColumn("p50", _DURATION)
_P95: Final = _GroupColumn("p95", _DURATION)
_TREND: Final = _GroupColumn("when", 12)
_SHARE: Final = _GroupColumn("of failures", 11)
_EVERY: Final = (_TRACES, _RATE, _FAILED, _P50, _P95, _TREND, _SHARE)
_DROP_ORDER: Final = (_SHARE, _RATE, _TREND, _TRACES)
"""Columns in the order in which they make way for names."""


class EntryTable:
    """A line for each entry point, for any width, and the headings."""

    def __init__(self, columns: TraceColumns, entries: Sequence[EntryPoint], glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._slots = dict(zip(columns.services, columns.slots, strict=True))
        self._longest = min(max((cell_width(self._name(entry)) for entry in entries), default=0), _LONGEST_NAME)

    def _layout(self, width: int) -> tuple[int, list[_GroupColumn]]:
        """Return the width of the names, and the columns that fit beside them."""
        shown = list(_EVERY)
        for column in (None, *_DROP_ORDER):
            if column is not None:
                shown.remove(column)
            left = width - sum(len(_GAP) + one.cells for one in shown)
            if left >= min(self._longest, _MIN_NAME):
                break
        return max(min(self._longest, left), 1), shown

    def heading(self, width: int) -> Line:
        name, shown = self._layout(width)
        line = Line([(fit("entry point", name, "left", self._glyphs.ellipsis), Role.DIM)])
        for column in shown:
            line.add(_GAP + fit(column.heading, column.cells, "left" if column is _TREND else "right"), Role.DIM)
        return line.cropped(width, "")

    def line(self, entry: EntryPoint, width: int) -> Line:
        glyphs = self._glyphs
        name, shown = self._layout(width)
        role = Role.service(self._slots.get(entry.service, 0))
        line = Line([(fit(self._name(entry), name, "left", glyphs.ellipsis), role)])
        for column in shown:
            if column is _P95 and entry.latency.small_sample_range is not None:
                # the range is in both columns
                continue
            line.add(_GAP)
            self._add(line, column, entry)
        return line.cropped(width, glyphs.ellipsis)

    def _add(self, line: Line, column: _GroupColumn, entry: EntryPoint) -> None:
        glyphs, latency, cells = self._glyphs, entry.latency, column.cells
        if column is _TRACES:
            line.add(f"{entry.count:,}".rjust(cells), Role.STRONG)
        elif column is _RATE:
            line.add(
                (numbers.per_minute(entry.per_minute) if entry.per_minute is not None else "").rjust(cells), Role.DIM
            )
        elif column is _FAILED:
            text = f"{glyphs.origin} {numbers.percent(entry.failed_rate)}" if entry.failed_count else ""
            line.add(text.rjust(cells), Role.ERROR)
        elif column in (_P50, _P95):
            few, ns = latency.small_sample_range, latency.p50_ns if column is _P50 else latency.p95_ns
            if few is not None:
                line.add(duration_range(*few, glyphs).rjust(2 * _DURATION + len(_GAP)), Role.DIM)
            else:
                line.add((numbers.duration(round(ns), glyphs.ascii_only) if ns is not None else "").rjust(cells), "")
        elif column is _TREND:
            line.add(fit(sparkline(entry.trend, glyphs), cells), Role.ACCENT)
        elif entry.failed_share:
            line.add(numbers.whole_percent(entry.failed_share).rjust(cells), Role.ERROR)

    def _name(self, entry: EntryPoint) -> str:
        glyph = f"{self._glyphs.async_call} " if entry.is_async else self._glyphs.service
        return f"{glyph}{safe(entry.service)} {safe(entry.name)}"


def traces_by_entry_point(
    columns: TraceColumns,
    entries: Sequence[EntryPoint],
    table: EntryTable,
    key: str,
    descending: bool,
    unfolded: Collection[int],
) -> list[TraceGroup]:
    """Make a group for each entry point. `unfolded`: keys of those whose traces are listed."""
    groups = []
    for entry in entries:
        number = entry.operation + _ASYNC_KEY * entry.is_async
        members = columns.sorted(entry.traces, key, descending) if number in unfolded else entry.traces
        groups.append(TraceGroup(number, partial(table.line, entry), members, number not in unfolded))
    return groups
