"""Dialog with a list to choose from, which typing filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from tracetui.render.text.cells import cell_width, fit
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.keys.dialogs import CHOICE
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_bar import LineBar
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView

_LONGEST_LABEL = 200
_LONGEST_TYPED = 60
_MAX_ROWS = 16


class Option(NamedTuple):
    """An option to choose; `label`, `note` and `more` may be from outside."""

    value: str
    label: str
    note: str = ""
    role: str = Role.PLAIN
    more: str = ""
    """Shown below the list while the cursor is on the option."""


class OptionSource(Protocol):
    """Options to choose from."""

    def matching(self, words: Sequence[str], text: str) -> Sequence[Option]:
        """Return the options for the lower-case words of a text, best first; all or the most useful without words."""
        ...

    def count(self) -> str:
        """Return the number of options found last as text, '' for none."""
        ...


class _AllOptions:
    """Options that contain all words: first those whose label is the text, then those that begin with it."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._all = list(options)
        self._lowered = [f"{option.label}\0{option.note}".lower() for option in self._all]
        self._found = len(self._all)

    def matching(self, words: Sequence[str], text: str) -> Sequence[Option]:
        pairs = zip(self._all, self._lowered, strict=True)
        found = [(option, lowered) for option, lowered in pairs if all(word in lowered for word in words)]
        self._found = len(found)
        if words:
            text = " ".join(words)
            # stable, so that the order of the options decides among equals
            found.sort(key=lambda pair: 0 if pair[1].startswith(f"{text}\0") else 1 if pair[1].startswith(text) else 2)
        return [option for option, _ in found]

    def count(self) -> str:
        return f"{self._found:,} of {len(self._all):,}" if self._found < len(self._all) else ""


