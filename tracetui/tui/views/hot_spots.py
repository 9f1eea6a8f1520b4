"""Hot spots view: the operations with the most critical time, suggestions, and the detail of one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.operation_table import CRITICAL, OperationTable
from tracetui.analysis.suggestions.registry import Suggestion
from tracetui.analysis.what_if import MOST_PERCENT, what_if
from tracetui.render.hot_spots.detail import HotSpotDetail
from tracetui.render.hot_spots.suggestions import SuggestionDetail, SuggestionList, words_of
from tracetui.render.hot_spots.table import SORTINGS, HotSpotList, HotSpotListColumns
from tracetui.render.hot_spots.what_if import what_if_lines
from tracetui.render.text import numbers
from tracetui.render.text.columns import service_name
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.skew_remark import skew_remark
from tracetui.tui.messages import ListTraces, Notice, ReadText
from tracetui.tui.state import State
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.list_detail import ListDetailView
from tracetui.tui.widgets.line_view import HeadedSource, LineSource, LineView
from tracetui.tui.widgets.share_choice import percent_of, share_choice
from tracetui.tui.work import Work

_READ_AT_ONCE = 20
"""Patterns read per job."""
_INDENT = 2
"""Indentation of the summary in cells."""


class _Operations(LineView):
    """List whose cursor skips the divider between bottlenecks and the others."""

    def validate_cursor(self, cursor: int) -> int:
        cursor = super().validate_cursor(cursor)
        if isinstance(self.source, HotSpotList) and cursor == self.source.divider:
            cursor += 1 if cursor > self.cursor else -1
        return cursor


class HotSpotsView(ListDetailView[HotSpotListColumns]):
    TITLE = "Hot spots"
    KEYS = (
        ("{list.open}", "open the trace with the operation's largest critical time, at its slowest span"),
        (
            "Tab",
            "focus its worst traces; {list.open} opens one or shows the whole line",
        ),
        (
            "{hot-spots.advice}",
            "suggestions, and back to operations; {list.open} opens the largest saving",
        ),
        (
            "{hot-spots.what-if}",
            "what if: replay the traces with the operation at half its duration, none, or any share",
        ),
        (
            "{hot-spots.apart}",
            "contrast the traces with the slowest calls (p95 or more)",
        ),
        (
            "{hot-spots.sort hot-spots.reverse}",
            "sort by the next column (critical, calls, errors, p50, p95, p99, self, total); reverse",
        ),
        ("critical", "mean time on the critical path of its traces; self: duration without children"),
        (
            "times",
            "histogram of call durations, logarithmic scale; over time: mean duration",
        ),
        (
            "saves",
            "mean per trace in which it occurs, without time covered by parallel work; "
            "of traces: share of the time of these traces",
        ),
        ("{findings.copy}", "copy service and operation"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "suggestions", "Suggestions", show=False, id="hot-spots.advice"),
        Binding("o", "sort", "Sort by the next column", show=False, id="hot-spots.sort"),
        Binding("O", "reverse", "Reverse the order", show=False, id="hot-spots.reverse"),
        Binding("c", "contrast", "Contrast its slow traces", show=False, id="hot-spots.apart"),
        Binding("X", "what_if", "What if its duration changed", show=False, id="hot-spots.what-if"),
    ]

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._patterns: dict[int, str] = {}
        self._reading = False
        self._suggestions: list[Suggestion] | None = None
        self._shows_suggestions = False
        self._sorting, self._descending = CRITICAL, True
        self._what_if: dict[int, list[Line]] = {}
        """Result of the last what-if for each operation."""
        super().__init__(state, work, id=id)

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802 - the name in `View`
        if self._shows_suggestions:
            return (
                ("{list.open}", "largest saving"),
                ("{hot-spots.advice}", "operations"),
                ("{findings.copy}", "copy"),
            )
        return (
            ("{list.open}", "worst trace"),
            ("{hot-spots.advice}", "suggestions"),
            ("{hot-spots.what-if}", "what if"),
            ("Tab", "its traces"),
        )

    def new_list(self) -> LineView:
        return _Operations(self.state.look.theme, self.state.look.glyphs.cursor)

    def set_changed(self) -> None:
        self._patterns = {}
        self._reading = False
        self._suggestions, self._shows_suggestions = None, False
        self._what_if = {}
        super().set_changed()

    def analyse(self, analysis: Analysis) -> HotSpotListColumns:
        return HotSpotListColumns(OperationTable(analysis))

    def list_source(self, columns: HotSpotListColumns) -> HeadedSource:
        glyphs = self.state.look.glyphs
        if self._shows_suggestions:
            return SuggestionList(self._suggestions or [], columns.table.traces, glyphs)
        return HotSpotList(columns, self._patterns, glyphs, self._sorting, self._descending)

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        assert self.analysed is not None
        table, look = self.analysed.columns.table, self.state.look
        found = self._suggestion(row)
        if found is not None:
            opens = self.key_names.short("{list.open}")
            return SuggestionDetail(found, table.traces, look.glyphs, look.local_time, open_key=opens), 0
        spot = table.hot_spot(self._position(row))
        more = self._what_if.get(spot.number, [])
        pattern = self._patterns.get(spot.number)
        detail = HotSpotDetail(self.analysed.columns, spot, pattern, look.glyphs, look.local_time, more)
        return detail, detail.first_trace

    def show_detail(self) -> None:
        super().show_detail()
        self._read_patterns()
        self._find_suggestions()

    def _suggestion(self, row: int) -> Suggestion | None:
        """Return the suggestion of a row."""
        source = self.list.source
        return source.found[row] if isinstance(source, SuggestionList) else None

    def _find_suggestions(self) -> None:
        """Compute suggestions once the operations are on the screen."""
        if self.analysed is None or self._suggestions is not None:
            return
        analysis = self.analysed.analysis

        def done(found: list[Suggestion]) -> None:
            if self.analysed is not None and self.analysed.analysis is analysis:
                self._suggestions = found
                self.summary.show(self._summary_lines)

        self.work("hot-spots.suggestions", lambda: analysis.suggestions, done)

    def work_failed(self, name: str) -> None:
        super().work_failed(name)
        if name == "hot-spots.suggestions":
            # stop announcing the suggestions, as they will not arrive
            self._suggestions = []
            self.summary.show(self._summary_lines)

    def action_suggestions(self) -> None:
        if not self._suggestions:
            text = "still computing suggestions" if self._suggestions is None else "no suggestion saves 1 % or more"
            self.post_message(Notice(text))
            return
        self._shows_suggestions = not self._shows_suggestions
        self.show_list(0)
        self.list.cursor = 0
        self.list.focus()

    def action_sort(self) -> None:
        order = list(SORTINGS)
        self._sort_by(order[(order.index(self._sorting) + 1) % len(order)], True)

    def action_reverse(self) -> None:
        self._sort_by(self._sorting, not self._descending)

    def _sort_by(self, sorting: str, descending: bool) -> None:
        if self._shows_suggestions or self.analysed is None:
            return
        self._sorting, self._descending = sorting, descending
        self.show_list(None)

    def action_what_if(self) -> None:
        """Ask for a share of the duration, and replay the traces with it."""
        if self.analysed is None or not self.has_rows:
            return
        if self._shows_suggestions:
            self.post_message(Notice(f"what-if needs an operation: press {self._back} for operations"))
            return
        analysis, glyphs = self.analysed.analysis, self.state.look.glyphs
        number = self.analysed.columns.table.number(self._position(self.list.cursor))

        def chosen(text: str | None) -> None:
            percent = percent_of(text)
            if percent is None:
                if text is not None:
                    self.post_message(Notice(f"enter a percentage from 0 to {MOST_PERCENT:,.0f}, such as 75 or 12.5"))
                return

            def replay() -> list[Line]:
                found = what_if(analysis.paths, analysis.traces.operation == number, percent)
                return what_if_lines(found, analysis.traces, glyphs)

            def done(lines: list[Line]) -> None:
                self._what_if[number] = lines
                self.show_detail()

            self.work("hot-spots.what-if", replay, done)

        service, operation = map(safe, analysis.traces.operation_label(number))
        self.app.push_screen(share_choice(self.state.look, f"What if {service} {operation} had"), chosen)

    def action_contrast(self) -> None:
        """Contrast the traces with the slowest calls of the operation with other traces that have it."""
        if self.analysed is None or not self.has_rows:
            return
        if self._shows_suggestions:
            self.post_message(Notice(f"contrast needs an operation: press {self._back} for operations"))
            return
        table = self.analysed.columns.table
        traces, slow = table.slow_traces(table.number(self._position(self.list.cursor)))

        def apply_filter(query: str) -> None:
            self.post_message(ListTraces(query))

        # as they were selected by duration, that would always be the first difference
        open_contrast(self, traces, slow, "slow", apply_filter, among=" with it", durations=False)

    @property
    def _back(self) -> str:
        """Key that switches from the suggestions to the operations."""
        return self.key_names.short("{hot-spots.advice}")

    def go_back(self) -> bool:
        if self._shows_suggestions and not self.detail.has_focus:
            self.action_suggestions()
            return True
        return super().go_back()

    def _read_patterns(self) -> None:
        """Read the unknown patterns of the visible operations, outside the UI loop."""
        if self.analysed is None or not isinstance(self.list.source, HotSpotList) or self._reading:
            return
        if not self.has_rows:
            return
        table = self.analysed.columns.table
        top = self.list.scroll_offset.y
        rows = range(top, min(top + max(self.list.size.height, 1), len(self.list.source)))
        visible_numbers = [table.number(self._position(row)) for row in (self.list.cursor, *rows)]
        wanted = [number for number in dict.fromkeys(visible_numbers) if number not in self._patterns]
        if not wanted:
            return
        self._reading = True

        def read() -> dict[int, str]:
            return {number: table.pattern(number) for number in wanted[:_READ_AT_ONCE]}

        def done(patterns: dict[int, str]) -> None:
            if self.analysed is None or self.analysed.columns.table is not table:
                return
            self._reading = False
            self._patterns |= patterns
            if not isinstance(self.list.source, HotSpotList):
                return
            # another sort order may have one row fewer
            for row in range(rows.start, min(rows.stop, len(self.list.source))):
                if table.number(self._position(row)) in patterns:
                    self.list.refresh_row(row)
            detail = self.detail.source
            if isinstance(detail, HotSpotDetail) and detail.spot.number in patterns:
                detail.show_pattern(patterns[detail.spot.number])
                self.detail.refresh_row(detail.pattern_row)
            self._read_patterns()

        self.work("hot-spots.patterns", read, done)

    def _position(self, row: int) -> int:
        """Return the operation of a row; for the divider, that of the row above."""
        source = self.list.source
        assert isinstance(source, HotSpotList)
        position = source.position(row)
        return row - 1 if position is None else position

    def row_of_span(self, span: int) -> int | None:
        source = self.list.source
        if self.analysed is None or not isinstance(source, HotSpotList):
            return None
        traces = self.analysed.analysis.traces
        position = self.analysed.columns.table.row_of(int(traces.operation[span]))
        return source.row_of(position) if position is not None else None

    def summary_line(self, columns: HotSpotListColumns) -> Line:
        table = columns.table
        found = numbers.counted(table.bottlenecks, "bottleneck")
        line = Line([(found if table.bottlenecks else "no bottleneck", Role.TITLE)])
        line.add(f" of {numbers.counted(len(table), 'operation')}", Role.PLAIN)
        as_usual = (self._sorting, self._descending) == (CRITICAL, True)
        if not as_usual and not self._shows_suggestions:
            line.add(f"  by {SORTINGS[self._sorting]}, {'most' if self._descending else 'least'} first", Role.ACCENT)
        note = Line()
        if self._suggestions is None:
            note.add(f"  computing suggestions{self.state.look.glyphs.ellipsis}", Role.DIM)
        elif self._suggestions:
            count = numbers.counted(len(self._suggestions), "suggestion")
            note.add("  ").add(count, Role.ACCENT)
        skewed = Line()
        room = self.size.width - _INDENT - line.width - note.width
        if table.skewed_count:
            skewed.add("  ").add(skew_remark(table.skewed_count, self.state.look.glyphs, room - 2), Role.WARNING)
        key = self.key_names.short("{hot-spots.advice}")
        shows = f"  {key}: operations" if self._shows_suggestions else f"  {key} shows"
        if self._suggestions and len(shows) + skewed.width <= room:
            note.add(shows, Role.DIM)
        note.extend(skewed)
        meaning = f"  (over {BOTTLENECK_PERCENT:.0f} % of their traces' critical path)"
        fits = line.width + len(meaning) + note.width + _INDENT <= self.size.width
        return line.add(meaning if fits and as_usual and not self._shows_suggestions else "", Role.DIM).extend(note)

    def title_line(self, row: int, width: int) -> Line:
        assert self.analysed is not None
        table, found = self.analysed.columns.table, self._suggestion(row)
        if found is not None:
            return words_of(found)[-1]
        spot = table.hot_spot(self._position(row))
        role = self.analysed.columns.roles.get(spot.service, Role.DIM)
        return service_name(spot.service, role, width, self.state.look.glyphs, operation=spot.operation, pad=False)

    def nothing(self) -> tuple[str, str]:
        return ("These traces have no spans.", self.key_names.short("Press {view.traces} for other traces."))

    def name_of(self, row: int) -> str:
        assert self.analysed is not None
        found = self._suggestion(row)
        if found is not None:
            return " ".join(line.text for line in words_of(found))
        spot = self.analysed.columns.table.hot_spot(self._position(row))
        return f"{spot.service} {spot.operation}"

    def row_of_name(self, name: str) -> int | None:
        source = self.rows
        if not isinstance(source, HotSpotList):
            return None
        table = source.table
        positions = (position for position in range(len(table)) if " ".join(table.label(position)) == name)
        position = next(positions, None)
        return None if position is None else source.row_of(position)

    def open_row(self, row: int) -> None:
        assert self.analysed is not None
        table, found = self.analysed.columns.table, self._suggestion(row)
        if found is not None:
            self.post_message(self.analysed.open_trace(found.example_trace, found.example_span))
            return
        number = table.number(self._position(row))
        self._open(number, table.worst_traces(number)[0][0])

    def open_detail(self, row: int) -> None:
        detail = self.detail.source
        if isinstance(detail, SuggestionDetail):
            self.open_row(self.list.cursor)
        if not isinstance(detail, HotSpotDetail):
            return
        trace = detail.trace(row)
        if trace is not None:
            self._open(detail.spot.number, trace)
        elif row == detail.pattern_row and detail.pattern:
            self.post_message(ReadText("Pattern", detail.pattern))
        elif row < len(detail.head):
            self.post_message(ReadText("Hot spot", detail.head[row].text.strip()))

    def _open(self, number: int, trace: int) -> None:
        if self.analysed is not None:
            span = self.analysed.columns.table.slowest_span(number, trace)
            self.post_message(self.analysed.open_trace(trace, span))
