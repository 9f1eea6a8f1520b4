"""Services view: ranking, callers and callees, and the blast radius of a slow or failing service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_table import ServiceTable
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.render.services.explorer import Subject
from tracetui.render.services.table import SORTINGS, ServiceList, ServiceListColumns
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.background_work import Work
from tracetui.tui.keys.services import GRAPH, SERVICE_SEARCH, SERVICES
from tracetui.tui.messages import LocationChanged, ShowServerStats
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.list_detail import ListDetail
from tracetui.tui.views.services.explorer import ServiceExplorer
from tracetui.tui.views.services.graph_pane import GraphPane
from tracetui.tui.views.services.hints import hints
from tracetui.tui.views.services.map_opener import MapOpener
from tracetui.tui.views.services.modes import (
    AROUND,
    FAILS,
    SLOW,
    Mode,
    ModeColumns,
    ShownChanges,
    add_figures,
    cycle_text,
    with_attribute,
)
from tracetui.tui.views.services.service_dialogs import ServiceDialogs
from tracetui.tui.views.services.subject_traces import SubjectTraces
from tracetui.tui.widgets.copy_menu import open_graph_menu
from tracetui.tui.widgets.line_view import HeadedSource, LineView
from tracetui.tui.widgets.safe_input import SafeInput

_MAX_HOPS = 20
_INDENT = 2
"""Cells before the summary."""
_RANKING_ROWS = ((40, 12), (30, 8), (22, 6), (0, 4))
"""Heights of the view, and the rows of the ranking above the graph from there on."""
_BESIDE_FROM = 190
"""Smallest width for the explorer next to the ranking."""


class _NameInput(SafeInput):
    """Input for a part of a name."""

    BINDINGS: ClassVar[list[BindingType]] = SERVICE_SEARCH.bindings


class ServicesView(View):
    """Ranking of all services, and explorer of the one under the cursor."""

    DEFAULT_CSS = """
    ServicesView Input { height: 1; padding: 0 2; border: none; background: $background; }
    ServicesView ListDetail.-beside .list { width: 7fr; }
    ServicesView ListDetail.-beside .detail { width: 13fr; }
    ServicesView Input:focus { border: none; background-tint: $foreground 0%; }
    """

    KEYS = (SERVICES, GRAPH)
    BINDINGS: ClassVar[list[BindingType]] = SERVICES.bindings

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._sorting, self._descending = "rank", True
        self._more: dict[str, str] = {}
        """Services that match in an attribute, and that attribute."""
        self._searched = False
        """True if attributes were searched."""
        self._trail: list[str] = []
        """Services that were in focus before, in a walk through the graph."""
        self.name_input = _NameInput(placeholder="part of the name of a service or operation", select_on_focus=False)
        self.name_input.cursor_blink = self.name_input.display = False
        self.right = LineView(state.look.theme, state.look.glyphs.cursor)
        self.graph_pane = GraphPane(state.look, work)
        self.page = ListDetail[ServiceListColumns](
            state,
            work,
            id,
            self,
            right=self.right,
            above=self.name_input,
            drawing=self.graph_pane,
            beside_from=_BESIDE_FROM,
        )
        self.explorer = ServiceExplorer(state, work, self.page.detail, self.right, self._columns_shown)
        self._traces, self._dialogs = SubjectTraces(self), ServiceDialogs(self)
        self._maps = MapOpener(self, self.explore, self._show_changes)
        self.page.open_copy_menu = self._open_copy_menu
        self.parts = (self.page,)

    def compose(self) -> ComposeResult:
        yield self.page

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        return hints(self.explorer, self.page, self.graph_pane)

    @property
    def services(self) -> ServiceList:
        assert isinstance(self.page.rows, ServiceList)
        return self.page.rows

    def sources_changed(self) -> None:
        self.explorer.mode, self.name_input.value, self.name_input.display = Mode(), "", False
        self._trail.clear()

    def set_changed(self) -> None:
        # keep the mode, for the return from the traces of a row
        self.explorer.forget()
        if self.explorer.changes is not None:
            self.explorer.changes = None
            self.post_key_notices("changes off, as the traces changed; {services.compare-sets} compares again")
        super().set_changed()
        self._maps.set_changed()

    def work_failed(self, name: str) -> None:
        super().work_failed(name)
        self._maps.work_failed(name)

    def go_back(self) -> bool:
        # not its `has_focus`, which changes later than the focus
        if self.screen.focused is self.graph_pane:
            # a service may be missing since another set arrived
            while self._trail and self._trail[-1] not in self.services.table.number:
                self._trail.pop()
            if self._trail:
                self.explore(self._trail.pop(), keeps_focus=True)
            else:
                self.screen.set_focus(self.page.list)
            return True
        if super().go_back():
            return True
        if self.page.is_alone:
            self.action_mode()
            return True
        mode = self.explorer.mode
        if mode == Mode() and self.explorer.changes is not None:
            self.explorer.changes = None
            self._look(mode)
        elif mode != Mode() and not self._has_no_match:
            # from a result back to the service or operation, and from an operation to its service
            self._look(Mode(operation=mode.operation if mode.what != AROUND else ""))
        elif self.name_input.display:
            self.name_input.value = ""
            self.name_input.display = False
            self._rebuild_list({})
            self.page.list.focus()
        else:
            return False
        return True

    @property
    def _has_no_match(self) -> bool:
        """True if the list is there, but empty: a mode would change unseen."""
        return self.page.analysed is not None and not self.page.has_rows

    # --- content of the list -----------------------------------------------------------------------------------------

    def analyse(self, analysis: Analysis) -> ServiceListColumns:
        return ServiceListColumns(ServiceTable(analysis))

    def list_source(self, columns: ServiceListColumns) -> HeadedSource:
        part = self.name_input.value.strip()
        return ServiceList(columns, self.state.look.glyphs, self._sorting, self._descending, part, self._more)

    def summary_line(self, columns: ServiceListColumns) -> Line:
        table = columns.table
        impacts = self.services.impacts if self.page.has_rows else None
        inferred = sum(figures.inferred for figures in table.services) if impacts is None else 0
        line = Line([(numbers.counted(len(table.services) - inferred, "service"), Role.TITLE)])
        line.add(f", {numbers.counted(inferred, 'inferred peer')} without spans" if inferred else "", Role.DIM)
        if self.name_input.value.strip() and self.page.has_rows:
            part = self.state.look.glyphs.quoted(safe(self.name_input.value.strip()))
            line.add(f"  {len(self.services):,} matching {part}", Role.ACCENT)
        cycles = table.cycles
        if cycles:
            glyphs = self.state.look.glyphs
            line.add(f"  {glyphs.warning} {numbers.counted(len(cycles), 'cycle')}: ", Role.WARNING)
            line.add(cycle_text(cycles[0], table.graph, glyphs), Role.WARNING)
        notes = []
        if impacts is not None:
            trend = self.state.look.glyphs.trend
            notes.append(f"  {trend[0]}{trend[len(trend) // 2]}{trend[-1]} effect on each service")
        if table.few_samples:
            notes.append(f"  {self.state.look.glyphs.at_most} longest of under {FEW_SAMPLES} calls")
        for note in notes:
            if line.width + len(note) + _INDENT <= self.size.width:
                line.add(note, Role.DIM)
        return line

    def title_line(self, row: int, width: int) -> Line:
        service = self.name_of(min(row, len(self.services) - 1))
        line = self.explorer.title(self.services.columns, service, width)
        line.add(f"  {safe(self._more[service])}" if service in self._more else "", Role.ACCENT)
        mode, shown = self.explorer.mode, self.explorer.changes
        if mode.what == AROUND and shown is not None:
            before, after = shown.names
            return line.add(f"  changes from {safe(before)} to {safe(after)}", Role.ACCENT)
        if mode.what == AROUND and not (mode.operation and service == self.explorer.service):
            add_figures(line, self.services.table, service, self.state.look.glyphs)
        return line

    def empty_message(self) -> tuple[str, str]:
        none, where = f"No service matches {safe(self.name_input.value.strip())} by name", " or operation."
        keys = "{services.search} searches attributes too, {app.back} shows all."
        if self._searched:
            where, keys = ", operation or attribute.", "{app.back} shows all services."
        if self.state.query and self.state.session is not None:
            # the filter is out of sight, and the service may be in other traces
            loaded = self.state.session.loaded.trace_count
            none = none.removesuffix(" by name")
            where = f" among the {len(self.state.shown):,} of {loaded:,} traces of the filter."
        return none + where, keys

    def name_of(self, row: int) -> str:
        return self.services.service(row).service

    def row_of_name(self, name: str) -> int | None:
        return self.services.row_of(name)

    def row_of_span(self, span: int) -> int | None:
        return self.services.row_of(self.services.table.traces.service_name(span))

    # --- the explorer ------------------------------------------------------------------------------------------------

    def show_detail(self, row: int) -> None:
        assert self.page.analysed is not None
        self.explorer.show(self.services.columns, self.page.analysed.analysis, self.name_of(row))

    def _columns_shown(self, found: ModeColumns) -> None:
        """Show the services concerned as a drawing, and the effect on each service in the ranking."""
        if not self.page.has_rows:
            return
        self.graph_pane.show_diagram(found.diagram, self.explorer.service, self.services.columns.role)
        fails = self.explorer.mode.what == FAILS
        impacts = found.impacts(fails) if found.blast is not None else None
        if (impacts, fails) != (self.services.impacts, self.services.fails):
            self.services.impacts, self.services.fails = impacts, fails
            self.page.list.rows_changed()
            self.page.show_heading()
            self.page.show_summary()
        self.page.show_title()

    def action_mode(self) -> None:
        """Show the whole ranking, or the graph of the selected service with a part of it."""
        self.page.set_alone(not self.page.is_alone)
        self.call_after_refresh(self.graph_pane.fit)

    def on_resize(self, event: events.Resize) -> None:
        self.page.limit_rows(next(rows for height, rows in _RANKING_ROWS if event.size.height >= height))
        self.call_after_refresh(self.graph_pane.fit)

    def _look(self, mode: Mode) -> None:
        self.explorer.mode = mode
        self.explorer.forget()
        self.page.show_detail()

    def _focus(self) -> str | None:
        """Service under the cursor, even if the explorer has not followed it yet; None without rows."""
        if not self.page.has_rows:
            return None
        self.page.row = self.page.list.cursor
        return self.name_of(self.page.row)

    def _subject(self) -> Subject | None:
        """Subject under the active cursor."""
        if not self.page.has_rows:
            return None
        view = self.page.focused_detail
        if self.graph_pane.has_focus:
            return self.explorer.subject(self.graph_pane.cursor)
        if view is not None:
            return self.explorer.subject_in(view, view.cursor)
        return self.explorer.subject(self.name_of(self.page.list.cursor))

    # --- traces ------------------------------------------------------------------------------------------------------

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if not self.page.has_rows:
            return
        subject: Subject | None
        if event.view is self.page.list:
            subject = self.explorer.subject(self.name_of(event.row))
        else:
            subject = self.explorer.subject_in(event.view, event.row)
        self._open_traces(subject)

    def _open_traces(self, subject: Subject | None) -> None:
        if subject is not None and self.page.analysed is not None:
            self._traces.open(subject, self.page.analysed)

    def action_errors(self) -> None:
        subject = self._subject()
        if subject is not None and self.page.analysed is not None:
            self._traces.list_errors(subject, self.page.analysed)

    # --- queries about services --------------------------------------------------------------------------------------

    def action_blast(self) -> None:
        if self._has_no_match:
            return
        mode = self.explorer.mode
        following = {AROUND: SLOW, SLOW: FAILS, FAILS: AROUND}
        self._look(Mode(following.get(mode.what, SLOW), operation=mode.operation))

    def action_query(self, what: str) -> None:
        focus, mode = self._focus(), self.explorer.mode
        if focus is None:
            return

        def chosen(others: tuple[str, ...]) -> None:
            self._look(Mode(what, others, operation=mode.operation if what == "path" else ""))
            # further keys are for the result
            self.page.set_alone(False)
            self.page.detail.focus()

        before = mode.others if what == mode.what == "shared" else ()
        self._dialogs.ask_other(what, focus, before, self.services.table, chosen)

    def action_operation(self) -> None:
        """Let the user choose an operation of the service."""
        focus = self._focus()
        if focus is None:
            return

        def chosen(operation: str) -> None:
            if self.page.has_rows and focus == self.name_of(self.page.row):
                what, self.explorer.service = self.explorer.mode.what, focus
                self._look(Mode(what if what in (SLOW, FAILS) else AROUND, operation=operation))

        self._dialogs.ask_operation(focus, self.services.table, chosen)

    def action_server_stats(self) -> None:
        if not self.state.is_live:
            self.post_notice("files have no server statistics")
        elif self.page.has_rows:
            self.post_message(ShowServerStats(self.name_of(self.page.list.cursor)))

    def _open_copy_menu(self) -> None:
        name = self.graph_pane.cursor if self.graph_pane.has_focus else self._focus() or ""
        open_graph_menu(self, self.state.look, self.work, name, self.graph_pane.copy_graph)

    # --- moving ------------------------------------------------------------------------------------------------------

    def action_map(self) -> None:
        if self.page.has_rows:
            self._maps.open(self.services.columns, self._focus() or "", self.explorer.changes)

    def action_compare_sets(self) -> None:
        """Compare two groups of the traces shown, or two sets, on the graph and the map."""
        if self.page.has_rows:
            self._maps.compare()

    def _show_changes(self, changes: ShownChanges) -> None:
        if self.page.has_rows:
            self.explorer.changes = changes
            self._look(Mode())
            self.action_map()

    def action_side(self, side: str) -> None:
        """Move the cursor into the graph; focus a list if there is no graph, or another list has the focus."""
        self.page.set_alone(False)
        if self.page.focused_detail is None and self.graph_pane.display:
            self._trail.clear()
            self.graph_pane.enter(-1 if side == "left" else 1)
            return
        view = self.page.detail if side == "left" or not self.right.display else self.right
        view.focus()
        self.post_message(LocationChanged())

    def on_graph_pane_moved(self, event: GraphPane.Moved) -> None:
        event.stop()
        if not self.graph_pane.has_focus:
            # a later walk must not return to the services of this one
            self._trail.clear()
        elif not self.graph_pane.display:
            self.page.list.focus()
        self.post_message(LocationChanged())

    def on_graph_pane_chosen(self, event: GraphPane.Chosen) -> None:
        """Focus another service and stay in the graph, or list the traces of the one in focus."""
        event.stop()
        if not self.page.has_rows:
            return
        if event.service == self.graph_pane.service:
            self._open_traces(self.explorer.subject(event.service))
        else:
            self._trail.append(self.graph_pane.service)
            self.explore(event.service, keeps_focus=True)

    def action_focus_on(self) -> None:
        subject = self._subject()
        if subject is None:
            return
        is_caller = subject.service == self.name_of(self.page.row) and subject.caller
        self.explore(subject.caller if is_caller else subject.service)

    def explore(self, service: str, *, keeps_focus: bool = False) -> None:
        """Focus a service, once the services are known. keeps_focus: stay in the graph if it is drawn."""
        if not self.page.has_rows:
            # if it was chosen from a previous set, it may be missing
            self.page.select(service)
            return
        if self.services.row_of(service) is None:
            self.name_input.value = ""
            self._rebuild_list()
        if self.explorer.mode.what not in (AROUND, SLOW, FAILS):
            self.explorer.mode = Mode()
        self.page.list.cursor = self.services.row_of(service) or 0
        self.page.show_detail()
        if not (keeps_focus and self.graph_pane.display):
            self.page.list.focus()

    def action_hops(self, more: int) -> None:
        mode = self.explorer.mode
        if mode.what == AROUND and not self._has_no_match:
            self._look(replace(mode, hops=min(max(mode.hops + more, 1), _MAX_HOPS)))

    # --- order and names ---------------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        if not self.page.has_rows:
            return
        order = list(SORTINGS)
        self._sorting = order[(order.index(self._sorting) + 1) % len(order)]
        self._descending = SORTINGS[self._sorting].descending
        self._rebuild_list()

    def on_list_detail_heading_chosen(self, event: ListDetail.HeadingChosen) -> None:
        event.stop()
        sorting = next((name for name, one in SORTINGS.items() if one.heading == event.column), "")
        if sorting == self._sorting:
            self.action_reverse()
        elif sorting:
            self._sorting, self._descending = sorting, SORTINGS[sorting].descending
            self._rebuild_list()

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self._rebuild_list()

    def _rebuild_list(self, more: dict[str, str] | None = None, *, searched: bool = False) -> None:
        """Rebuild the list. `more`: other services that match in attributes, if `searched`; None for no change."""
        if more is not None:
            self._more, self._searched = more, searched
        if self.page.analysed is None:
            return
        service = self.name_of(self.page.list.cursor) if self.page.has_rows else ""
        self.page.show_list(0)
        self.page.list.cursor = (self.services.row_of(service) if self.page.has_rows else None) or 0

    def action_find(self) -> None:
        self.name_input.display = True
        self.name_input.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._rebuild_list({})

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        part = self.name_input.value.strip()
        self.name_input.display = bool(part)
        self.page.list.focus()
        if part and self.page.analysed is not None:
            graph = self.page.columns.table.graph

            def found(more: dict[str, str]) -> None:
                if part == self.name_input.value.strip():
                    self._rebuild_list(more, searched=True)

            self.work("services-find", lambda: with_attribute(graph, part), found)
