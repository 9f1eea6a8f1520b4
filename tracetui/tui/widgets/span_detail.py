"""What there is to know about the selected span, beside or below the waterfall."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from tracetui.analysis.rank import FactFinder, SpanFacts
from tracetui.model.ids import span_key
from tracetui.model.span import Span, Value
from tracetui.model.traces import TraceSet
from tracetui.render.attributes import value_text
from tracetui.render.colours import service_slots
from tracetui.render.line import Line, Role, Run
from tracetui.render.span_detail import MOST_SHOWN, SpanDetailLines, Target
from tracetui.tui.messages import Notice, OpenTrace, ReadText
from tracetui.tui.panes.pane import Work
from tracetui.tui.state import State
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.pager import AskLine

_REST = 0.04
"""Seconds that the cursor rests on a span before its detail is asked for; shorter than a hand can tell."""


class _NothingSelected:
    """Says that there is no span."""

    _rows = (Line([("no span selected", Role.DIM)]),)

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].cropped(width)


class DetailView(LineView):
    """Rows of a span's detail, of which only the cells that differ from those on screen are sent."""

    DEFAULT_CSS = "DetailView { scrollbar-size-vertical: 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "fold(False)", "Unfold", show=False, id="detail.unfold"),
        Binding("h,left", "fold(True)", "Fold", show=False, id="detail.fold"),
        Binding("o", "read", "Pager", show=False, id="detail.read"),
        Binding("slash", "filter", "Filter", show=False, id="detail.filter"),
        Binding("y", "copy", "Copy", show=False, id="detail.copy"),
        Binding("escape", "leave_filter", "Leave the filter", show=False, id="detail.leave-filter"),
    ]

    def __init__(self, detail: SpanDetail) -> None:
        look = detail.state.look
        super().__init__(look.theme, look.marks.cursor)
        self._detail = detail
        self._painted_rows: dict[int, Strip] = {}

    @property
    def lines(self) -> SpanDetailLines | None:
        """The rows, if a span is shown."""
        return self.source if isinstance(self.source, SpanDetailLines) else None

    def rows_changed(self, cursor: int | None = None) -> None:
        lines = self.lines
        if lines is not None and lines.width != self.line_width:
            lines.arrange(self.line_width)
        self._forget()
        # as a reactive it would lay out and paint the whole screen anew
        self.set_reactive(ScrollView.virtual_size, Size(0, len(self.source)))
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(LineView.cursor, min(max(wanted, 0), max(len(self.source) - 1, 0)))
        self._keep_in_sight()
        self._repaint_changed()
        self.post_message(self.Moved(self, self.cursor))

    def _repaint_changed(self) -> None:
        for y in range(self.scrollable_content_region.height):
            before, after = self._painted_rows.get(y), self._row(y)
            width = self.size.width if before is None else _changed_cells(before, after)
            if width:
                self.refresh(Region(0, y, width, 1))

    def render_line(self, y: int) -> Strip:
        strip = self._painted_rows[y] = self._row(y)
        return strip

    def _row(self, y: int) -> Strip:
        strip = super().render_line(y)
        below = len(self.source) - self.scroll_offset.y - y - 1
        if y < self.scrollable_content_region.height - 1 or below <= 0:
            return strip
        # instead of a scroll bar, which is sent anew whenever the number of rows changes
        cue = Segment(f" {self._detail.state.look.marks.opened} {below:,} more", self._style(Role.DIM, False))
        return Strip([*strip.crop(0, max(strip.cell_length - cue.cell_length, 0)), cue])

    def _painted(self, row: int, selected: bool, width: int) -> Strip:
        # the one cursor that keys move is marked: that of the waterfall or this
        if selected and self.has_focus:
            return super()._painted(row, selected, width)
        # blanks take the style of their neighbours, so that a row is sent in few pieces
        runs = self.source.line(row, self.line_width).runs or [Run("")]
        line = Line([("  ", runs[0].role), *runs])
        segments = [Segment(text, self._style(role, False)) for text, role in line.runs]
        return Strip(segments).adjust_cell_length(width, segments[-1].style)

    @on(events.Resize)
    def _rearrange(self) -> None:
        self._painted_rows.clear()
        lines, row = self.lines, None
        if lines is not None and lines.width != self.line_width:
            path = lines.entry(self.cursor).path if len(lines) else ""
            lines.arrange(self.line_width)
            row = lines.row_of(path)
        self.rows_changed(row)

    def action_choose(self) -> None:
        self._detail.choose()

    def action_fold(self, folded: bool) -> None:
        lines = self.lines
        if lines is not None and lines.is_open(self.cursor) == folded and lines.toggle(self.cursor):
            self._detail.rows_toggled()

    def action_read(self) -> None:
        self._detail.read()

    def action_filter(self) -> None:
        self._detail.ask_filter()

    def action_copy(self) -> None:
        self._detail.copy()

    def action_leave_filter(self) -> None:
        if not self._detail.leave_filter():
            # the pane takes the focus back
            raise SkipAction


