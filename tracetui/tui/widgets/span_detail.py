"""Detail of the selected span, to the right of the waterfall or below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from tracetui.analysis.incoming_links import (
    MAX_AT_ONCE,
    known_incoming_links,
    linking_spans,
    read_incoming_links,
)
from tracetui.analysis.span_facts import FactFinder, SpanFacts
from tracetui.model.ids import span_key
from tracetui.model.span import Span, Value
from tracetui.model.traces import TraceSet
from tracetui.render.span.detail import MAX_SHOWN, SpanDetailLines
from tracetui.render.span.links import SEARCH, LinkedFrom, LinkedSpan
from tracetui.render.span.values import LinkTarget
from tracetui.render.text.attributes import value_text
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.tui.background_work import Work
from tracetui.tui.keys.everywhere import ASK
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.waterfall import DETAIL
from tracetui.tui.messages import Notice, OpenTrace, ReadText
from tracetui.tui.state import State
from tracetui.tui.widgets.copy_menu import open_copy_menu
from tracetui.tui.widgets.detail_view import DetailView, NothingSelected
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.prompt_line import PromptLine

_CURSOR_REST = 0.04
"""Seconds that the cursor must rest on a span before its detail is computed. Not noticeable, but skips a held key."""


class SpanDetail(Vertical):
    """Detail of one span. `show_span` may be called at any rate."""

    DEFAULT_CSS = "SpanDetail { background: $background; }"

    def __init__(self, state: State, work: Work, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.state = state
        self._work = work
        self._requested: int | None = None
        self._shown: int | None = None
        self._timer: Timer | None = None
        self._facts: FactFinder | None = None
        self._computing: FactFinder | None = None
        self._links_of: TraceSet | None = None
        """Set whose links are being read, or have been."""
        self._toggled: set[str] = set()
        self._word = ""
        self.highlighted = ""
        """Text to highlight."""
        self.rows_above: LineView | None = None
        """Rows above the detail, of which its rule shows how many are out of view."""
        self.is_beside = False
        """True if it is to the right of the waterfall, not below it."""

    def compose(self) -> ComposeResult:
        yield LineBar(self.state.look.theme, id="detail-rule")
        yield DetailView(self, self.state.look)
        yield PromptLine(self.state.look.theme, prompt="/ ", hint="part of an attribute's name or value")

    def on_mount(self) -> None:
        self.view.show(NothingSelected())

    @property
    def view(self) -> DetailView:
        """Rows of the detail."""
        return self.query_one(DetailView)

    @property
    def hints(self) -> Sequence[tuple[str, str]]:
        """Key hints while the focus is in the detail."""
        if self.query_one(PromptLine).has_focus:
            return ASK.hints("ask.submit", "ask.leave")
        return DETAIL.hints("list.open", "detail.filter", "detail.copy", "waterfall.to-detail")

    def rule_changed(self) -> None:
        """Update the rule above the detail, which shows the numbers of rows out of view: above it, and in it."""
        glyphs = self.state.look.glyphs
        role = Role.ACCENT if self.view.has_focus else Role.GUIDE
        tree = "" if self.is_beside or self.rows_above is None else _out_of_view(self.rows_above, glyphs, " rows")
        own = _out_of_view(self.view, glyphs)
        own = f" detail{own}" if own and not self.is_beside else own

        def rule(width: int) -> list[Line]:
            drawn = " " if self.is_beside else glyphs.rest
            line = Line([(drawn * 2, role), (tree, Role.DIM)])
            line.add(drawn * (width - line.width - cell_width(own) - 2), role).add(own, Role.DIM)
            return [line.add(drawn * 2, role).cropped(width)]

        self.query_one("#detail-rule", LineBar).show(rule)

    def on_descendant_focus(self) -> None:
        self.rule_changed()

    def on_descendant_blur(self) -> None:
        self.rule_changed()

    def focus(self, scroll_visible: bool = True) -> SpanDetail:
        self.view.focus(scroll_visible)
        return self

    def toggle(self) -> bool:
        """Show or hide the detail. -> whether it is shown now"""
        self.display = not self.display
        if self.display:
            self._compute()
        return self.display

    def show_span(self, span: int | None) -> None:
        """Show a span of the loaded set, or none, after the cursor has rested briefly."""
        self._requested = span
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_CURSOR_REST, self._compute) if self.display else None

    def seek(self, word: str) -> None:
        """Highlight the search text."""
        if word == self.highlighted:
            return
        self.highlighted = word
        if self.view.lines is not None:
            self.view.lines.highlight = word
            self.view.rows_changed()

    def look_changed(self) -> None:
        """Repaint after a change of theme, glyphs or zone."""
        self.view.set_look(self.state.look.theme)
        self.query_one(PromptLine).set_look(self.state.look.theme)
        self.query_one("#detail-rule", LineBar).set_look(self.state.look.theme)
        self.rule_changed()
        self._shown = None
        self._compute()

    # --- computing the content ---------------------------------------------------------------------------------------

    def _compute(self, again: bool = False) -> None:
        """Make the rows of the span; `again` also if it is shown."""
        session, span = self.state.session, self._requested
        if not self.is_mounted or not self.display:
            return
        if session is None or span is None or span >= len(session.loaded):
            self._shown = None
            self.view.show(NothingSelected(), 0)
            return
        facts = self._facts
        if facts is None or facts.traces is not session.loaded:
            facts = self._facts = FactFinder(session.loaded)
            self._computing = None
        elif span == self._shown and not again:
            return
        names = KeyNames(self.screen)
        lines = partial(self._new_lines, names.short("{list.open}"), names.short("{app.adjust-skew}"))
        self._work("span detail", partial(_detail_lines, facts, span, lines), partial(self._show_lines, facts, span))

    def _new_lines(
        self, opens: str, corrects: str, traces: TraceSet, number: int, span: Span, facts: SpanFacts | None
    ) -> SpanDetailLines:
        """Build the rows for a span. Called outside the UI loop; later only the loop changes them."""
        look = self.state.look
        return SpanDetailLines(
            span=span,
            facts=facts,
            targets=_targets(traces, span),
            linked_from=_linked_from(traces, number),
            glyphs=look.glyphs,
            local_time=look.local_time,
            slot=traces.service_slots[int(traces.service[number])],
            open_key=opens,
            skew_hint=f"{corrects} corrects" if corrects else "",
            page=self.state.trace_page,
        )

    def _show_lines(self, facts: FactFinder, span: int, lines: SpanDetailLines) -> None:
        if span != self._requested or facts is not self._facts or not self.is_mounted:
            return
        is_same = span == self._shown
        self._shown = span
        lines.toggled, lines.word, lines.highlight = self._toggled, self._word, self.highlighted
        self.view.source = lines
        self.view.lay_out(lines)
        self.view.rows_changed(None if is_same else 0)
        if lines.facts is None and self._computing is not facts:
            self._computing = facts
            self._work("span facts", partial(facts.facts, span), partial(self._facts_found, facts))
        if known_incoming_links(facts.traces) is None and not lines.linked_from.unread:
            self._read_links(facts.traces)

    def _read_links(self, traces: TraceSet) -> None:
        """Read the links of all spans, then show those to the span."""
        if self._links_of is traces:
            return
        self._links_of = traces

        def found(_: object) -> None:
            if self._facts is not None and self._facts.traces is traces:
                self._compute(again=True)

        self._work("span links", partial(read_incoming_links, traces), found)

    def _facts_found(self, facts: FactFinder, _: SpanFacts) -> None:
        if self._computing is facts:
            self._computing = None
            self._shown = None if facts is self._facts else self._shown
            self._compute()

    # --- keys --------------------------------------------------------------------------------------------------------

    def rows_toggled(self) -> None:
        """Repaint after rows were folded or unfolded."""
        self.view.rows_changed()

    def choose(self) -> None:
        """Open the item under the cursor: a link's trace, a fold, or the pager."""
        lines = self.view.lines
        if lines is None:
            return
        entry = lines.entry(self.view.cursor)
        if entry.target is not None:
            self.post_message(OpenTrace(entry.target.trace, entry.target.span))
        elif lines.toggle(self.view.cursor):
            row = lines.row_of(entry.path)
            self.view.rows_changed(row)
        elif entry.is_long:
            self.read()
        elif entry.path == SEARCH and self._facts is not None:
            self.post_message(Notice("searching the links of all spans ..."))
            self._read_links(self._facts.traces)
        elif entry.path.startswith("link:"):
            self.post_message(Notice("the linked trace is not loaded"))

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
        """Open the copy menu for the item under the cursor."""
        lines, session = self.view.lines, self.state.session
        if lines is None or session is None or self._shown is None:
            return
        entry = lines.entry(self.view.cursor)
        open_copy_menu(self, self.state, self._work, self._shown, (entry.name, entry.value))

    def prompt_filter(self) -> None:
        """Open the filter of attributes."""
        if self._requested is None:
            return
        # applied once the detail is computed
        self.query_one(PromptLine).open_with(self._word)

    def leave_filter(self) -> bool:
        """Remove the filter of attributes. -> whether there was one"""
        was_filtered = bool(self._word)
        self._filter("")
        return was_filtered

    def _filter(self, word: str) -> None:
        lines = self.view.lines
        if word == self._word:
            return
        self._word = word
        if lines is not None:
            lines.word = word
            self.view.lay_out(lines)
            self.view.rows_changed(0)

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        if self.query_one(PromptLine).display:
            self._filter(event.text.strip())

    def on_prompt_line_submitted(self, event: PromptLine.Submitted) -> None:
        event.stop()
        lines = self.view.lines
        if lines is not None and self._word:
            # further keys act on the first match
            self.view.cursor = lines.first_attribute() or 0
        self.view.focus()

    def on_prompt_line_cancelled(self, event: PromptLine.Cancelled) -> None:
        event.stop()
        self.leave_filter()
        self.view.focus()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        # the parent must only handle messages from its own rows
        event.stop()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()


