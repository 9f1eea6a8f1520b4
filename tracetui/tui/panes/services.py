"""Services: what leans on each of them, who calls it and what it calls, and who is hit when it is slow or fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from tracetui.analysis.findings import Findings
from tracetui.render import numbers
from tracetui.render.explorer import Column, Subject
from tracetui.render.line import Line, Role
from tracetui.render.safe_text import safe
from tracetui.render.service_list import FEW_SAMPLES, SORTINGS, ServiceList, ServiceTable, sortings
from tracetui.render.service_map import ServiceMap
from tracetui.tui.messages import ListTraces, Notice, Placed
from tracetui.tui.panes.findings_pane import FindingsPane, HeadedSource
from tracetui.tui.panes.pane import Work
from tracetui.tui.panes.services_map import MapScreen
from tracetui.tui.panes.services_modes import AROUND, FAILS, SLOW, Answer, Mode, answer, title
from tracetui.tui.panes.services_queries import Queries, failing
from tracetui.tui.state import State
from tracetui.tui.widgets.choice import Choice, Option
from tracetui.tui.widgets.line_view import LineSource, LineView, NoLines

_MOST_HOPS = 20


class ServicesPane(FindingsPane[ServiceTable]):
    """The ranking of all services, and the explorer of the one under the cursor."""

    TITLE = "Services"
    BESIDE_FROM = 190
    KEYS = (
        ("Enter", "the traces of the service, or of the calls, under the cursor"),
        ("e", "its errors: the Errors view of those traces"),
        ("b", "who is hit if it is slow, if it fails, and back to its neighbours"),
        ("p", "the ways from it to another service: those taken, then those possible"),
        ("s", "what it and other services all need; again adds one more"),
        ("D", "whose callers are whose: it compared with another service"),
        ("m", "the map of the whole system; h j k l go about on it, + - zoom, Enter explores"),
        ("h l", "to the callers, to the callees; Tab goes round, Esc comes back"),
        ("f", "explore the service under the cursor of either column"),
        ("+ -", "show neighbours one hop further, one hop less"),
        ("/", "only services with this in their name or operations; Esc shows all"),
        ("o O", "sort by the next column; turn the order round"),
        ("y", "copy the service's name"),
        ("traces", "in the table: the share of all traces that go through the service"),
        ("callers", "3+12: called by three services, and by way of them by twelve more"),
        ("needed by", "operations that requests enter by and that led to it"),
        ("between", "of the shortest ways between two others, those that go through it"),
        ("⚠", "beside that: some entry has no other way to something that it needs"),
        ("(inferred)", "it sends no spans: known from what calls it, as databases often are, and timed by its callers"),
        ("exposed", "of the traces that the service takes part in, those that it leads to the focus in"),
        ("wait, fail", "of its critical path, what runs in the focus; traces with an error that began in it or below"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "blast", "Blast radius: who is hit", show=False, id="services.blast"),
        Binding("p", "ask('path')", "Path to another service", show=False, id="services.path"),
        Binding("s", "ask('shared')", "Shared with other services", show=False, id="services.shared"),
        Binding("D", "ask('difference')", "Callers compared with another's", show=False, id="services.difference"),
        Binding("m", "map", "Map of the whole system", show=False, id="services.map"),
        Binding("h,left", "side('left')", "To the callers", show=False, id="services.callers"),
        Binding("l,right", "side('right')", "To the callees", show=False, id="services.callees"),
        Binding("f", "focus_on", "Explore this one", show=False, id="services.focus"),
        Binding("plus,equals_sign", "hops(1)", "One hop more", show=False, id="services.more-hops"),
        Binding("minus", "hops(-1)", "One hop less", show=False, id="services.fewer-hops"),
        Binding("e", "errors", "Its errors", show=False, id="services.errors"),
        Binding("o", "sort", "Sort by the next column", show=False, id="services.sort"),
        Binding("O", "reverse", "Turn the order round", show=False, id="services.reverse"),
        Binding("slash", "find", "Find by name", show=False, id="services.find"),
    ]
    DEFAULT_CSS = """
    ServicesPane Input { height: 1; padding: 0 2; border: none; background: $background; }
    ServicesPane Input:focus { border: none; background-tint: $foreground 0%; }
    ServicesPane .sides { height: 1fr; }
    ServicesPane .sides LineView { width: 1fr; }
    ServicesPane .sides .right { margin-left: 1; }
    """

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._sorting, self._descending = "rank", True
        self._mode = Mode()
        self._shown: Answer | None = None
        self.part = Input(placeholder="part of the name of a service or operation", select_on_focus=False)
        self.part.cursor_blink = self.part.display = False
        super().__init__(state, work, id=id)

    def detail_widgets(self) -> Sequence[Widget]:
        self.right = LineView(self.state.look.theme, self.state.look.marks.cursor)
        self.right.add_class("right")
        return (Horizontal(self.detail, self.right, classes="sides"),)

    def compose(self) -> ComposeResult:
        yield self.summary
        yield self.part
        yield self.body
        yield self.empty

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802 - what panes call it
        if self._mode.what != AROUND:
            return (("Esc", "neighbours"), ("b", "blast radius"), ("Enter", "traces"), ("f", "explore"))
        if self.detail.has_focus or self.right.has_focus:
            return (("Enter", "traces"), ("f", "explore"), ("e", "errors"), ("+", "more hops"))
        return (("b", "blast radius"), ("p", "path"), ("Enter", "traces"), ("l", "callees"))

    @property
    def services(self) -> ServiceList:
        assert isinstance(self.rows, ServiceList)
        return self.rows

    @property
    def focus_name(self) -> str:
        """The service that the explorer is about."""
        return self.name_of(self._row)

    # --- the list ----------------------------------------------------------------------------------------------------

    def analyse(self, findings: Findings) -> ServiceTable:
        return ServiceTable(findings)

    def list_source(self, table: ServiceTable) -> HeadedSource:
        return ServiceList(table, self.state.look.marks, self._sorting, self._descending, self.part.value.strip())

    def row_of_span(self, span: int) -> int | None:
        return self.services.row_of(self.services.table.traces.service_name(span))

    def summary_line(self, table: ServiceTable) -> Line:
        inferred = sum(figures.inferred for figures in table.services)
        line = Line([(numbers.counted(len(table.services) - inferred, "service"), Role.TITLE)])
        line.add(f" and {numbers.counted(inferred, 'inferred peer')}" if inferred else "", Role.DIM)
        if self.part.value.strip() and self.has_rows:
            part = self.state.look.marks.quoted(safe(self.part.value.strip()))
            line.add(f"  {len(self.services):,} with {part}", Role.ACCENT)
        cycles = table.cycles
        if cycles:
            arrow = " > " if self.state.look.marks.ascii_only else " → "
            ring = arrow.join(safe(name) for name in (*cycles[0], cycles[0][0]))
            line.add(f"  {self.state.look.marks.warning} {numbers.counted(len(cycles), 'cycle')}: {ring}", Role.WARNING)
        few = f"  (ranges: fewer than {FEW_SAMPLES} calls)"
        return line.add(few if table.few_samples else "", Role.DIM)

    def nothing(self) -> tuple[str, str]:
        return (f"No service has {safe(self.part.value.strip())} in its name or operations.", "Esc shows all services.")

    def row_of_name(self, name: str) -> int | None:
        return self.services.row_of(name) if self.has_rows else None

    def name_of(self, row: int) -> str:
        return self.services.service(row).service

    def set_changed(self) -> None:
        self._mode, self._shown = Mode(), None
        super().set_changed()

    # --- the explorer ------------------------------------------------------------------------------------------------

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        raise NotImplementedError("the explorer has two columns")

    def title_line(self, row: int, width: int) -> Line:
        table, marks = self.services.table, self.state.look.marks
        found = self._shown.blast if self._shown is not None else None
        return title(table, self._mode, self.name_of(min(row, len(self.services) - 1)), found, width, marks)

    def show_detail(self) -> None:
        if not self.has_rows or self.analysed is None:
            return
        self._row = self.list.cursor
        self.post_message(Placed())
        table, findings, marks = self.services.table, self.analysed.findings, self.state.look.marks
        mode, focus = self._mode, self.focus_name

        def done(found: Answer) -> None:
            if mode == self._mode and self.has_rows and focus == self.focus_name:
                self._show_answer(found)

        if mode.what == AROUND:
            done(answer(table, findings, mode, focus, marks))
        else:
            self.rule.show(self._rule_lines)
            self.work("services-answer", lambda: answer(table, findings, mode, focus, marks), done)

    def _show_answer(self, found: Answer) -> None:
        self._shown = found
        self.detail.show(found.left, found.left.first)
        self.right.display = found.right is not None
        self.right.show(found.right or NoLines(), found.right.first if found.right else 0)
        self.rule.show(self._rule_lines)

    def _subject(self) -> Subject | None:
        """What the cursor that keys move is on."""
        if not self.has_rows:
            return None
        for view in (self.detail, self.right):
            if view.has_focus and isinstance(view.source, Column):
                return view.source.subject(view.cursor)
        return Subject(self.name_of(self.list.cursor))

    def open_row(self, row: int) -> None:
        self._open(Subject(self.name_of(row)))

    def open_detail(self, row: int) -> None:
        self._open_in(self.detail, row)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        if event.view is self.right:
            self._open_in(self.right, event.row)

    def _open_in(self, view: LineView, row: int) -> None:
        subject = view.source.subject(row) if isinstance(view.source, Column) else None
        if subject is not None:
            self._open(subject)

    def _open(self, subject: Subject) -> None:
        query = self._query(subject)
        if query:
            self._list_traces(query, "traces", "no trace is left of these")
        else:
            self._open_slowest_call(subject.service)

    def action_errors(self) -> None:
        subject = self._subject()
        query = self._query(subject) if subject is not None else ""
        if query:
            self._list_traces(failing(query), "errors", "none of its traces failed")

    def _list_traces(self, query: str, view: str, none: str) -> None:
        """List the traces of a query among those that are shown, or say that there is none."""
        session, shown = self.state.session, self.state.query
        if session is None:
            return
        wanted = f"({shown}) AND {query}" if shown else query

        def found(count: int) -> None:
            self.post_message(ListTraces(wanted, view) if count else Notice(none))

        self.work("services-traces", lambda: len(session.select(wanted)[0]), found)

    def _query(self, subject: Subject) -> str:
        """What selects the traces of a row; '' where nothing does."""
        return Queries(self.services.table).of(subject)

    def _open_slowest_call(self, peer: str) -> None:
        span = self.services.table.slowest_call(peer)
        if span is None or self.analysed is None:
            return
        trace = int(self.services.table.traces.trace[span])
        self.post_message(self.analysed.open_trace(trace, span))
        self.post_message(Notice("this is the slowest call to it; it has no spans of its own to filter by"))

    # --- keys --------------------------------------------------------------------------------------------------------

    def _look(self, mode: Mode) -> None:
        self._mode, self._shown = mode, None
        self.show_detail()

    def action_blast(self) -> None:
        following = {AROUND: SLOW, SLOW: FAILS, FAILS: AROUND}
        self._look(Mode(following.get(self._mode.what, SLOW)))

    def action_ask(self, what: str) -> None:
        """Ask for another service, and then the question."""
        if not self.has_rows:
            return
        # the question is about the row under the cursor, whatever rests in the explorer
        self._row = self.list.cursor
        focus, table = self.focus_name, self.services.table
        asked = {"path": "Ways to", "shared": "What it shares with", "difference": "Callers compared with those of"}
        others = self._mode.others if what == self._mode.what == "shared" else ()
        options = [
            Option(one.service, one.service, "inferred" if one.inferred else f"{one.trace_share:.0f} % of the traces")
            for one in table.criticality.values()
            if one.service != focus and one.service not in others
        ]

        def chosen(other: str | None) -> None:
            if other is not None and other in table.number:
                self._look(Mode(what, (*others, other)))
                # the next keys are about the answer
                self.detail.focus()

        self.app.push_screen(Choice(self.state.look, asked[what], options), chosen)

    def action_map(self) -> None:
        if not self.has_rows:
            return
        table, marks, focus = self.services.table, self.state.look.marks, self.name_of(self.list.cursor)

        def chosen(service: str | None) -> None:
            if service is not None:
                self._explore(service)

        def show(made: ServiceMap) -> None:
            self.app.push_screen(MapScreen(self.state.look, made), chosen)

        self.work("services-map", lambda: ServiceMap(table.graph, table.role, marks, focus), show)

    def action_side(self, side: str) -> None:
        view = self.detail if side == "left" or not self.right.display else self.right
        view.focus()
        self.post_message(Placed())

    def action_focus_on(self) -> None:
        subject = self._subject()
        if subject is None:
            return
        self._explore(subject.caller if subject.service == self.focus_name and subject.caller else subject.service)

    def _explore(self, other: str) -> None:
        """Bring a service into focus."""
        if self.services.row_of(other) is None:
            self.part.value = ""
            self._list_anew()
        self._mode = self._mode if self._mode.what in (AROUND, SLOW, FAILS) else Mode()
        self.list.cursor = self.services.row_of(other) or 0
        self.list.focus()
        self.show_detail()

    def action_hops(self, more: int) -> None:
        if self._mode.what == AROUND:
            self._look(Mode(hops=min(max(self._mode.hops + more, 1), _MOST_HOPS)))

    def action_sort(self) -> None:
        order = sortings(self.list.line_width)
        at = order.index(self._sorting) if self._sorting in order else 0
        self._sorting = order[(at + 1) % len(order)]
        self._descending = SORTINGS[self._sorting].descending
        self._list_anew()

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self._list_anew()

    def _list_anew(self) -> None:
        if self.analysed is None:
            return
        service = self.name_of(self.list.cursor) if self.has_rows else ""
        self.show_list(0)
        self.list.cursor = (self.services.row_of(service) if self.has_rows else None) or 0

    def action_find(self) -> None:
        self.part.display = True
        self.part.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list_anew()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.part.display = bool(self.part.value.strip())
        self.list.focus()

    def go_back(self) -> bool:
        if self.detail.has_focus or self.right.has_focus:
            self.list.focus()
        elif self._mode != Mode():
            self._look(Mode())
        elif self.part.display:
            self.part.value = ""
            self.part.display = False
            self._list_anew()
            self.list.focus()
        else:
            return False
        return True
