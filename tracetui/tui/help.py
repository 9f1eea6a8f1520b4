"""Help screen (`?`): keys of the current view."""

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
from tracetui.render.text.glyphs import in_glyphs
from tracetui.render.text.line import Line, Role
from tracetui.tui.keys.dialogs import HELP
from tracetui.tui.keys.everywhere import APP, LISTS, PANES
from tracetui.tui.keys.key_table import KeyTable
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import Look
from tracetui.tui.widgets.dialog import Dialog
from tracetui.tui.widgets.line_view import LineView

Keys = Sequence[tuple[str, str]]

_LONGEST_KEY = 15
"""Largest width of the column of keys; longer ones wrap."""
_WIDEST = 96
_AROUND = 4
"""Cells of the view behind it that stay visible, left and right together."""
_FRAME = 2 + 2 + 2 + 1
"""Cells around the text: border, padding, the list's edge and its scroll bar."""


def help_groups(tables: Sequence[KeyTable], configured: Keys) -> list[tuple[str, Keys]]:
    """Return the legend and the keys of a view with these tables; `configured` are the keys of the config file."""
    tables = [*tables, LISTS]
    groups: list[tuple[str, Keys]] = [("Set in the config file", configured)] if configured else []
    groups.append(("Legend", [glyph for table in tables for glyph in table.glyphs]))
    groups.append((tables[0].title, tables[0].help))
    groups.append(("Words", [word for table in tables for word in table.words]))
    groups += [(table.title, table.help) for table in tables[1:]]
    return [*groups, (APP.title, [*APP.help, *PANES.help])]


class KeyLines:
    """Groups of keys, each under a heading, wrapped at `width` cells."""

    def __init__(self, groups: Sequence[tuple[str, Keys]], width: int) -> None:
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
        height: auto; max-height: 90%;
        border: round $foreground; padding: 0 1; background: $surface;
    }
    HelpScreen LineView { height: auto; max-height: 100%; background: $surface; }
    HelpScreen:ansi > Vertical { border: round ansi_default; background: ansi_default; }
    HelpScreen:ansi LineView { background: ansi_default; }
    """

    def __init__(self, look: Look, groups: Sequence[tuple[str, Keys]], names: KeyNames) -> None:
        """`groups` name keys by their actions, which `names` translates."""
        super().__init__()
        self._look = look
        rows = [(title, names.rows(keys)) for title, keys in groups]
        self._groups = [
            (title, [(in_glyphs(key, look.glyphs), in_glyphs(what, look.glyphs)) for key, what in keys])
            for title, keys in rows
        ]

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            names = KeyNames(self)
            box.border_title = names.short("{help.close} closes") + "  " + names.short("{list.down list.up} scroll")
            yield _Page(self._look.theme, self._look.glyphs.cursor)

    def composed(self) -> None:
        self._arrange(self.app.size.width)
        page = self.query_one(_Page)
        page.focus()
        self.watch(page, "scroll_y", self._show_more, init=False)

    def on_resize(self, event: events.Resize) -> None:
        if not self.is_closed:
            self._arrange(event.size.width)

    def _arrange(self, width: int) -> None:
        box, page = self.query_one(Vertical), self.query_one(_Page)
        cells = max(min(_WIDEST, width - _AROUND), _FRAME + 1)
        lines = KeyLines(self._groups, cells - _FRAME)
        box.styles.width = cells
        page.styles.height = len(lines)
        page.show(lines)
        self.call_after_refresh(self._show_more)

    def _show_more(self) -> None:
        """Show the number of lines out of view on the border."""
        page, glyphs = self.query_one(_Page), self._look.glyphs
        below = round(page.max_scroll_y - page.scroll_offset.y)
        more = f"{glyphs.opened} {numbers.counted(below, 'more line')} below" if below > 0 else ""
        self.query_one(Vertical).border_subtitle = more
