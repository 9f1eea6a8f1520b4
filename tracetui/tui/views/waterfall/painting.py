"""Waterfall view without its keys: opens the selected trace outside the UI loop, and paints it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line, Role
from tracetui.tui.messages import Notice
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.waterfall.prepare import PreparedTrace, SetFacts, header_lines, open_trace
from tracetui.tui.views.waterfall.rows import FindLine, TextRows, WaterfallRows, nothing_message
from tracetui.tui.views.waterfall.scale import axis_line, map_line
from tracetui.tui.views.waterfall.view_state import Jump, ViewState
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.span_detail import SpanDetail
from tracetui.tui.work import Work

_WIDE = 130
"""Least width for the detail next to the rows."""
_HIGH = 30
"""Least height for the whole header."""
_ABOVE_ROWS = 2
"""Lines above the rows: minimap and time axis."""
AT_ONCE = 200
"""Most spans of a trace that is opened within the UI loop."""
_PATIENCE = 0.25
"""Seconds after which opening a trace is indicated."""


class WaterfallPainting(View):
    """Shows the selected trace."""

    TITLE = "Waterfall"
    DEFAULT_CSS = """
    WaterfallPainting #waterfall-header { height: 2; }
    WaterfallPainting #waterfall-body { layout: vertical; height: 1fr; }
    WaterfallPainting #waterfall-left { width: 1fr; height: 1fr; }
    WaterfallPainting #waterfall-detail { width: 1fr; height: 1fr; min-height: 4; }
    WaterfallPainting.-wide #waterfall-body { layout: horizontal; }
    WaterfallPainting.-wide #waterfall-left { width: 2fr; }
    WaterfallPainting.-wide #waterfall-detail { border-left: solid $foreground 25%; }
    WaterfallPainting.-wide #detail-rule { dock: bottom; }
    WaterfallPainting.-ascii.-wide #waterfall-detail { border-left: ascii $foreground 25%; }
    WaterfallPainting #waterfall-find { display: none; }
    WaterfallPainting.-finding #waterfall-find { display: block; }
    WaterfallPainting.-empty #waterfall-header, WaterfallPainting.-empty #waterfall-map,
    WaterfallPainting.-empty #waterfall-scale,
    WaterfallPainting.-empty #waterfall-detail { display: none; }
    """

    def __init__(self, state: State, work: Work, *, id: str = "waterfall") -> None:  # noqa: A002
        super().__init__(state, work, id=id)
        self._facts: SetFacts | None = None
        self._opening: tuple[TraceSet, int] | None = None
        self._view_state: ViewState | None = None
        self._below: list[ViewState] = []
        """View states to return to from a subtree."""
        self._word = ""
        self._jumped = ""
        self._jumped_to: int | None = None
        self._most_rows = 0
        """Largest number of rows since the trace was opened."""
        self._reading = False
        """True if the detail has the focus, set by a key."""
        self._height: int | str = "1fr"
        """Height of the rows, including the lines directly above them."""

    def compose(self) -> ComposeResult:
        look = self.state.look
        yield LineBar(look.theme, id="waterfall-header")
        with Container(id="waterfall-body"):
            with Vertical(id="waterfall-left"):
                yield LineBar(look.theme, id="waterfall-map")
                yield LineBar(look.theme, id="waterfall-scale")
                yield WaterfallRows(look.theme, look.glyphs.cursor, id="waterfall-rows")
                yield FindLine(look.theme, prompt="  /", hint="text in any span", id="waterfall-find")
            yield SpanDetail(self.state, self.work, id="waterfall-detail")

    def on_mount(self) -> None:
        self.set_class(True, "-empty")
        self.set_class(self.state.look.glyphs.ascii_only, "-ascii")
        self.selection_changed()

    @property
    def rows(self) -> WaterfallRows:
        return self.query_one(WaterfallRows)

    @property
    def detail(self) -> SpanDetail:
        return self.query_one(SpanDetail)

    @property
    def find_line(self) -> FindLine:
        return self.query_one(FindLine)

    # --- notifications -----------------------------------------------------------------------------------------------

    def set_changed(self) -> None:
        # jobs for the previous set are dropped
        self._opening = None
        if self.display:
            self.selection_changed()

    def selection_changed(self) -> None:
        session, trace = self.state.session, self.state.trace
        if session is None or trace is None or trace >= session.loaded.trace_count:
            self._show_nothing(session is not None)
            return
        loaded = session.loaded
        if self._facts is None or self._facts.traces is not loaded:
            self._facts = SetFacts(loaded, session.analysis)
            self._view_state = None
        if self._view_state is not None and self._view_state.opened.trace == trace:
            self._opening = None
            if self.state.span is not None and self.state.span != self._view_state.span_at(self.rows.cursor):
                self._go_to(self.state.span)
            return
        if self._opening != (loaded, trace):
            self._opening = (loaded, trace)
            # no trace until it is ready
            self._leave_search()
            self._view_state = None
            self._open(trace, None, partial(self._opened, self._opening))

    def _open(self, trace: int, root: int | None, done: Callable[[PreparedTrace], None]) -> None:
        assert self._facts is not None
        look = self.state.look
        make = partial(open_trace, self._facts, trace, root, look.glyphs, self._header_room, look.local_time)
        spans = self._facts.traces.spans_of(trace)
        if len(spans) <= AT_ONCE and self._facts.are_quick():
            done(make())
            return
        self.work("waterfall", make, done)
        wanted = self._opening

        def show_waiting() -> None:
            if wanted is not None and self._opening == wanted:
                self._show_instead("Opening the trace ...", "Keys are queued; {app.back} goes back.")

        self.set_timer(_PATIENCE, show_waiting)

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    def work_failed(self, name: str) -> None:
        if name == "waterfall" and self._opening is not None:
            self._opening = None
            self._show_instead("The trace could not be opened.", "{view.traces} lists the traces.")

    def _opened(self, wanted: tuple[TraceSet, int], opened: PreparedTrace) -> None:
        if self._opening != wanted:
            return
        self._opening = None
        if self.state.trace != wanted[1]:
            # the user has selected another trace meanwhile
            return
        self._below.clear()
        self._jumped = ""
        self.set_class(False, "-empty")
        self._look_at(ViewState(opened), self.state.span, at_top=True)

    def _look_at(self, view_state: ViewState, span: int | None, at_top: bool = False) -> None:
        self._view_state = view_state
        row = view_state.reveal(span) if span is not None and view_state.has(span) else 0
        self._most_rows = 0
        self._show_header()
        self._fit_rows()
        self.rows.put(view_state, row, at_top)
        self._show_scale()
        self._resized()

    def look_changed(self) -> None:
        look = self.state.look
        self.set_class(look.glyphs.ascii_only, "-ascii")
        self.find_line.set_look(look.theme)
        self.detail.look_changed()
        for view_state in (*self._below, *([self._view_state] if self._view_state else [])):
            for view in view_state.views():
                view.set_glyphs(look.glyphs)
        if self._view_state is not None:
            self._make_header(self._view_state.opened)
            self._repaint()

    def crumbs(self) -> list[str]:
        view_state = self._view_state
        if view_state is None:
            return []
        traces = view_state.base.traces
        crumbs = [traces.trace_name(view_state.opened.trace)]
        if view_state.opened.root is not None:
            crumbs.append(f"from {traces.operation_name(view_state.opened.root)}")
        span = view_state.span_at(self.rows.cursor)
        if span is not None:
            crumbs.append(traces.operation_name(span))
        if self._jumped and span == self._jumped_to:
            crumbs.append(self._jumped)
        return crumbs

    def go_back(self) -> bool:
        view_state = self._view_state
        if self.has_class("-finding"):
            self._leave_search()
            self._applied()
            self.rows.focus()
        elif self.detail.has_focus_within:
            self.rows.focus()
        elif view_state is not None and view_state.is_zoomed:
            view_state.zoom_out(all_the_way=True)
            self._repaint()
        elif self._below:
            self._leave_root()
        else:
            return False
        return True

    def focus_pane(self) -> None:
        self.rows.focus()

    # --- layout ------------------------------------------------------------------------------------------------------

    @property
    def _header_room(self) -> tuple[int, int]:
        """Room for the header in cells and lines."""
        size = self.size or self.app.size
        return size.width, 5 if size.height >= _HIGH else 3

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _WIDE, "-wide")
        self.detail.is_beside = event.size.width >= _WIDE
        self._resized()

    def _resized(self) -> None:
        view_state = self._view_state
        if view_state is not None:
            if view_state.opened.header_room != self._header_room:
                self._make_header(view_state.opened)
            self._show_header()
            self._fit_rows()
            self.call_after_refresh(self._show_scale)

    def _make_header(self, opened: PreparedTrace) -> None:
        room, local_time = self._header_room, self.state.look.local_time

        def made(lines: list[Line]) -> None:
            opened.header, opened.header_room = lines, room
            if self._view_state is not None and self._view_state.opened is opened:
                self._show_header()
                self._fit_rows()

        self.work("waterfall-header", lambda: header_lines(opened.view, room, local_time), made)

    def _show_header(self) -> None:
        if self._view_state is None:
            return
        lines = self._view_state.opened.header
        header = self.query_one("#waterfall-header", LineBar)
        header.styles.height = max(min(len(lines), self._header_room[1]), 1)
        header.show(lambda width: [line.cropped(width) for line in lines])

    def _fit_rows(self) -> None:
        """Give the rows the height that they need, at most two thirds, or one third while the detail has the focus.

        The height does not shrink until another trace is opened, so that folding does not move the detail.
        """
        view_state = self._view_state
        if view_state is None:
            return
        self._most_rows = max(self._most_rows, len(view_state))
        wanted: int | str = "1fr"
        if self.detail.display and not self.has_class("-wide"):
            room = self.size.height - min(len(view_state.opened.header), self._header_room[1])
            needed = self._most_rows + _ABOVE_ROWS + self.has_class("-finding")
            most = room * 2 // 3
            if self._reading:
                most = min(most, max(room // 3, room - len(self.detail.view.source) - 1))
            wanted = max(min(needed, most), _ABOVE_ROWS + 1)
        if wanted != self._height:
            self._height = wanted
            self.query_one("#waterfall-left").styles.height = wanted

    def _show_scale(self) -> None:
        self._show_axis()
        self._show_map()

    def _show_axis(self) -> None:
        view_state = self._view_state
        if view_state is None:
            return
        caption, rows = view_state.caption(), self.rows
        self.query_one("#waterfall-scale", LineBar).show(lambda _: [axis_line(view_state, caption, rows.line_width)])
        if self.has_class("-finding"):
            self.find_line.show_found(self._word, view_state.found)

    def _show_map(self) -> None:
        view_state, glyphs, rows = self._view_state, self.state.look.glyphs, self.rows
        if view_state is not None:
            selected = view_state.time_of(rows.cursor)
            bar = self.query_one("#waterfall-map", LineBar)
            bar.show(lambda width: [map_line(view_state, glyphs, selected, rows.line_width, width)])

    def _show_nothing(self, has_set: bool) -> None:
        self._view_state = self._opening = None
        self._below.clear()
        self._leave_search()
        self._show_instead(*nothing_message(self.state, has_set))

    def _show_instead(self, *texts: str) -> None:
        """Show a message instead of a trace; `texts` name keys by their actions."""
        names = self.key_names
        self.set_class(True, "-empty")
        self.rows.put(TextRows([Line(), *(Line([(names.short(text), Role.DIM)]) for text in texts)]), 0, at_top=True)
        self.detail.show_span(None)

    def _repaint(self, row: int | None = None) -> None:
        """Repaint changed rows."""
        self.rows.rows_changed(row)
        self._fit_rows()
        # the minimap is repainted when the message about the cursor arrives
        self._show_axis()

    def _applied(self) -> None:
        """Hide and dim spans according to the view state, keeping the cursor."""
        view_state = self._view_state
        if view_state is not None:
            span = view_state.span_at(self.rows.cursor)
            view_state.apply()
            self._repaint(None if span is None else view_state.row_of(span))

    def on_line_view_moved(self, message: LineView.Moved) -> None:
        view_state = self._view_state
        if view_state is None or self._opening is not None or message.view is not self.rows:
            return
        self.state.select_span(view_state.span_at(self.rows.cursor))
        self.detail.show_span(self.state.span)
        self._show_map()

    def _location_changed(self) -> None:
        """Update the key hints."""
        self.post_message(LineView.Moved(self.rows, self.rows.cursor))

    def _go_to(self, span: int) -> None:
        """Move the cursor to a span, unfolding if it is hidden."""
        view_state = self._view_state
        if view_state is None:
            return
        while not view_state.has(span) and self._below:
            view_state = self._view_state = self._below.pop()
            self._show_header()
        if view_state.has(span):
            before = len(view_state)
            row = view_state.reveal(span)
            if self.rows.source is view_state and len(view_state) == before:
                self.rows.cursor = row
            else:
                self.rows.put(view_state, row)
                self._fit_rows()
                self._show_scale()

    def _leave_search(self) -> None:
        """Clear the search."""
        self._word = ""
        self.find_line.put("")
        self.set_class(False, "-finding")
        self._fit_rows()
        if self._view_state is not None:
            self._view_state.found, self._view_state.only_found = None, False

    def _leave_root(self) -> None:
        """Return from a subtree to its parent view."""
        view_state = self._view_state
        span = view_state.span_at(self.rows.cursor) if view_state is not None else None
        self._leave_search()
        self._look_at(self._below.pop(), span)

    def _jump(self, stop: Jump, what: str) -> None:
        self._jumped, self._jumped_to = what, stop.span
        self._go_to(stop.span)
        self.post_message(Notice(what))

    def _post_notice(self, text: str) -> None:
        self.post_message(Notice(text))

    def _post_key_notice(self, text: str) -> None:
        """Show a notice that names keys by their actions; the text must be trusted."""
        self._post_notice(self.key_names.short(text))
