"""Table of operations by time on the critical path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.operation_table import CRITICAL, OperationRow, OperationTable
from tracetui.render.services.table import duration_or_unknown, latency_cells
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import (
    call_count,
    error_rate,
    figure,
    name_cells,
    service_name,
    service_roles,
    share_bar,
    side_by_side,
)

SORTINGS = {
    CRITICAL: "time on the critical path",
    "calls": "calls",
    "errors": "error rate",
    "p50": "p50",
    "p95": "p95",
    "p99": "p99",
    "self": "self time of a call",
    "total": "time of all calls",
}
"""Sort keys of operations with their titles, in cycling order."""
OFF_PATH = "operations never on the critical path"
_NAME_TITLE = "operation"
_RANK, _PERCENT, _OF_TRACES, _CALLS, _ERRORS = 4, 7, 9, 7, 7
_SORTED = 9
_MIN_NAME = 16
_GOOD_NAME, _LONG_NAME, _GOOD_PATTERN = 32, 44, 24


@dataclass(frozen=True, slots=True)
class _Layout:
    name: int
    bar: int
    of_traces: bool
    calls: bool
    latency: bool
    pattern: int


class HotSpotListColumns:
    """An operation table with its colours and the widths of its longest texts, measured once for all lists."""

    def __init__(self, table: OperationTable) -> None:
        self.table = table
        table.prepare_waits()
        self.roles = service_roles(table.traces)
        labels = map(table.label, range(len(table)))
        self.name_cells = max((name_cells(service, False, name) for service, name in labels), default=0)
        longest = int(table.traces.duration.max()) if len(table.traces) else 0
        self.duration_cells = max(numbers.duration_width(longest), len("critical"))


class HotSpotList:
    """Rows of the operations.

    If they are sorted by critical time, a divider follows the bottlenecks, and those off the path share one row.
    """

    def __init__(
        self,
        columns: HotSpotListColumns,
        patterns: dict[int, str],
        glyphs: Glyphs,
        sorting: str = CRITICAL,
        descending: bool = True,
        is_unfolded: bool = False,
    ) -> None:
        """`is_unfolded`: list the operations off the critical path as well, rather than their number."""
        self.columns, self.table, self.patterns, self.glyphs = columns, columns.table, patterns, glyphs
        table = self.table
        self._sorting = sorting
        self._occurrences = max(len(f"{table.traces.trace_count:,}") * 2 + 3, len("traces"))
        rows = table.order(sorting, descending)
        is_ranking = sorting == CRITICAL and descending
        self.divider = self.fold = -1
        """Rows of the divider after the bottlenecks, and of the operations off the critical path; -1 for none."""
        folded = table.off_path if is_ranking and not is_unfolded and len(table.off_path) > 1 else range(0)
        if folded:
            rows = np.delete(rows, folded[1:])
            self.fold = folded.start
        if is_ranking and table.bottlenecks and len(table) > table.bottlenecks:
            self.divider = table.bottlenecks
            rows = np.insert(rows, self.divider, -1)
            self.fold += self.fold >= 0
        self._rows = rows
        self._row_of = np.full(len(table), max(self.fold, 0), np.int64)
        at = np.flatnonzero(rows >= 0)
        self._row_of[rows[at]] = at

    def __len__(self) -> int:
        return len(self._rows)

    def position(self, row: int) -> int | None:
        """Return the operation's row in the table, the first one for a fold; None for the divider."""
        return None if row == self.divider else int(self._rows[row])

    def row_of(self, position: int) -> int:
        """Return the row of an operation, by its row in the table."""
        return int(self._row_of[position])

    def heading(self, width: int) -> Line:
        layout = self._layout(width)
        cells = [
            figure("#", _RANK, Role.DIM),
            Line([(fit(_NAME_TITLE, layout.name, ellipsis=self.glyphs.ellipsis), Role.DIM)]),
            Line([(fit("of total", layout.bar + _PERCENT + 1, "right", self.glyphs.ellipsis), Role.DIM)]),
        ]
        if layout.of_traces:
            cells.append(figure("of path", _OF_TRACES, Role.DIM))
        if self._sorting != CRITICAL:
            cells.append(figure(self._sorting, _SORTED, Role.STRONG))
        cells += [
            # time on the critical path, not the duration of a call
            figure("critical", self.columns.duration_cells, Role.DIM),
            figure("traces", self._occurrences, Role.DIM),
        ]
        if layout.calls:
            cells += [figure("calls", _CALLS, Role.DIM), figure("errors", _ERRORS, Role.DIM)]
        if layout.latency:
            cells += [figure(name, self.columns.duration_cells, Role.DIM) for name in ("p50", "p95")]
        if layout.pattern:
            cells.append(Line([("pattern", Role.DIM)]))
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        position = self.position(row)
        if position is None:
            text = f"below: no bottlenecks, at most {BOTTLENECK_PERCENT:.0f} % of the critical path of their traces"
            return Line([(" " * (_RANK + 2) + text, Role.DIM)]).cropped(width, self.glyphs.ellipsis)
        if row == self.fold:
            text = f"{self.glyphs.folded} {len(self.table.off_path):,} {OFF_PATH}"
            return Line([(" " * (_RANK + 2) + text, Role.DIM)]).cropped(width, self.glyphs.ellipsis)
        spot, layout, glyphs = self.table.hot_spot(position), self._layout(width), self.glyphs
        role = self.columns.roles.get(spot.service, Role.DIM)
        bar_role, share_role = (Role.CRITICAL, Role.STRONG) if spot.is_bottleneck else (Role.DIM, Role.PLAIN)
        share = Line([(share_bar(spot.total_share, layout.bar, glyphs), bar_role), (" ", Role.PLAIN)])
        share.extend(figure(numbers.percent(spot.total_share), _PERCENT, share_role))
        if spot.is_async:
            text = f"{glyphs.async_call} async"
            share = Line([(fit(text, layout.bar + 1 + _PERCENT, "right", glyphs.ellipsis), Role.DIM)])
        cells = [
            figure(f"{position + 1:,}", _RANK, Role.DIM),
            service_name(spot.service, role, layout.name, glyphs, operation=spot.operation),
            share,
        ]
        if layout.of_traces:
            cells.append(figure("-" if spot.is_async else numbers.whole_percent(spot.share), _OF_TRACES))
        if self._sorting != CRITICAL:
            cells.append(self._sorted(spot))
        critical = "-" if spot.is_async else numbers.duration(round(spot.mean_critical_ns), glyphs.ascii_only)
        cells += [
            figure(critical, self.columns.duration_cells),
            figure(f"{spot.traces:,} / {self.table.traces.trace_count:,}", self._occurrences),
        ]
        if layout.calls:
            cells += [figure(call_count(spot.calls), _CALLS), error_rate(100 * spot.errors / spot.calls, _ERRORS)]
        if layout.latency:
            cells += latency_cells(spot.latency, spot.calls, self.columns.duration_cells, glyphs)
        if layout.pattern:
            cells.append(Line([(safe(self.patterns.get(spot.number, "")), Role.DIM)]))
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _sorted(self, spot: OperationRow) -> Line:
        """Return the figure that the rows are sorted by."""
        match self._sorting:
            case "calls":
                return figure(call_count(spot.calls), _SORTED, Role.STRONG)
            case "errors":
                return error_rate(100 * spot.errors / spot.calls, _SORTED)
            case figure_name:
                name, few = f"{figure_name}_ns", spot.latency.small_sample_range
                is_percentile = hasattr(spot.latency, name)
                if is_percentile and few is not None:
                    text = f"{self.glyphs.at_most}{numbers.duration(few[1], self.glyphs.ascii_only)}"
                    return figure(text, _SORTED, Role.DIM)
                ns = getattr(spot.latency if is_percentile else spot, name)
                return figure(duration_or_unknown(ns, spot.calls, self.glyphs), _SORTED, Role.STRONG)

    def _layout(self, width: int) -> _Layout:
        """Choose the columns that fit, by importance: names, the pattern, then figures that the detail also shows."""
        durations = self.columns.duration_cells
        fixed = _RANK + 2 + 2 + _PERCENT + 1 + 2 + durations + 2 + self._occurrences
        bar = 6 if width < 90 else 10 if width < 120 else 15
        free = width - fixed - bar - (_SORTED + 2 if self._sorting != CRITICAL else 0)
        names = max(self.columns.name_cells, len(_NAME_TITLE))
        good = min(_GOOD_NAME, names)
        of_traces = free >= good + _OF_TRACES + 2
        free -= (_OF_TRACES + 2) * of_traces
        pattern = free >= good + _GOOD_PATTERN + 2
        spare = free - good - (_GOOD_PATTERN + 2) * pattern
        longer = min(spare, min(names, _LONG_NAME) - good)
        spare -= longer
        calls = spare >= _CALLS + _ERRORS + 4
        spare -= (_CALLS + _ERRORS + 4) * calls
        with_latency = calls and spare >= 2 * durations + 4
        spare -= (2 * durations + 4) * with_latency
        spare -= (more := min(spare, names - good - longer))
        return _Layout(
            name=max(good + longer + more, _MIN_NAME),
            bar=bar,
            of_traces=of_traces,
            calls=calls,
            latency=with_latency,
            pattern=_GOOD_PATTERN + spare if pattern else 0,
        )


class FoldDetail:
    """Detail of a row that stands for several: how to list them."""

    def __init__(self, text: str) -> None:
        self._row = Line([(f"  {text}", Role.DIM)])

    def __len__(self) -> int:
        return 1

    def line(self, row: int, width: int) -> Line:  # noqa: ARG002 - the protocol's
        return self._row.cropped(width)


def skew_remark(traces: int, glyphs: Glyphs, room: int = 1_000) -> str:
    """Return `⚠ clock skew in 3 traces: --adjust-skew`, without the option if that needs more than `room` cells."""
    remark = f"{glyphs.warning} clock skew in {numbers.counted(traces, 'trace')}"
    whole = f"{remark}: --adjust-skew"
    return whole if len(whole) <= room else remark