class SpanDetail(Vertical):
    """The detail of one span. Its keys are for who has the focus in it; `show_span` may be called at any rate."""

    DEFAULT_CSS = "SpanDetail { background: $background; }"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Enter", "open"),
        ("/", "filter"),
        ("y", "copy"),
        ("Esc", "back"),
    )
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Enter, h l", "in the detail: fold, unfold; read a long value; follow a link"),
        ("o", "in the detail: read the value in the pager"),
        ("/", "in the detail: filter attributes"),
        ("y", "copy menu"),
    )

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self._work = work
        self._wanted: int | None = None
        self._shown: int | None = None
        self._timer: Timer | None = None
        self._facts: FactFinder | None = None
        self._finding: FactFinder | None = None
        self._slots: list[int] = []
        self._toggled: set[str] = set()
        self._word = ""

    def compose(self) -> ComposeResult:
        yield DetailView(self)
        yield AskLine(self.state.look.theme, prompt="/ ", hint="part of an attribute's name or value")

    def on_mount(self) -> None:
        self.view.show(_NothingSelected())

    @property
    def view(self) -> DetailView:
        """The rows."""
        return self.query_one(DetailView)

    def focus(self, scroll_visible: bool = True) -> SpanDetail:
        self.view.focus(scroll_visible)
        return self

    def toggle(self) -> bool:
        """Show or hide the detail. -> whether it is shown now"""
        self.display = not self.display
        if self.display:
            self._ask()
        return self.display

    def show_span(self, span: int | None) -> None:
        """Show a span of the loaded set, or none, as soon as no other is asked for."""
        self._wanted = span
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST, self._ask) if self.display else None

    def look_changed(self) -> None:
        """Theme, marks or zone changed: paint anew."""
        self.view.set_look(self.state.look.theme)
        self.query_one(AskLine).set_look(self.state.look.theme)
        self._shown = None
        self._ask()

    # --- getting what is shown ---------------------------------------------------------------------------------------

    def _ask(self) -> None:
        session, span = self.state.session, self._wanted
        if not self.is_mounted or not self.display:
            return
        if session is None or span is None or span >= len(session.loaded):
            self._shown = None
            self.view.show(_NothingSelected(), 0)
            return
        facts = self._facts
        if facts is None or facts.traces is not session.loaded:
            facts = self._facts = FactFinder(session.loaded)
            self._finding = None
            self._slots = service_slots(session.loaded.services)
        elif span == self._shown:
            return
        lines = self._new_lines
        self._work("span detail", partial(_gather, facts, span, lines), partial(self._arrived, facts, span))

    def _new_lines(self, traces: TraceSet, number: int, span: Span, facts: SpanFacts | None) -> SpanDetailLines:
        """Rows for a span. Called outside the loop: on it they are changed only after they came back."""
        look = self.state.look
        return SpanDetailLines(
            span=span,
            facts=facts,
            targets=_targets(traces, span),
            marks=look.marks,
            local_time=look.local_time,
            slot=self._slots[int(traces.service[number])],
        )

    def _arrived(self, facts: FactFinder, span: int, lines: SpanDetailLines) -> None:
        if span != self._wanted or facts is not self._facts or not self.is_mounted:
            return
        again = span == self._shown
        self._shown = span
        lines.toggled, lines.word = self._toggled, self._word
        self.view.source = lines
        lines.arrange(self.view.line_width)
        self.view.rows_changed(None if again else 0)
        if lines.facts is None and self._finding is not facts:
            self._finding = facts
            self._work("span facts", partial(facts.facts, span), partial(self._found, facts))

    def _found(self, facts: FactFinder, _: SpanFacts) -> None:
        if self._finding is facts:
            self._finding = None
            self._shown = None if facts is self._facts else self._shown
            self._ask()

    # --- what the keys do --------------------------------------------------------------------------------------------

    def rows_toggled(self) -> None:
        """Something was folded or unfolded: paint, with the cursor on it."""
        self.view.rows_changed()

    def choose(self) -> None:
        """Open what is under the cursor: a link's trace, a fold, or the pager."""
        lines = self.view.lines
        if lines is None:
            return
        entry = lines.entry(self.view.cursor)
        if entry.target is not None:
            self.post_message(OpenTrace(entry.target.trace, entry.target.span))
        elif lines.toggle(self.view.cursor):
            row = lines.row_of(entry.path)
            self.view.rows_changed(row)
        elif entry.long:
            self.read()
        elif entry.path.startswith("link:"):
            self.post_message(Notice("the trace of this link is not in the set"))

    def read(self) -> None:
        """Show the value under the cursor in the pager."""
        lines = self.view.lines
        if lines is None:
            return
        entry = lines.entry(self.view.cursor)
        self._read(entry.name, entry.value)

    def _read(self, name: str, value: Value) -> None:
        def show(text: str) -> None:
            self.post_message(ReadText(name, text))

        self._work("span text", partial(value_text, value), show)

    def copy(self) -> None:
        """Open the copy menu for what is under the cursor."""
        lines, session = self.view.lines, self.state.session
        if lines is None or session is None or self._shown is None:
            return
        entry = lines.entry(self.view.cursor)
        open_copy_menu(self, self.state, self._work, self._shown, (entry.name, entry.value))

    def ask_filter(self) -> None:
        """Ask for a text that attributes must have."""
        if self.view.lines is None:
            return
        self.query_one(AskLine).ask(self._word)

    def leave_filter(self) -> bool:
        """Show all attributes again. -> whether there was a filter"""
        had_one = bool(self._word)
        self._filter("")
        return had_one

    def _filter(self, word: str) -> None:
        lines = self.view.lines
        if word == self._word:
            return
        self._word = word
        if lines is not None:
            lines.word = word
            lines.arrange(self.view.line_width)
            self.view.rows_changed(0)

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        if self.query_one(AskLine).display:
            self._filter(event.text.strip())

    def on_ask_line_submitted(self, event: AskLine.Submitted) -> None:
        event.stop()
        self.view.focus()

    def on_ask_line_left(self, event: AskLine.Left) -> None:
        event.stop()
        self.leave_filter()
        self.view.focus()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        # the rows of a pane are not these
        event.stop()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()


