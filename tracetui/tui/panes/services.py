"""Services: their figures, and who calls the one under the cursor and whom it calls."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tracetui.analysis.findings import Findings
from tracetui.analysis.query import FIELDS
from tracetui.analysis.query.fields import ALIASES, RESERVED
from tracetui.model.span import Value
from tracetui.render import numbers
from tracetui.render.line import Line, Role
from tracetui.render.safe_text import safe
from tracetui.render.service_list import (
    FEW_SAMPLES,
    SORTINGS,
    Neighbours,
    ServiceList,
    ServiceTable,
    service_name,
    sortings,
)
from tracetui.tui.messages import FilterTraces, Notice, OpenView
from tracetui.tui.panes.findings_pane import FindingsPane, HeadedSource
from tracetui.tui.panes.pane import Work
from tracetui.tui.state import State
from tracetui.tui.widgets.line_view import LineSource


class ServicesPane(FindingsPane[ServiceTable]):
    TITLE = "Services"
    BESIDE_FROM = 130
    HINTS = (("Enter", "traces"), ("/", "find"), ("s", "sort"), ("Tab", "callers"))
    KEYS = (
        ("Enter", "the traces that the service takes part in"),
        ("/", "only services with this in their name; Esc shows all"),
        ("s", "sort by the next column"),
        ("o", "turn the order round"),
        ("Tab", "to callers and callees; Enter goes to the one under the cursor"),
        ("y", "copy the service's name"),
        ("(inferred)", "it sends no spans: known from what calls it, as databases often are, and timed by its callers"),
        ("caller p50", "the median as the caller saw it, network and queues included"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort by the next column", show=False, id="services.sort"),
        Binding("o", "reverse", "Turn the order round", show=False, id="services.reverse"),
        Binding("slash", "find", "Find by name", show=False, id="services.find"),
    ]
    DEFAULT_CSS = """
    ServicesPane Input { height: 1; padding: 0 2; border: none; background: $background; }
    ServicesPane Input:focus { border: none; background-tint: $foreground 0%; }
    """

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        self._sorting, self._descending = "calls", True
        self.part = Input(placeholder="part of a service's name", select_on_focus=False)
        self.part.cursor_blink = self.part.display = False
        super().__init__(state, work, id=id)

    def compose(self) -> ComposeResult:
        yield self.summary
        yield self.part
        yield self.body
        yield self.empty

    @property
    def services(self) -> ServiceList:
        assert isinstance(self.rows, ServiceList)
        return self.rows

    def analyse(self, findings: Findings) -> ServiceTable:
        return ServiceTable(findings.traces)

    def list_source(self, table: ServiceTable) -> HeadedSource:
        return ServiceList(table, self.state.look.marks, self._sorting, self._descending, self.part.value.strip())

    def detail_source(self, row: int) -> tuple[LineSource, int]:
        neighbours = Neighbours(self.services.table, self.name_of(row), self.state.look.marks)
        return neighbours, neighbours.first

    def row_of_span(self, span: int) -> int | None:
        return self.services.row_of(self.services.table.traces.service_name(span))

    def summary_line(self, table: ServiceTable) -> Line:
        inferred = sum(figures.inferred for figures in table.services)
        line = Line([(numbers.counted(len(table.services) - inferred, "service"), Role.TITLE)])
        line.add(f" and {numbers.counted(inferred, 'inferred peer')}" if inferred else "", Role.DIM)
        if self.part.value.strip() and self.has_rows:
            part = self.state.look.marks.quoted(safe(self.part.value.strip()))
            line.add(f"  {len(self.services):,} with {part}", Role.ACCENT)
        few = f"  (ranges: fewer than {FEW_SAMPLES} calls)"
        return line.add(few if table.few_samples else "", Role.DIM)

    def title_line(self, row: int, width: int) -> Line:
        figures, table = self.services.service(row), self.services.table
        marks = self.state.look.marks
        return service_name(figures.service, table.role(figures.service), width, marks, figures.inferred, pad=False)

    def nothing(self) -> tuple[str, str]:
        return (f"No service has {safe(self.part.value.strip())} in its name.", "Esc shows all services.")

    def name_of(self, row: int) -> str:
        return self.services.service(row).service

    def open_row(self, row: int) -> None:
        figures = self.services.service(row)
        query = service_query(figures.service)
        if figures.inferred:
            query = self._peer_query(figures.service)
        if query:
            self.post_message(FilterTraces(query))
            self.post_message(OpenView("traces"))
        else:
            self._open_slowest_call(figures.service)

    def _peer_query(self, peer: str) -> str:
        """A peer has no spans of its own: ask for the attributes that it is named after."""
        table = self.services.table
        span = table.slowest_call(peer)
        return peer_query(peer, table.traces.attributes(span)) if span is not None else ""

    def _open_slowest_call(self, peer: str) -> None:
        span = self.services.table.slowest_call(peer)
        if span is None or self.analysed is None:
            return
        trace = int(self.services.table.traces.trace[span])
        self.post_message(self.analysed.open_trace(trace, span))
        self.post_message(Notice("this is the slowest call to it; it has no spans of its own to filter by"))

    def open_detail(self, row: int) -> None:
        neighbours = self.detail.source
        service = neighbours.service(row) if isinstance(neighbours, Neighbours) else None
        if service is None:
            return
        if self.services.row_of(service) is None:
            self.part.value = ""
            self._list_anew()
        self.list.cursor = self.services.row_of(service) or 0
        self.list.focus()

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
        if self.part.display:
            self.part.value = ""
            self.part.display = False
            self._list_anew()
            self.list.focus()
            return True
        return super().go_back()


def service_query(service: str) -> str:
    """The query for the traces in which a service takes part."""
    return f"service = {_quoted(service)}"


def peer_query(peer: str, attributes: dict[str, Value]) -> str:
    """The query for the traces with a call like this one to an inferred peer; '' where no attribute names it.

    A peer's name is the value of one attribute, or those of two, as in `redis:0`.
    """
    parts = {peer, *re.split("[:@]", peer, maxsplit=1)}
    named = {key: value for key, value in attributes.items() if isinstance(value, str) and value.strip() in parts}
    exact = [key for key, value in named.items() if value.strip() == peer]
    conditions = [f"{_attribute(key)} = {_quoted(str(named[key]))}" for key in exact[:1] or named]
    return f"{{ {' AND '.join(conditions)} }}" if conditions else ""


def _attribute(key: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*", key)
    if plain and "." in key and key not in FIELDS and key not in ALIASES and not key.startswith(RESERVED):
        return key
    return f"attr.{key}" if plain else f"attr.{_quoted(key)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
