"""Help screen (`?`): legend and keys of the current view, which a search filters."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.strip import Strip

from tracetui.render.text import numbers
from tracetui.render.text.glyphs import Glyphs, in_glyphs
from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.dialogs import HELP
from tracetui.tui.keys.everywhere import APP, LISTS, PANES
from tracetui.tui.keys.key_table import KeyTable
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_input import LineInput
from tracetui.tui.widgets.line_view import LineView
from tracetui.tui.widgets.prompt_line import PromptLine

Keys = Sequence[tuple[str, str]]

_LONGEST_KEY = 15
"""Largest width of the column of keys; longer ones wrap."""
_WIDEST = 96
_AROUND = 4
"""Cells of the view behind it that stay visible, left and right together."""
_FRAME = 2 + 2 + 2 + 1
"""Cells around the text: border, padding, the list's edge and its scroll bar."""
_MAX_HEIGHT, _BORDERS = 0.9, 2
"""Largest share of the screen's height that the box takes, and its rows above and below the text."""


def help_groups(tables: Sequence[KeyTable], configured: Keys) -> list[tuple[str, Keys]]:
    """Return the legend and the keys of a view with these tables; `configured` are the keys of the config file."""
    tables = [*tables, LISTS]
    groups: list[tuple[str, Keys]] = [("Legend", [glyph for table in tables for glyph in table.glyphs])]
    if configured:
        groups.append(("Set in the config file", configured))
    groups.append((tables[0].title, tables[0].help))
    groups.append(("Words", [word for table in tables for word in table.words]))
    groups += [(table.title, table.help) for table in tables[1:]]
    return [*groups, (APP.title, [*APP.help, *PANES.help])]


def with_key_names(groups: Sequence[tuple[str, Keys]], names: KeyNames, glyphs: Glyphs) -> list[tuple[str, Keys]]:
    """Replace actions in the texts by their present keys, and glyphs by those of the screen. Texts must be trusted."""
    return [
        (title, [(in_glyphs(key, glyphs), in_glyphs(what, glyphs)) for key, what in names.rows(keys)])
        for title, keys in groups
    ]


def matching(groups: Sequence[tuple[str, Keys]], text: str) -> Sequence[tuple[str, Keys]]:
    """Return the rows that a text finds: those of a key or glyph if it is one, else those that contain all its words.
    A word in a heading finds the whole group.
    """
    exact = [
        (title, [row for row in rows if text.strip() in row[0].replace(",", " ").split()]) for title, rows in groups
    ]
    if any(rows for _, rows in exact):
        return exact
    words = text.lower().split()

    def is_found(title: str, row: tuple[str, str]) -> bool:
        whole = " ".join((title, *row)).lower()
        return all(word in whole for word in words)

    return [(title, [row for row in rows if is_found(title, row)]) for title, rows in groups]


