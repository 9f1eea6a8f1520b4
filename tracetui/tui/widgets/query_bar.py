"""Query bar with completion from the data, history, and errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from tracetui.model.trace_reference import trace_ids_in
from tracetui.query import QueryError
from tracetui.query.complete import Candidate, Completion, Vocabulary, complete
from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.theme import Theme
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.traces import QUERY
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput

_SHOWN_CANDIDATES = 8
_MAX_QUERIES = 100
_MAX_ERROR_LINES = 4


class _QueryInput(LineInput):
    """Input for a query. A pasted trace reference replaces an unchanged filter."""

    applied = ""
    """Applied filter."""

    def insert_pasted(self, text: str) -> None:
        if self.text == self.applied and trace_ids_in(text):
            self.put(text)
        else:
            super().insert_pasted(text)


class QueryBar(Vertical):
    """Line for a trace query. Posts `Submitted`, or `Cancelled` if it is left unchanged."""

    BINDINGS: ClassVar[list[BindingType]] = QUERY.bindings
    DEFAULT_CSS = """
    QueryBar { height: auto; }
    QueryBar > #query-error { display: none; height: 2; }
    QueryBar > #query-list {
        display: none; overlay: screen; constrain: inside; width: 64; max-width: 100%; background: $surface;
    }
    QueryBar > #query-list:ansi { background: ansi_default; border: round ansi_default; }
    """

    @dataclass
    class Submitted(Message):
        """The text was submitted."""

        text: str

    @dataclass
    class Cancelled(Message):
        """The bar was left; the focus may move on."""

    def __init__(
        self,
        theme: Theme,
        glyphs: Glyphs,
        history: Sequence[str] = (),
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """`history`: earlier queries, the oldest first."""
        super().__init__(id=id)
        self._look = theme
        self._glyphs = glyphs
        self._known = Vocabulary()
        self._completion = Completion(0, 0, ())
        self._chosen = -1
        self._history = list(history)
        self._at_history: int | None = None
        self._draft = ""
        """Typed text from before the history was entered."""
        self._applied = ""
        self._is_submitted = False
        """True while a submitted query is being checked."""
        self._expected: tuple[str, int] | None = None

    def compose(self) -> ComposeResult:
        key = KeyNames(self.screen).short("{traces.filter}")
        yield _QueryInput(
            self._look,
            prompt="filter  ",
            hint="duration > 500ms AND error",
            invitation=f"press {key} to enter one: " if key else "",
            id="query-input",
        )
        yield LineBar(self._look, id="query-error")
        yield LineBar(self._look, id="query-list")

    @property
    def input(self) -> _QueryInput:
        return self.query_one("#query-input", _QueryInput)

    @property
    def is_edited(self) -> bool:
        """True while the input has the focus."""
        return self.input.has_focus

    def set_look(self, theme: Theme, glyphs: Glyphs) -> None:
        self._look, self._glyphs = theme, glyphs
        self.input.set_look(theme)
        for bar in self.query(LineBar):
            bar.set_look(theme)

    def show_query(self, text: str) -> None:
        """Show the applied query, unless the user is typing another."""
        is_typing = (self.is_edited or self._is_submitted) and self.input.text != self._applied
        self._applied = self.input.applied = text
        if not is_typing:
            self._put(text)

    def show_count(self, line: Line, short: Line) -> None:
        """Show the numbers of traces, or the short form beside a filter that needs the room."""
        self.input.show_right(line, short)

    def set_vocabulary(self, known: Vocabulary) -> None:
        """Set the words for completion."""
        self._known = known

    def begin(self) -> None:
        """Focus the input."""
        self.input.focus()
        self._suggest()

    def leave(self) -> None:
        """Restore the applied query; the typed one stays in the history."""
        self._remember(self.input.text)
        self._put(self._applied)
        self.show_error(None)
        self._close_list()

    def show_error(self, error: QueryError | None) -> None:
        """Show an error below its position in the text, or none."""
        self._is_submitted = False
        bar = self.query_one("#query-error", LineBar)
        bar.display = error is not None
        if error is None:
            return
        begin = self.input.column_of(error.position)
        length = max(self.input.column_of(error.position + error.length) - begin, 1)
        message = safe(f"{error.reason}; {error.hint}" if error.hint else error.reason)
        ellipsis = self._glyphs.ellipsis

        def lines(width: int) -> list[Line]:
            carets = Line([(" " * begin + "^" * length, Role.ERROR)]).cropped(width, "")
            rows = wrap(message, max(width, 1))
            indent = min(begin, max(width - max(map(cell_width, rows), default=0), 0))
            texts = [Line([(" " * indent, Role.PLAIN), (row, Role.WARNING)]).cropped(width, ellipsis) for row in rows]
            return [carets, *texts]

        # use as many lines as the message needs
        bar.styles.height = min(len(lines(self.size.width)), _MAX_ERROR_LINES)
        bar.show(lines)
        self._close_list()

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        if self._expected == (self.input.text, self.input.cursor):
            self._expected = None
            return
        self._at_history = None
        self.show_error(None)
        if self.is_edited:
            self._suggest()

    def on_descendant_blur(self) -> None:
        self._close_list()

    def _put(self, text: str) -> None:
        """Set the text without offering completions."""
        self._expected = (text, len(text)) if (text, len(text)) != (self.input.text, self.input.cursor) else None
        self.input.put(text)

    def _remember(self, text: str) -> None:
        text = text.strip()
        if text:
            self._history = [*(old for old in self._history if old != text), text][-_MAX_QUERIES:]
        self._at_history = None

    # --- completion --------------------------------------------------------------------------------------------------

    def _suggest(self) -> None:
        self._completion = complete(self.input.text, self.input.cursor, self._known)
        self._chosen = -1
        self._show_list()

    def _close_list(self) -> None:
        self._completion = Completion(0, 0, ())
        self._chosen = -1
        self._show_list()

    def _show_list(self) -> None:
        bar = self.query_one("#query-list", LineBar)
        candidates = self._completion.candidates
        bar.display = bool(candidates)
        if not candidates:
            return
        first = min(max(self._chosen - _SHOWN_CANDIDATES + 2, 0), max(len(candidates) - _SHOWN_CANDIDATES, 0))
        shown = candidates[first : first + _SHOWN_CANDIDATES]
        more = len(candidates) - first - len(shown)
        bar.styles.height = len(shown) + (1 if more else 0)
        bar.styles.offset = (max(self.input.column_of(self._completion.start) - 2, 0), 0)
        chosen = self._chosen - first
        bar.show(lambda width: self._list_lines(shown, chosen, more, width))

    def _list_lines(self, shown: tuple[Candidate, ...], chosen: int, more: int, width: int) -> list[Line]:
        texts = [safe(candidate.shown, 200) for candidate in shown]
        column = min(max(map(cell_width, texts)), max(width * 2 // 3, 1))
        lines = []
        for i, (text, candidate) in enumerate(zip(texts, shown, strict=True)):
            glyph, role = (self._glyphs.cursor, Role.ACCENT) if i == chosen else (" ", Role.PLAIN)
            line = Line([(f"{glyph} ", Role.ACCENT), (fit(text, column, "left", self._glyphs.ellipsis), role)])
            lines.append(line.add(f"  {candidate.note}", Role.DIM).cropped(width, self._glyphs.ellipsis))
        if more:
            lines.append(Line([(f"  {more:,} more", Role.DIM)]))
        return lines

    def _accept(self, candidate: Candidate) -> None:
        self.input.put(*self._completion.applied(self.input.text, candidate))

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_submit(self) -> None:
        candidates = self._completion.candidates
        if self._chosen >= 0:
            self._accept(candidates[self._chosen])
            return
        text = self.input.text.strip()
        self._remember(text)
        self._close_list()
        self._is_submitted = True
        self.post_message(self.Submitted(text))

    def action_complete(self) -> None:
        candidates = self._completion.candidates
        if candidates:
            self._accept(candidates[max(self._chosen, 0)])
        elif self.is_edited:
            self._suggest()

    def action_choose(self, step: int) -> None:
        count = len(self._completion.candidates)
        if count and self._at_history is None and (step > 0 or self._chosen >= 0):
            self._chosen = min(self._chosen + step, count - 1)
            self._show_list()
        elif self._history:
            self._go_history(step)

    def _go_history(self, step: int) -> None:
        if self._at_history is None:
            self._draft = self.input.text
        at = (len(self._history) if self._at_history is None else self._at_history) + step
        if 0 <= at < len(self._history) and self._history[at] == self.input.text:
            # skip an entry that equals the current text
            at += step
        if at >= len(self._history):
            self._put(self._draft)
            self._at_history = None
        elif at >= 0:
            self._put(self._history[at])
            self._at_history = at
        self._close_list()

    def action_leave(self) -> None:
        self.leave()
        self.post_message(self.Cancelled())