class _Options:
    """The matching options, as lines."""

    def __init__(self, options: Sequence[Option], ellipsis: str, none: str) -> None:
        """`none` is shown where no option matches."""
        self.options = options
        self._none = none
        self._ellipsis = ellipsis
        notes = (cell_width(option.note[:_LONGEST_LABEL]) for option in options[:1_000])
        self._notes = min(max(notes, default=0), 40)

    def __len__(self) -> int:
        return max(len(self.options), 1)

    def line(self, row: int, width: int) -> Line:
        if not self.options:
            return Line([(self._none, Role.DIM)]).cropped(width, self._ellipsis)
        option = self.options[row]
        room = max(width - self._notes - 2, width // 2)
        line = Line([(fit(safe(option.label, _LONGEST_LABEL), room, "left", self._ellipsis), option.role)])
        notes = min(self._notes, max(width - room - 2, 0))
        line.add("  ").add(fit(safe(option.note, _LONGEST_LABEL), notes, "right", self._ellipsis), Role.DIM)
        return line.cropped(width, self._ellipsis)


BOX_CSS = """
    NAME { align: center middle; }
    NAME > Vertical {
        width: 80; max-width: 96%; height: auto; max-height: 90%;
        border: round $foreground; padding: 0 1; background: $surface;
    }
    NAME LineBar, NAME LineInput, NAME LineView { background: $surface; }
    NAME:ansi > Vertical { border: round ansi_default; background: ansi_default; }
    NAME:ansi LineBar, NAME:ansi LineInput, NAME:ansi LineView { background: ansi_default; }
    """
"""Style of a dialog with a list; NAME stands for its class."""


class Choice(Dialog[str | None]):
    """Asks for one option; the result is its value, or None. With `free`, any text is accepted.

    If the options are still being computed, it can be typed in already, and `fill` shows them.
    """

    BINDINGS: ClassVar[list[BindingType]] = CHOICE.bindings
    DEFAULT_CSS = BOX_CSS.replace("NAME", "Choice")

    def __init__(
        self,
        look: Look,
        title: str,
        options: Sequence[Option] | OptionSource,
        *,
        free: str = "",
        typed: Callable[[str], Sequence[Option]] = lambda _: (),
        is_filling: bool = False,
        cells: int = 0,
    ) -> None:
        """`title` must be safe to show; `free` describes the text that is accepted, '' for none; `typed` returns what a
        text denotes by itself, which precedes the options that contain it; `is_filling`: more options come; `cells`:
        width of the dialog if the terminal has it, 0 for the default width.
        """
        super().__init__()
        self._look = look
        self._title = title
        self._free = free
        self._typed = typed
        self._source = _AllOptions(options) if isinstance(options, Sequence) else options
        self._matches = self._source.matching((), "")
        self._is_empty = not self._matches
        self._is_filling = is_filling
        self._cells = cells
        self._takes_when_filled = False
        """True if an option is taken as soon as all are there."""

    @property
    def holds_keys(self) -> bool:
        """True if an option has been taken that is not there yet, so that further keys must wait for the result."""
        return self._takes_when_filled

    def fill(self, options: Sequence[Option], title: str = "") -> None:
        """Show all options, now that they are computed; `title` replaces the title, '' keeps it."""
        self._source, self._is_filling, self._is_empty = _AllOptions(options), False, not options
        self._title = title or self._title
        if not self.is_mounted or self.is_closed:
            self._matches = self._source.matching((), "")
            return
        view, before = self.query_one(LineView), self._matches
        value = before[view.cursor].value if before else None
        self._match(self.query_one(LineInput).text)
        at = next((i for i, option in enumerate(self._matches) if option.value == value), 0)
        view.styles.height = self._height
        view.show(self._lines(), at if at and view.cursor else 0)
        if self._takes_when_filled:
            self._takes_when_filled = False
            self.action_take()

    @property
    def _height(self) -> int:
        return min(max(len(self._matches), 1), _MAX_ROWS)

    def compose(self) -> ComposeResult:
        theme = self._look.theme
        view = LineView(theme, self._look.glyphs.cursor, id="choice-list")
        # the input keeps the focus, so that typing always works
        view.can_focus = False
        view.looks_focused = True
        view.styles.height = self._height
        with Vertical() as box:
            if self._cells:
                box.styles.width = self._cells
            yield LineBar(theme, self._heading, id="choice-title")
            yield LineInput(theme, prompt="> ", hint=self._free or "type to filter", id="choice-input")
            yield view
            yield LineBar(theme, self._more, id="choice-more")

    def composed(self) -> None:
        self.query_one(LineInput).focus()
        self.query_one("#choice-more").display = False
        self.query_one(LineView).show(self._lines())

    def _lines(self) -> _Options:
        none = "no match"
        if self._is_filling:
            none = f"searching{self._look.glyphs.ellipsis}"
        elif self._free:
            text = safe(self.query_one(LineInput).text.strip(), _LONGEST_TYPED)
            typed = self._look.glyphs.quoted(text) if text else "the text"
            none = KeyNames(self).short("{choice.take} uses ") + typed
        return _Options(self._matches, self._look.glyphs.ellipsis, none)

    def _heading(self, width: int) -> list[Line]:
        count = f"searching{self._look.glyphs.ellipsis}" if self._is_filling else self._source.count()
        title = Line([(self._title, Role.TITLE)]).cropped(max(width - len(count) - 1, 1), self._look.glyphs.ellipsis)
        return [title.pad(width - len(count)).add(count, Role.DIM)]

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        self._match(event.text)
        self.query_one(LineView).show(self._lines(), 0)

    def _match(self, text: str) -> None:
        """Find the options for a text: first what it denotes; the text itself is the last one if it is accepted."""
        self._matches = self._source.matching(text.lower().split(), text)
        text = text.strip()
        denoted = self._typed(text) if text else ()
        if denoted:
            self._matches = [*denoted, *self._matches]
        elif self._free and text and self._matches:
            quoted = self._look.glyphs.quoted(safe(text, _LONGEST_TYPED))
            self._matches = [*self._matches, Option(text, f"use {quoted}", role=Role.DIM)]
        self.query_one("#choice-title", LineBar).show(self._heading)

    def _more(self, width: int) -> list[Line]:
        row = self.query_one(LineView).cursor
        text = safe(self._matches[row].more, _LONGEST_LABEL) if row < len(self._matches) else ""
        return [Line([(text, Role.DIM)]).cropped(width, self._look.glyphs.ellipsis)]

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        event.stop()
        bar = self.query_one("#choice-more", LineBar)
        bar.display = any(option.more for option in self._matches)
        bar.show(self._more)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self.action_take()

    def action_take(self) -> None:
        text = self.query_one(LineInput).text.strip()
        if self._is_filling and (text or not self._matches):
            self._takes_when_filled = True
        elif self._matches:
            self.dismiss(self._matches[self.query_one(LineView).cursor].value)
        elif self._free and text:
            self.dismiss(text)

    def action_move(self, rows: int) -> None:
        self.query_one(LineView).action_move(rows)

    def action_page(self, pages: int) -> None:
        self.query_one(LineView).action_page(pages)
