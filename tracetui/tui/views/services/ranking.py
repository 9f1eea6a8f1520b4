"""Services view without its keys: the ranking, the explorer of the service under the cursor, and their traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_table import ServiceTable
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.model.errors import UsageError
from tracetui.render.services.explorer import ExplorerColumn, Subject
from tracetui.render.services.table import ServiceList, ServiceListColumns
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import ListTraces, LocationChanged, Notice
from tracetui.tui.state import State
from tracetui.tui.views.list_detail import ListDetailView
from tracetui.tui.views.services.modes import (
    AROUND,
    FAILS,
    Mode,
    ModeColumns,
    answer,
    cycle,
    title,
)
from tracetui.tui.views.services.queries import Queries
from tracetui.tui.widgets.line_view import HeadedSource, LineSource, LineView, NoLines
from tracetui.tui.widgets.safe_input import SafeInput
from tracetui.tui.work import Work


class ServicesBase(ListDetailView[ServiceListColumns]):
    """Shows all services, and the details of one."""

    TITLE = "Services"
    BESIDE_FROM = 190
    DEFAULT_CSS = """
    ServicesBase Input { height: 1; padding: 0 2; border: none; background: $background; }
    ServicesBase Input:focus { border: none; background-tint: $foreground 0%; }
    ServicesBase .sides { height: 1fr; }
    ServicesBase .sides LineView { width: 1fr; }
    ServicesBase .sides .right { margin-left: 1; }
    """

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._sorting, self._descending = "rank", True
        self._mode = Mode()
        self._shown: ModeColumns | None = None
        self._about = ""
        """Service last shown in the explorer."""
        self._more: dict[str, str] = {}
        """Services that match in an attribute, and that attribute."""
        self._searched = False
        """True if attributes were searched."""
        self.part = SafeInput(placeholder="part of the name of a service or operation", select_on_focus=False)
        self.part.cursor_blink = self.part.display = False
        super().__init__(state, work, id=id)

    def detail_widgets(self) -> Sequence[Widget]:
        self.right = LineView(self.state.look.theme, self.state.look.glyphs.cursor)
        self.right.add_class("right")
        return (Horizontal(self.detail, self.right, classes="sides"),)

    def compose(self) -> ComposeResult:
        yield self.summary
        yield self.part
        yield self.body
        yield self.empty

    @property
    def services(self) -> ServiceList:
        assert isinstance(self.rows, ServiceList)
        return self.rows

    @property
    def focus_name(self) -> str:
        """Service in the explorer."""
        return self.name_of(self._row)

    # --- the list ----------------------------------------------------------------------------------------------------

    def analyse(self, analysis: Analysis) -> ServiceListColumns:
        return ServiceListColumns(ServiceTable(analysis))

    def list_source(self, columns: ServiceListColumns) -> HeadedSource:
        part = self.part.value.strip()
        return ServiceList(columns, self.state.look.glyphs, self._sorting, self._descending, part, self._more)

    def row_of_span(self, span: int) -> int | None:
        return self.services.row_of(self.services.table.traces.service_name(span))

    def summary_line(self, columns: ServiceListColumns) -> Line:
        table = columns.table
        inferred = sum(figures.inferred for figures in table.services)
        line = Line([(numbers.counted(len(table.services) - inferred, "service"), Role.TITLE)])
        line.add(f" and {numbers.counted(inferred, 'inferred peer')} (?)" if inferred else "", Role.DIM)
        if self.part.value.strip() and self.has_rows:
            part = self.state.look.glyphs.quoted(safe(self.part.value.strip()))
            line.add(f"  {len(self.services):,} matching {part}", Role.ACCENT)
        cycles = table.cycles
        if cycles:
            glyphs = self.state.look.glyphs
            line.add(f"  {glyphs.warning} {numbers.counted(len(cycles), 'cycle')}: ", Role.WARNING)
            line.add(cycle(cycles[0], table.graph, glyphs), Role.WARNING)
        few = f"  (ranges: fewer than {FEW_SAMPLES} calls)"
        return line.add(few if table.few_samples else "", Role.DIM)

    def nothing(self) -> tuple[str, str]:
        part = safe(self.part.value.strip())
        if self._searched:
            return (
                f"No service matches {part} by name, operation or attribute.",
                self.key_names.short("{app.back} shows all services."),
            )
        return (
            f"No service matches {part} by name or operation.",
            self.key_names.short("Enter searches attributes too, {app.back} shows all."),
        )

    def row_of_name(self, name: str) -> int | None:
        return self.services.row_of(name) if self.has_rows else None

    def name_of(self, row: int) -> str:
        return self.services.service(row).service

    def set_changed(self) -> None:
        # keep the mode for the return from the traces of a row
        self._shown = None
        super().set_changed()

    # --- the explorer ------------------------------------------------------------------------------------------------

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        raise NotImplementedError("the explorer has two columns")

    def title_line(self, row: int, width: int) -> Line:
        columns, glyphs = self.services.columns, self.state.look.glyphs
        focus = self.name_of(min(row, len(self.services) - 1))
        mode = self._mode if focus == self._about else replace(self._mode, operation="")
        line = title(columns, mode, focus, self._shown, width, glyphs)
        return line.add(f"  {safe(self._more[focus])}", Role.ACCENT) if focus in self._more else line

    def show_detail(self) -> None:
        if not self.has_rows or self.analysed is None:
            return
        self._row = self.list.cursor
        self.remember_row()
        self.post_message(LocationChanged())
        if not set(self._mode.others) <= set(self.services.table.number):
            self._mode = Mode()
        if self.focus_name != self._about:
            # an operation belongs to the previous service
            self._mode, self._about = replace(self._mode, operation=""), self.focus_name
        columns, analysis, glyphs = self.services.columns, self.analysed.analysis, self.state.look.glyphs
        mode, focus = self._mode, self.focus_name

        def done(found: ModeColumns) -> None:
            if mode == self._mode and self.has_rows and focus == self.focus_name:
                self._show_answer(found)

        if mode.what == AROUND and not mode.operation:
            done(answer(columns, analysis, mode, focus, glyphs))
        else:
            self.rule.show(self._rule_lines)
            self.work("services-answer", lambda: answer(columns, analysis, mode, focus, glyphs), done)

    def _show_answer(self, found: ModeColumns) -> None:
        self._shown = found
        self.detail.show(found.left, found.left.first)
        self.right.display = found.right is not None
        self.right.show(found.right or NoLines(), found.right.first if found.right else 0)
        self._mark_hits(found)
        self.rule.show(self._rule_lines)

    def _mark_hits(self, found: ModeColumns) -> None:
        """Show the effect on each service in the ranking."""
        fails = self._mode.what == FAILS
        hits = found.hits(fails) if found.blast is not None else None
        if (hits, fails) != (self.services.hits, self.services.fails):
            self.services.hits, self.services.fails = hits, fails
            self.list.rows_changed()
            self.heading.show(self._heading_lines)

    def _subject(self) -> Subject | None:
        """Subject under the active cursor."""
        if not self.has_rows:
            return None
        for view in (self.detail, self.right):
            if view.has_focus and isinstance(view.source, ExplorerColumn):
                return view.source.subject(view.cursor)
        name = self.name_of(self.list.cursor)
        return Subject(name, operation=self._mode.operation if name == self._about else "")

    def open_row(self, row: int) -> None:
        name = self.name_of(row)
        self._open(Subject(name, operation=self._mode.operation if name == self._about else ""))

    def open_detail(self, row: int) -> None:
        self._open_in(self.detail, row)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if event.view is self.right:
            self._open_in(self.right, event.row)

    def _open_in(self, view: LineView, row: int) -> None:
        subject = view.source.subject(row) if isinstance(view.source, ExplorerColumn) else None
        if subject is not None:
            self._open(subject)

    def _open(self, subject: Subject) -> None:
        query = self._query(subject)
        if query:
            self._list_traces(query, "traces", "no traces")
        else:
            self._open_slowest_call(subject.service)

    def _list_traces(self, query: str, view: str, none: str) -> None:
        """List those of the shown traces that match a query, or report that there are none."""
        session, shown = self.state.session, self.state.query
        if session is None:
            return
        wanted = f"({shown}) AND {query}" if shown else query

        def count() -> int | str:
            try:
                return len(session.select(wanted)[0])
            except UsageError as error:
                # a regular expression in the filter may take too long
                return str(error)

        def found(counted: int | str) -> None:
            text = counted if isinstance(counted, str) else none
            self.post_message(ListTraces(wanted, view) if isinstance(counted, int) and counted else Notice(text))

        self.work("services-traces", count, found)

    def _query(self, subject: Subject) -> str:
        """Return the query for the traces of a row; '' for none."""
        return Queries(self.services.table).of(subject)

    def _open_slowest_call(self, peer: str) -> None:
        span = self.services.table.slowest_call(peer)
        if span is None or self.analysed is None:
            return
        trace = int(self.services.table.traces.trace[span])
        self.post_message(self.analysed.open_trace(trace, span))
        self.post_message(Notice("it has no spans to filter by; showing the slowest call to it"))