def _gather(
    finder: FactFinder, span: int, lines: Callable[[TraceSet, int, Span, SpanFacts | None], SpanDetailLines]
) -> SpanDetailLines:
    traces = finder.traces
    return lines(traces, span, traces.span(span), finder.facts(span) if finder.is_quick(span) else None)


def _targets(traces: TraceSet, span: Span) -> dict[int, Target]:
    """Where the span's links lead, by the link's number."""
    targets = {}
    for number, link in enumerate(span.links[:MOST_SHOWN]):
        trace = traces.find_trace(link.trace_id)
        if trace is None:
            continue
        spans = traces.spans_of(trace)
        at = (traces.key[spans.start : spans.stop] == span_key(link.span_id)).nonzero()[0]
        found = spans.start + int(at[0]) if len(at) else None
        shown = int(traces.main_root[trace]) if found is None else found
        name = f"{traces.service_name(shown)} {traces.operation_name(shown)}"
        targets[number] = Target(trace, found, name)
    return targets


def _changed_cells(before: Strip, after: Strip) -> int:
    """Cells up to the last that differs. Those before the first that does are sent in any case."""
    if before == after:
        return 0
    width = max(before.cell_length, after.cell_length)
    if before.cell_length != after.cell_length or not (before.text.isascii() and after.text.isascii()):
        return width
    alike = 0
    for part, other in zip(reversed(list(before)), reversed(list(after)), strict=False):
        if part.style != other.style:
            break
        shorter = min(len(part.text), len(other.text))
        pairs = enumerate(zip(reversed(part.text), reversed(other.text), strict=False))
        common = next((i for i, (one, another) in pairs if one != another), shorter)
        alike += common
        if common < max(len(part.text), len(other.text)):
            break
    return width - alike
