"""Services view: ranking, callers and callees, and the blast radius of a slow or failing service."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tracetui.render.services.map import ServiceMap
from tracetui.render.services.table import SORTINGS
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import LocationChanged, Notice, ShowServerStats
from tracetui.tui.views.services.map import MapScreen
from tracetui.tui.views.services.modes import (
    AROUND,
    FAILS,
    SLOW,
    Mode,
    operations_of,
    with_attribute,
)
from tracetui.tui.views.services.queries import with_errors
from tracetui.tui.views.services.ranking import ServicesBase
from tracetui.tui.widgets.choice import Choice, Option

_MOST_HOPS = 20


class ServicesView(ServicesBase):
    """Ranking of all services, and explorer of the one under the cursor."""

    KEYS = (
        ("{list.open}", "list the traces of the service or call under the cursor"),
        ("{services.errors}", "errors of its traces, in the errors view"),
        ("{services.blast}", "blast radius if slow, if failing; back to neighbours"),
        ("{services.path}", "paths to another service: observed, then possible"),
        ("{services.shared}", "dependencies shared with other services; again adds one"),
        ("{services.difference}", "compare its callers with those of another service"),
        (
            "{services.map}",
            "map of the whole system; {map.left map.down map.up map.right} move, "
            "{map.zoom-in map.zoom-out} zoom, {map.explore} explores",
        ),
        (
            "{services.operation}",
            "only one of its operations; {app.back} returns to the service",
        ),
        (
            "{services.callers services.callees}",
            "focus callers, callees; Tab cycles, {app.back} returns",
        ),
        ("{services.focus}", "focus the service under the cursor"),
        ("{services.more-hops services.fewer-hops}", "one hop more, one hop less"),
        (
            "{services.find}",
            "filter services by name or operation; Enter searches attributes too; {app.back} clears",
        ),
        ("{services.sort services.reverse}", "sort by the next column; reverse"),
        (
            "{services.opinion}",
            "server statistics: dependency graph, and metrics of the service",
        ),
        ("{findings.copy}", "copy the service name"),
        ("traces", "share of all traces that pass through the service"),
        ("callers", "3+12: three direct and twelve indirect callers"),
        ("entries", "entry points that depend on it"),
        ("betweenness", "share of the shortest paths between others that pass through it"),
        ("▁ … █", "severity, in a blast radius"),
        ("⚠", "single point of failure: an entry point has no other path to a dependency"),
        ("(inferred) ?", "sends no spans (such as a database); inferred and measured by its callers' spans"),
        ("exposed", "share of the service's traces that call the focus, directly or indirectly"),
        (
            "wait, fail",
            "share of its critical path inside the focus; share of requests failed by errors there or below",
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "blast", "Blast radius", show=False, id="services.blast"),
        Binding("p", "query('path')", "Path to another service", show=False, id="services.path"),
        Binding("s", "query('shared')", "Shared with other services", show=False, id="services.shared"),
        Binding("D", "query('difference')", "Compare callers", show=False, id="services.difference"),
        Binding("i", "operation", "One of its operations", show=False, id="services.operation"),
        Binding("m", "map", "Map of the whole system", show=False, id="services.map"),
        Binding("h,left", "side('left')", "To the callers", show=False, id="services.callers"),
        Binding("l,right", "side('right')", "To the callees", show=False, id="services.callees"),
        Binding("f", "focus_on", "Focus this service", show=False, id="services.focus"),
        Binding("plus,equals_sign", "hops(1)", "One hop more", show=False, id="services.more-hops"),
        Binding("minus", "hops(-1)", "One hop less", show=False, id="services.fewer-hops"),
        Binding("e", "errors", "Its errors", show=False, id="services.errors"),
        Binding("o", "sort", "Sort by the next column", show=False, id="services.sort"),
        Binding("O", "reverse", "Reverse the order", show=False, id="services.reverse"),
        Binding("S", "server_stats", "Server statistics", show=False, id="services.opinion"),
        Binding("slash", "find", "Find by name", show=False, id="services.find"),
    ]

    @property
    def HINTS(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # noqa: N802 - the name in `View`
        blast, explore = ("{services.blast}", "blast radius"), ("{services.focus}", "explore")
        traces = ("{list.open}", "traces")
        if self._mode.what != AROUND:
            return (("{app.back}", "neighbours"), blast, traces, explore)
        if self.detail.has_focus or self.right.has_focus:
            return (traces, explore, ("{services.errors}", "errors"), ("{services.more-hops}", "more hops"))
        return (blast, ("{services.path}", "path"), traces, ("{services.callees}", "callees"))

    def _look(self, mode: Mode) -> None:
        self._mode, self._shown = mode, None
        self.show_detail()

    def action_errors(self) -> None:
        subject = self._subject()
        query = self._query(subject) if subject is not None else ""
        if query:
            self._list_traces(with_errors(query), "errors", "none of its traces have errors")

    def action_blast(self) -> None:
        following = {AROUND: SLOW, SLOW: FAILS, FAILS: AROUND}
        self._look(Mode(following.get(self._mode.what, SLOW), operation=self._mode.operation))

    def action_query(self, what: str) -> None:
        """Choose another service, then run the query."""
        if not self.has_rows:
            return
        # use the row under the cursor, even if the explorer does not show it yet
        self._row = self.list.cursor
        focus, table = self.focus_name, self.services.table
        titles = {
            "path": "Path to",
            "shared": "Dependencies shared with",
            "difference": "Compare callers with those of",
        }
        others = self._mode.others if what == self._mode.what == "shared" else ()
        options = [
            Option(one.service, one.service, "inferred" if one.inferred else f"{one.trace_share:.0f} % of the traces")
            for one in table.criticality.values()
            if one.service != focus and one.service not in others
        ]

        operation = self._mode.operation if what == "path" else ""

        def chosen(other: str | None) -> None:
            if other is not None and other in table.number:
                self._look(Mode(what, (*others, other), operation=operation))
                # further keys are for the result
                self.detail.focus()

        self.app.push_screen(Choice(self.state.look, titles[what], options), chosen)

    def action_operation(self) -> None:
        """Let the user choose an operation of the service."""
        if not self.has_rows:
            return
        self._row = self.list.cursor
        focus, graph, look = self.focus_name, self.services.table.graph, self.state.look

        def chosen(operation: str | None) -> None:
            if operation is not None and focus == self.focus_name:
                self._about = focus
                self._look(Mode(self._mode.what if self._mode.what in (SLOW, FAILS) else AROUND, operation=operation))

        def show_options(options: list[Option]) -> None:
            if options:
                self.app.push_screen(Choice(look, f"One operation of {safe(focus)}", options), chosen)
            else:
                self.post_message(Notice("unknown operations: it sends no spans"))

        self.work("services-operations", lambda: operations_of(graph, focus, look.glyphs), show_options)

    def action_server_stats(self) -> None:
        if not self.state.is_live:
            self.post_message(Notice("files have no server statistics"))
        elif self.has_rows:
            self.post_message(ShowServerStats(self.name_of(self.list.cursor)))

    def action_map(self) -> None:
        if not self.has_rows:
            return
        columns, glyphs, focus = self.services.columns, self.state.look.glyphs, self.name_of(self.list.cursor)

        def chosen(service: str | None) -> None:
            if service is not None:
                self._explore(service)

        def show(made: ServiceMap) -> None:
            self.app.push_screen(MapScreen(self.state.look, made), chosen)

        self.work("services-map", lambda: ServiceMap(columns.table.graph, columns.role, glyphs, focus), show)

    def action_side(self, side: str) -> None:
        view = self.detail if side == "left" or not self.right.display else self.right
        view.focus()
        self.post_message(LocationChanged())

    def action_focus_on(self) -> None:
        subject = self._subject()
        if subject is None:
            return
        self._explore(subject.caller if subject.service == self.focus_name and subject.caller else subject.service)

    def _explore(self, other: str) -> None:
        """Focus a service."""
        if not self.has_rows:
            # it was chosen from a previous set
            return
        if self.services.row_of(other) is None:
            self.part.value = ""
            self._list_anew()
        self._mode = self._mode if self._mode.what in (AROUND, SLOW, FAILS) else Mode()
        self.list.cursor = self.services.row_of(other) or 0
        self.list.focus()
        self.show_detail()

    def action_hops(self, more: int) -> None:
        if self._mode.what == AROUND:
            self._look(replace(self._mode, hops=min(max(self._mode.hops + more, 1), _MOST_HOPS)))

    def action_sort(self) -> None:
        if not self.has_rows:
            return
        order = self.services.columns.sortings(self.list.line_width)
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
        self._more, self._searched = {}, False
        self._list_anew()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        part = self.part.value.strip()
        self.part.display = bool(part)
        self.list.focus()
        if part and self.analysed is not None:
            graph = self.analysed.columns.table.graph

            def found(more: dict[str, str]) -> None:
                if part == self.part.value.strip():
                    self._more, self._searched = more, True
                    self._list_anew()

            self.work("services-find", lambda: with_attribute(graph, part), found)

    def go_back(self) -> bool:
        if self.detail.has_focus or self.right.has_focus:
            self.list.focus()
        elif self._mode != Mode():
            # from a result back to the service or operation, and from an operation to its service
            self._look(Mode(operation=self._mode.operation if self._mode.what != AROUND else ""))
        elif self.part.display:
            self.part.value = ""
            self.part.display = False
            self._more, self._searched = {}, False
            self._list_anew()
            self.list.focus()
        else:
            return False
        return True
