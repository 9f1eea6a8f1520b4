"""Hot spots view: the operations with the most critical time, suggestions, and one of either in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.operation_table import CRITICAL, OperationTable
from tracetui.analysis.suggestions.registry import KINDS, MIN_SHARE, Suggestion
from tracetui.analysis.what_if import what_if
from tracetui.render.hot_spots.detail import HotSpotDetail
from tracetui.render.hot_spots.suggestions import (
    SMALL_SUGGESTIONS,
    SuggestionDetail,
    SuggestionList,
    kinds_line,
    words_of,
)
from tracetui.render.hot_spots.table import (
    OFF_PATH,
    SORTINGS,
    FoldDetail,
    HotSpotList,
    HotSpotListColumns,
    skew_remark,
)
from tracetui.render.hot_spots.what_if import what_if_bars
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_name
from tracetui.tui.background_work import Work
from tracetui.tui.keys.hot_spots import HOT_SPOTS
from tracetui.tui.messages import ListTraces, ReadText
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.hot_spot_patterns import PatternReader
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.views.what_if import open_what_if
from tracetui.tui.widgets.line_view import HeadedSource, LineView

_INDENT = 2
"""Cells before the summary."""
_NO_SUGGESTION = f"no suggestion saves {MIN_SHARE:g} % or more: no {', no '.join(kind.label for kind in KINDS)}"


class _Operations(LineView):
    """A list whose cursor skips the row between bottlenecks and the rest."""

    def validate_cursor(self, cursor: int) -> int:
        cursor = super().validate_cursor(cursor)
        if isinstance(self.source, HotSpotList) and cursor == self.source.divider:
            cursor += 1 if cursor > self.cursor else -1
        return cursor


class HotSpotsView(View):
    """Operations with the most critical time, or suggestions, and one of either in full."""

    KEYS = (HOT_SPOTS,)
    BINDINGS: ClassVar[list[BindingType]] = HOT_SPOTS.bindings

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._suggestions: list[Suggestion] | None = None
        self._awaits_suggestions = False
        """True if the suggestions are to be shown once they are computed."""
        self._last_row = ""
        """Name of the suggestion that was under the cursor before the set changed."""
        self._sorting, self._descending = CRITICAL, True
        self._lists_off_path = False
        """True if operations off the critical path are listed."""
        self._lists_small = False
        """True if small suggestions are listed."""
        self._what_if: dict[int, list[Line]] = {}
        """Result of the last what-if of each operation."""
        rows = _Operations(state.look.theme, state.look.glyphs.cursor)
        self.page = ListDetail[HotSpotListColumns](state, work, id, self, rows=rows, is_ranking=True)
        self.patterns = PatternReader(self.page, work)
        self.parts = (self.page,)

    def compose(self) -> ComposeResult:
        yield self.page

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        if not self.page.has_rows:
            return []
        if self._shows_suggestions:
            copy = HOT_SPOTS.hints("findings.copy")
            return [("{list.open}", "largest saving"), ("{hot-spots.advice}", "operations"), *copy]
        return HOT_SPOTS.hints("list.open", "hot-spots.advice", "hot-spots.what-if", "app.next-pane")

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        self.patterns.clear()
        self._suggestions, self._awaits_suggestions = None, self._shows_suggestions
        self._last_row = self.state.rows.get(str(self.id), "") if self._shows_suggestions else ""
        self._what_if = {}
        super().set_changed()

    @property
    def _shows_suggestions(self) -> bool:
        """True for suggestions, False for operations; a form that was chosen before the set is kept."""
        return self.state.shows_suggestions

    def work_failed(self, name: str) -> None:
        super().work_failed(name)
        if name == "hot-spots.suggestions":
            # do not announce suggestions any longer, as they will not arrive
            self._suggestions, self._awaits_suggestions = [], False
            self._show_form(False)
            self.page.show_summary()

    @property
    def is_opening(self) -> bool:
        return self._awaits_suggestions or super().is_opening

    def go_back(self) -> bool:
        if self._awaits_suggestions:
            self._awaits_suggestions = False
            self._show_form(False)
            return True
        if self._shows_suggestions and self.page.focused_detail is None:
            self.action_suggestions()
            return True
        return super().go_back()

    # --- content of the list -----------------------------------------------------------------------------------------

    def analyse(self, analysis: Analysis) -> HotSpotListColumns:
        return HotSpotListColumns(OperationTable(analysis))

    def list_source(self, columns: HotSpotListColumns) -> HeadedSource:
        glyphs = self.state.look.glyphs
        if self._shows_suggestions and self._suggestions:
            return SuggestionList(self._suggestions, columns.table.traces, glyphs, self._lists_small)
        return HotSpotList(columns, self.patterns.known, glyphs, self._sorting, self._descending, self._lists_off_path)

    def summary_line(self, columns: HotSpotListColumns) -> Line:
        table = columns.table
        if self._shows_suggestions and self._suggestions:
            keys, room = self.key_names.short("{hot-spots.advice}: operations"), self.size.width - _INDENT
            return kinds_line(self._suggestions, keys, room)
        found = numbers.counted(table.bottlenecks, "bottleneck")
        line = Line([(found if table.bottlenecks else "no bottleneck", Role.TITLE)])
        line.add(f" of {numbers.counted(len(table), 'operation')}", Role.PLAIN)
        as_usual = (self._sorting, self._descending) == (CRITICAL, True)
        if not as_usual:
            line.add(f"  by {SORTINGS[self._sorting]}, {'most' if self._descending else 'least'} first", Role.ACCENT)
        remark = Line()
        if self._suggestions is None:
            remark.add(f"  computing suggestions{self.state.look.glyphs.ellipsis}", Role.DIM)
        elif self._suggestions:
            count = numbers.counted(len(self._suggestions), "suggestion")
            remark.add("  ").add(count, Role.ACCENT)
        else:
            remark.add("  no suggestions", Role.DIM)
        skewed = Line()
        room = self.size.width - _INDENT - line.width - remark.width
        if table.skewed_count:
            skewed.add("  ").add(skew_remark(table.skewed_count, self.state.look.glyphs, room - 2), Role.WARNING)
        shows = self.key_names.short("  {hot-spots.advice} shows")
        if self._suggestions and len(shows) + skewed.width <= room:
            remark.add(shows, Role.DIM)
        remark.extend(skewed)
        meaning = f"  (over {BOTTLENECK_PERCENT:.0f} % of their traces' critical path)"
        fits = line.width + len(meaning) + remark.width + _INDENT <= self.size.width
        return line.add(meaning if fits and as_usual else "", Role.DIM).extend(remark)

    def title_line(self, row: int, width: int) -> Line:
        if self._is_fold(row):
            return Line([(self.name_of(row), Role.TITLE)])
        table, found = self.page.columns.table, self._suggestion(row)
        if found is not None:
            return words_of(found)[-1]
        spot = table.hot_spot(self._table_row(row))
        role = self.page.columns.roles.get(spot.service, Role.DIM)
        return service_name(spot.service, role, width, self.state.look.glyphs, operation=spot.operation, pad=False)

    def empty_message(self) -> tuple[str, str]:
        return "These traces have no spans.", "Press {view.traces} for other traces."

    def name_of(self, row: int) -> str:
        if self._is_fold(row):
            return SMALL_SUGGESTIONS if self._shows_suggestions else OFF_PATH
        found = self._suggestion(row)
        if found is not None:
            return " ".join(line.text for line in words_of(found))
        spot = self.page.columns.table.hot_spot(self._table_row(row))
        return f"{spot.service} {spot.operation}"

    def row_of_name(self, name: str) -> int | None:
        source = self.page.rows
        if isinstance(source, SuggestionList):
            return next((row for row in range(len(source)) if self.name_of(row) == name), None)
        if not isinstance(source, HotSpotList):
            return None
        table = source.table
        table_rows = (table_row for table_row in range(len(table)) if " ".join(table.label(table_row)) == name)
        table_row = next(table_rows, None)
        if table_row is None:
            return source.fold if name == OFF_PATH and source.fold >= 0 else None
        return source.row_of(table_row)

    def row_of_span(self, span: int) -> int | None:
        source, table = self.page.rows, self.page.columns.table
        table_row = table.row_of(int(table.traces.operation[span]))
        return source.row_of(table_row) if table_row is not None and isinstance(source, HotSpotList) else None

    def _is_fold(self, row: int) -> bool:
        """Test whether a row stands for several, none of which is selected."""
        source = self.page.list.source
        return isinstance(source, HotSpotList | SuggestionList) and row == source.fold

    def _suggestion(self, row: int) -> Suggestion | None:
        """Suggestion of a row."""
        source = self.page.list.source
        return source.found[row] if isinstance(source, SuggestionList) else None

    def _table_row(self, row: int) -> int:
        """Operation of a row; for the divider, of the row above."""
        source = self.page.list.source
        assert isinstance(source, HotSpotList)
        table_row = source.position(row)
        return row - 1 if table_row is None else table_row

    # --- the detail --------------------------------------------------------------------------------------------------

    def show_detail(self, row: int) -> None:
        table, look, found = self.page.columns.table, self.state.look, self._suggestion(row)
        if self._is_fold(row):
            self.page.detail.show(FoldDetail(self.key_names.short("{list.open} lists them")), 0)
        elif found is not None:
            opens = self.key_names.short("{list.open}")
            lines = SuggestionDetail(found, table.traces, look.glyphs, look.local_time, open_key=opens)
            self.page.detail.show(lines, 0)
        else:
            spot = table.hot_spot(self._table_row(row))
            result, pattern = self._what_if.get(spot.number, []), self.patterns.known.get(spot.number)
            detail = HotSpotDetail(self.page.columns, spot, pattern, look.glyphs, look.local_time, result)
            # the result stays in view
            self.page.detail.show(detail, 0 if result else detail.first_trace)
        self.patterns.read()
        self._find_suggestions()

    def _find_suggestions(self) -> None:
        """Compute suggestions once the operations are on the screen."""
        if self.page.analysed is None or self._suggestions is not None:
            return
        analysis = self.page.analysed.analysis

        def done(found: list[Suggestion]) -> None:
            if self.page.analysed is not None and self.page.analysed.analysis is analysis:
                self._suggestions = found
                self.page.show_summary()
                if self._awaits_suggestions:
                    self._awaits_suggestions = False
                    self._show_form(bool(found), self._last_row)
                    if not found:
                        self.post_notice(_NO_SUGGESTION)

        self.work("hot-spots.suggestions", lambda: analysis.suggestions, done)

    # --- keys --------------------------------------------------------------------------------------------------------

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if not self.page.has_rows or self.page.analysed is None:
            return
        row = event.row if event.view is self.page.list else self.page.list.cursor
        if self._unfold(row):
            return
        found = self._suggestion(row)
        if found is not None:
            self.post_message(self.page.analysed.open_trace(found.example_trace, found.example_span))
        elif event.view is self.page.list:
            number = self.page.columns.table.number(self._table_row(row))
            self._open(number, self.page.columns.table.worst_traces(number)[0][0])
        else:
            self._open_line(event.row)

    def _unfold(self, row: int) -> bool:
        """List what a row stands for. -> whether it stands for several"""
        if not self._is_fold(row):
            return False
        if self._shows_suggestions:
            self._lists_small = True
        else:
            self._lists_off_path = True
        self.page.show_list(row)
        return True

    def _open_line(self, row: int) -> None:
        detail = self.page.detail.source
        assert isinstance(detail, HotSpotDetail)
        trace = detail.trace(row)
        if trace is not None:
            self._open(detail.spot.number, trace)
        elif row == detail.pattern_row and detail.pattern:
            self.post_message(ReadText("Pattern", detail.pattern))
        elif row < len(detail.head):
            self.post_message(ReadText("Hot spot", detail.head[row].text.strip()))

    def _open(self, number: int, trace: int) -> None:
        if self.page.analysed is not None:
            self.post_message(self.page.analysed.open_trace(trace, self.page.columns.table.slowest_span(number, trace)))

    def action_suggestions(self) -> None:
        self._awaits_suggestions = self._suggestions is None and self.page.has_rows
        if self._awaits_suggestions:
            self.post_notice("computing suggestions")
            return
        if not self._suggestions:
            self.post_notice(_NO_SUGGESTION)
            return
        self._show_form(not self._shows_suggestions)
        self.page.list.focus()

    def _show_form(self, suggestions: bool, name: str = "") -> None:
        """Show suggestions or operations, with the cursor on the row of this name, else on the first."""
        self.state.show_suggestions(suggestions)
        self.page.show_list(0)
        row = self.row_of_name(name) if self.page.has_rows and name else None
        self.page.list.cursor = 0
        if row:
            # once the list has its height, as it would scroll in that of the previous one
            self.call_after_refresh(self._place_cursor, row)

    def _place_cursor(self, row: int) -> None:
        if row < len(self.page.list.source):
            self.page.list.cursor = row

    def action_sort(self) -> None:
        order = list(SORTINGS)
        self._sort_by(order[(order.index(self._sorting) + 1) % len(order)], True)

    def on_list_detail_heading_chosen(self, event: ListDetail.HeadingChosen) -> None:
        event.stop()
        column = {"of total": CRITICAL}.get(event.column, event.column)
        if column in SORTINGS:
            self._sort_by(column, not self._descending if column == self._sorting else True)

    def action_reverse(self) -> None:
        self._sort_by(self._sorting, not self._descending)

    def _sort_by(self, sorting: str, descending: bool) -> None:
        if self._shows_suggestions or self.page.analysed is None:
            return
        self._sorting, self._descending = sorting, descending
        # the first row of another order is the one to look at
        self.page.show_list(0)

    def _operation(self, what: str) -> int | None:
        """Number of the operation under the cursor, which an action needs; reports if there is none."""
        if not self.page.has_rows:
            return None
        if self._shows_suggestions:
            self.post_key_notices(f"{what} needs an operation: press {{hot-spots.advice}} for operations")
            return None
        if self._is_fold(self.page.list.cursor):
            self.post_key_notices(f"{what} needs an operation: {{list.open}} lists these")
            return None
        return self.page.columns.table.number(self._table_row(self.page.list.cursor))

    def action_what_if(self) -> None:
        """Ask for a share, and replay the traces with it."""
        number = self._operation("what-if")
        if number is None or self.page.analysed is None:
            return
        analysis, glyphs = self.page.analysed.analysis, self.state.look.glyphs

        def replay(percent: float) -> list[Line]:
            found = what_if(analysis.paths, analysis.traces.operation == number, percent)
            return what_if_bars(found, analysis.traces, glyphs)

        def done(lines: list[Line]) -> None:
            self._what_if[number] = lines
            self.page.show_detail()

        open_what_if(self, " ".join(map(safe, analysis.traces.operation_label(number))), replay, done)

    def action_contrast(self) -> None:
        """Contrast the traces with the slowest calls of the operation with the others that have it."""
        number = self._operation("contrast")
        if number is None:
            return
        traces, slow = self.page.columns.table.slow_traces(number)

        def apply_filter(query: str) -> None:
            self.post_message(ListTraces(query))

        # they were selected by duration, so duration would be the first difference
        open_contrast(self, traces, slow, "slow", apply_filter, among=" with it", durations=False)