class KeyLines:
    """Groups of keys, each under a heading, wrapped at `width` cells."""

    def __init__(self, groups: Sequence[tuple[str, Keys]], width: int, none: str = "") -> None:
        """`none` is shown if the groups are empty."""
        self._rows: list[Line] = []
        keys = [key for _, group in groups for key, _ in group]
        column = max(min(max(map(len, keys), default=0), _LONGEST_KEY, width // 3), 1)
        for title, group in groups:
            if not group:
                continue
            if self._rows:
                self._rows.append(Line())
            self._rows.append(Line([(title, Role.TITLE)]))
            for key, what in group:
                self._add(wrap(key, column), wrap(what, max(width - column - 4, 1)), column)
        if not self._rows and none:
            self._rows.append(Line([(none, Role.DIM)]))

    def _add(self, keys: list[str], texts: list[str], column: int) -> None:
        for i in range(max(len(keys), len(texts))):
            key, text = keys[i] if i < len(keys) else "", texts[i] if i < len(texts) else ""
            self._rows.append(Line([(f"  {key:<{column}}  ", Role.ACCENT), (text, Role.PLAIN)]))

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].cropped(width, "")


class _Page(LineView):
    """Rows without a cursor, which keys scroll."""

    def _painted(self, row: int, selected: bool, room: tuple[int, int]) -> Strip:  # noqa: ARG002 - the list's
        return super()._painted(row, False, room)

    def _scroll(self, row: float) -> None:
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def action_move(self, rows: int) -> None:
        self._scroll(self.scroll_offset.y + rows)

    def action_page(self, pages: int) -> None:
        self._scroll(self.scroll_offset.y + pages * max(self.size.height - 2, 1))

    def action_jump(self, row: int) -> None:
        self._scroll(0 if row >= 0 else self.max_scroll_y)

    def action_choose(self) -> None:
        self.action_page(1)

    def on_click(self, event: events.Click) -> None:
        # no row can be chosen
        event.prevent_default()


class HelpScreen(Dialog[None]):
    """Legend of the glyphs, and keys."""

    BINDINGS: ClassVar[list[BindingType]] = HELP.bindings
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        height: auto;
        border: round $foreground; padding: 0 1; background: $surface;
    }
    HelpScreen LineView, HelpScreen PromptLine { background: $surface; }
    HelpScreen:ansi > Vertical { border: round ansi_default; background: ansi_default; }
    HelpScreen:ansi LineView, HelpScreen:ansi PromptLine { background: ansi_default; }
    """

    def __init__(
        self,
        look: Look,
        groups: Sequence[tuple[str, Keys]],
        hint: str = "a key, a glyph or words",
        none: str = "no match; {app.palette} searches the actions of all views",
    ) -> None:
        """`hint` names what can be searched for; `none` is shown if nothing matches, and names keys by actions."""
        super().__init__()
        self._look, self._groups = look, groups
        self._hint, self._none = hint, none

    def compose(self) -> ComposeResult:
        with Vertical():
            yield PromptLine(self._look.theme, prompt="/ ", hint=self._hint)
            yield _Page(self._look.theme, self._look.glyphs.cursor)

    def composed(self) -> None:
        page = self.query_one(_Page)
        self._names = KeyNames(self)
        texts = ("{help.close} closes", "{list.down list.up} scroll", "{help.find} searches")
        self.query_one(Vertical).border_title = "  ".join(map(self._names.short, texts))
        page.focus()
        self.watch(page, "scroll_y", self._show_more, init=False)
        self._arrange()

    def on_resize(self) -> None:
        if not self.is_closed:
            self._arrange()

    def _arrange(self) -> None:
        """Lay out the rows that the search finds; the box keeps the height that all rows have."""
        box, page, prompt = self.query_one(Vertical), self.query_one(_Page), self.query_one(PromptLine)
        size = self.app.size
        cells = max(min(_WIDEST, size.width - _AROUND), _FRAME + 1)
        lines = every = KeyLines(self._groups, cells - _FRAME)
        if prompt.text.strip():
            none = self._names.short(self._none)
            lines = KeyLines(matching(self._groups, prompt.text), cells - _FRAME, none)
        box.styles.width = cells
        room = int(size.height * _MAX_HEIGHT) - _BORDERS - prompt.display
        page.styles.height = max(min(len(every), room), 1)
        page.show(lines)
        self.call_after_refresh(self._show_more)

    def _show_more(self) -> None:
        """Show the number of lines out of view on the border."""
        page, glyphs = self.query_one(_Page), self._look.glyphs
        below = round(page.max_scroll_y - page.scroll_offset.y)
        more = f"{glyphs.opened} {numbers.counted(below, 'more line')} below" if below > 0 else ""
        self.query_one(Vertical).border_subtitle = more

    # --- the search --------------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        prompt = self.query_one(PromptLine)
        prompt.open_with(prompt.text)
        self._arrange()

    def on_line_input_changed(self, event: LineInput.Changed) -> None:
        event.stop()
        self.query_one(_Page).action_jump(0)
        self._arrange()

    def on_prompt_line_submitted(self, event: PromptLine.Submitted) -> None:
        event.stop()
        # the text stays visible, as it is the reason for missing rows
        self.query_one(PromptLine).display = bool(event.text.strip())
        self._end_search()

    def on_prompt_line_cancelled(self, event: PromptLine.Cancelled) -> None:
        event.stop()
        self.query_one(PromptLine).put("")
        self._end_search()

    def _end_search(self) -> None:
        self.query_one(_Page).focus()
        self._arrange()
