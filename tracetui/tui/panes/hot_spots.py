"""Hot spots: the operations that traces wait for, and one of them in full."""

from __future__ import annotations

from tracetui.analysis.bottlenecks import DEFAULT_SHARE
from tracetui.analysis.findings import Findings
from tracetui.render import numbers
from tracetui.render.hot_spot_list import HotSpotDetail, HotSpotList, HotSpotTable
from tracetui.render.line import Line, Role
from tracetui.render.service_list import service_name
from tracetui.tui.messages import ReadText
from tracetui.tui.panes.findings_pane import FindingsPane, HeadedSource
from tracetui.tui.panes.pane import Work
from tracetui.tui.state import State
from tracetui.tui.widgets.line_view import LineSource, LineView

_READ_AT_ONCE = 20
"""Patterns that are read together."""


class _Operations(LineView):
    """A list whose cursor passes over the row between bottlenecks and the rest."""

    def validate_cursor(self, cursor: int) -> int:
        cursor = super().validate_cursor(cursor)
        if isinstance(self.source, HotSpotList) and cursor == self.source.divider:
            cursor += 1 if cursor > self.cursor else -1
        return cursor


class HotSpotsPane(FindingsPane[HotSpotTable]):
    TITLE = "Hot spots"
    HINTS = (("Enter", "worst trace"), ("Tab", "its traces"))
    KEYS = (
        ("Enter", "open the trace that waits longest for the operation, at its slowest span of it"),
        ("Tab", "to the traces that wait longest for it; Enter opens the one under the cursor, or the whole pattern"),
        ("y", "copy service and operation"),
    )

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._patterns: dict[int, str] = {}
        self._reading = False
        super().__init__(state, work, id=id)

    def new_list(self) -> LineView:
        return _Operations(self.state.look.theme, self.state.look.marks.cursor)

    def set_changed(self) -> None:
        self._patterns = {}
        self._reading = False
        super().set_changed()

    def analyse(self, findings: Findings) -> HotSpotTable:
        return HotSpotTable(findings)

    def list_source(self, table: HotSpotTable) -> HeadedSource:
        return HotSpotList(table, self._patterns, self.state.look.marks)

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        assert self.analysed is not None
        table, look = self.analysed.table, self.state.look
        spot = table.hot_spot(self._place(row))
        detail = HotSpotDetail(table, spot, self._patterns.get(spot.number), look.marks, look.local_time)
        return detail, detail.first_trace

    def show_detail(self) -> None:
        super().show_detail()
        self._read_patterns()

    def _read_patterns(self) -> None:
        """Read the patterns of the operations in sight that are not known yet, outside the UI loop."""
        if self.analysed is None or not self.has_rows or self._reading:
            return
        table = self.analysed.table
        top = self.list.scroll_offset.y
        rows = range(top, min(top + max(self.list.size.height, 1), len(self.list.source)))
        numbers_in_sight = [table.number(self._place(row)) for row in (self.list.cursor, *rows)]
        wanted = [number for number in dict.fromkeys(numbers_in_sight) if number not in self._patterns]
        if not wanted:
            return
        self._reading = True

        def read() -> dict[int, str]:
            return {number: table.pattern(number) for number in wanted[:_READ_AT_ONCE]}

        def done(patterns: dict[int, str]) -> None:
            if self.analysed is None or self.analysed.table is not table:
                return
            self._reading = False
            self._patterns |= patterns
            for row in rows:
                if table.number(self._place(row)) in patterns:
                    self.list.refresh_row(row)
            detail = self.detail.source
            if isinstance(detail, HotSpotDetail) and detail.spot.number in patterns:
                detail.show_pattern(patterns[detail.spot.number])
                self.detail.refresh_row(detail.pattern_row)
            self._read_patterns()

        self.work("hot-spots.patterns", read, done)

    def _place(self, row: int) -> int:
        """The operation of a row; for the row between that of the row above."""
        source = self.list.source
        assert isinstance(source, HotSpotList)
        place = source.place(row)
        return row - 1 if place is None else place

    def row_of_span(self, span: int) -> int | None:
        source = self.list.source
        if self.analysed is None or not isinstance(source, HotSpotList):
            return None
        traces = self.analysed.findings.traces
        place = self.analysed.table.row_of(int(traces.operation[span]))
        return source.row_of(place) if place is not None else None

    def summary_line(self, table: HotSpotTable) -> Line:
        found = numbers.counted(table.bottlenecks, "bottleneck")
        line = Line([(found if table.bottlenecks else "no bottleneck", Role.TITLE)])
        line.add(f" of {numbers.counted(len(table), 'operation')}", Role.PLAIN)
        return line.add(f"  (more than {DEFAULT_SHARE:.0f} % of their traces' time)", Role.DIM)

    def title_line(self, row: int, width: int) -> Line:
        assert self.analysed is not None
        table = self.analysed.table
        spot = table.hot_spot(self._place(row))
        role = table.roles.get(spot.service, Role.DIM)
        return service_name(spot.service, role, width, self.state.look.marks, operation=spot.operation, pad=False)

    def nothing(self) -> tuple[str, str]:
        return ("These traces have no spans.", "Press 1 to look at other traces.")

    def name_of(self, row: int) -> str:
        assert self.analysed is not None
        spot = self.analysed.table.hot_spot(self._place(row))
        return f"{spot.service} {spot.operation}"

    def open_row(self, row: int) -> None:
        assert self.analysed is not None
        table = self.analysed.table
        number = table.number(self._place(row))
        self._open(number, table.worst_traces(number)[0][0])

    def open_detail(self, row: int) -> None:
        detail = self.detail.source
        if not isinstance(detail, HotSpotDetail):
            return
        trace = detail.trace(row)
        if trace is not None:
            self._open(detail.spot.number, trace)
        elif row == detail.pattern_row and detail.pattern:
            self.post_message(ReadText("Pattern", detail.pattern))

    def _open(self, number: int, trace: int) -> None:
        if self.analysed is not None:
            span = self.analysed.table.slowest_span(number, trace)
            self.post_message(self.analysed.open_trace(trace, span))