def _detail_lines(
    finder: FactFinder, span: int, lines: Callable[[TraceSet, int, Span, SpanFacts | None], SpanDetailLines]
) -> SpanDetailLines:
    traces = finder.traces
    return lines(traces, span, traces.span(span), finder.facts(span) if finder.is_quick(span) else None)


def _targets(traces: TraceSet, span: Span) -> dict[int, LinkTarget]:
    """Find the loaded targets of the span's links, by number of the link."""
    targets = {}
    for number, link in enumerate(span.links[:MAX_SHOWN]):
        trace = traces.find_trace(link.trace_id)
        if trace is None:
            continue
        spans = traces.spans_of(trace)
        at = (traces.key[spans.start : spans.stop] == span_key(link.span_id)).nonzero()[0]
        found = spans.start + int(at[0]) if len(at) else None
        shown = int(traces.main_root[trace]) if found is None else found
        name = f"{traces.service_name(shown)} {traces.operation_name(shown)}"
        targets[number] = LinkTarget(trace, found, name)
    return targets


def _linked_from(traces: TraceSet, span: int) -> LinkedFrom:
    """Find the spans that link to a span, if the links of the set have been read."""
    links = known_incoming_links(traces)
    if links is None:
        count = len(linking_spans(traces))
        return LinkedFrom(unread=count if count > MAX_AT_ONCE else 0)
    found = links.to(traces, span)
    return LinkedFrom(
        [
            LinkedSpan(
                LinkTarget(int(traces.trace[one]), one, f"{traces.service_name(one)} {traces.operation_name(one)}"),
                traces.trace_ids[int(traces.trace[one])],
                traces.span_id(one),
            )
            for one in found[:MAX_SHOWN].tolist()
        ],
        len(found),
    )


def _out_of_view(view: LineView, glyphs: Glyphs, noun: str = "") -> str:
    """Format the numbers of rows above and below the visible ones as ` ▴ 3 ▾ 8 rows `; '' if all are visible."""
    counts = ((glyphs.above, view.above), (glyphs.opened, view.below))
    numbers = " ".join(f"{glyph} {count:,}" for glyph, count in counts if count)
    return f" {numbers}{noun} " if numbers else ""
