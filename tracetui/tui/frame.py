"""Frame around every view: status, tabs and banner above, breadcrumbs and key hints below."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from textwrap import wrap

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tracetui.render.frame import CrumbLine, crumb_line, source_name, status_line, tabs_line
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import OpenView
from tracetui.tui.state import State
from tracetui.tui.views.registry import VIEWS
from tracetui.tui.widgets.line_bar import LineBar

_BANNER_LINES = 8
_MIN_BANNER = 4
_BANNER_SHARE = 6
"""A banner over loaded traces takes at most one in this many lines of the screen."""
_BANNER_EDGE = 4
_LONGEST_TEXT = 600
_NOTICE_LINES = 3
_HINT_EDGE = 3
"""Cells around a key hint and between its key and its effect."""


@dataclass(frozen=True, slots=True)
class Location:
    """Location within the app, with key hints."""

    view: str
    crumbs: Sequence[str] = ()
    hints: Sequence[tuple[str, str]] = ()
    """Pairs of a key and its effect."""
    keys: Sequence[str] = ()
    """Key of each hint, as Textual names it."""


def tab_at(tabs: Line, cell: int) -> str:
    """Return the view whose tab covers a cell of the tab line; '' for none."""
    start = 0
    for text, _ in tabs.runs:
        if start <= cell < start + len(text):
            return next((view for view, title in VIEWS if title in text), "")
        start += len(text)
    return ""


class FrameTop(Vertical):
    """Status line, tabs and banner above the view."""

    DEFAULT_CSS = """
    FrameTop { height: auto; }
    FrameTop #banner { display: none; height: auto; max-height: 8; background: $error 20%; }
    FrameTop #banner:ansi { background: ansi_default; }
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        theme = state.look.theme
        self._state = state
        self._status = LineBar(theme, id="status")
        self._tabs = LineBar(theme, id="tabs")
        self._banner = LineBar(theme, id="banner")
        self._texts: list[str] = []
        self._shows_failure = False

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._tabs
        yield self._banner

    def show(self, view: str, loading: str, tab: str) -> None:
        """Show the status and the tabs; `loading` is the progress of the load, `tab` the number of the open sources,
        '' for none.
        """
        state, look = self._state, self._state.look
        summary = state.analysis.summary if state.analysis else None
        loaded = state.session.loaded.trace_count if state.session else 0
        query = state.query
        self._status.show(
            lambda width: [
                status_line(
                    width,
                    look.glyphs,
                    source=f"{tab} {source_name(state.sources)}".lstrip(),
                    summary=summary,
                    total=loaded,
                    query=query,
                    loading=loading,
                    local_time=look.local_time,
                    unsafe=state.unsafe,
                    colour=state.colour,
                    # the traces view shows the filter in its query bar
                    names_filter=view != VIEWS[0][0],
                )
            ]
        )
        self._tabs.show(lambda width: [tabs_line(width, VIEWS, view, look.glyphs)])

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._tabs:
            view = tab_at(tabs_line(self._tabs.size.width, VIEWS, "", self._state.look.glyphs), event.x)
            if view:
                self.post_message(OpenView(view))

    @property
    def has_banner(self) -> bool:
        return self._banner.display

    def show_banner(self, texts: Sequence[str], *, is_failure: bool = False) -> None:
        """Show an error banner, or none. Texts may be untrusted.

        is_failure: the banner reports a failed load and disappears with the next successful one.
        """
        self._texts = [safe(text, _LONGEST_TEXT) for text in texts]
        self._shows_failure = is_failure
        self.arrange_banner()

    def end_failure(self) -> None:
        """Remove the banner of a failed load."""
        if self._shows_failure:
            self.show_banner(())

    def drop_from_banner(self, texts: Collection[str]) -> None:
        """Remove lines from the banner, if it shows them."""
        dropped = {safe(text, _LONGEST_TEXT) for text in texts}
        if not dropped.isdisjoint(self._texts):
            self._texts = [text for text in self._texts if text not in dropped]
            self.arrange_banner()

    def arrange_banner(self) -> None:
        """Size the banner for its text and the screen."""
        banner = self._banner
        banner.display = bool(self._texts)
        banner.styles.height = len(self._banner_lines(self.app.size.width))
        banner.show(self._banner_lines)

    def _banner_lines(self, width: int) -> list[Line]:
        """Wrap the texts. The last one, with the next step, is never cut."""
        glyphs = self._state.look.glyphs
        glyph, most = glyphs.warning, _BANNER_LINES
        if self._state.session is not None:
            most = min(max(self.app.size.height // _BANNER_SHARE, _MIN_BANNER), most)
        *texts, last = [wrap(text, max(width - _BANNER_EDGE, 1)) for text in self._texts] or [[]]
        rows, room = [row for text in texts for row in text], max(most - len(last), 1)
        if len(rows) > room:
            rows = [*rows[: room - 1], f"{rows[room - 1]} {glyphs.ellipsis}"]
        rows += last
        return [
            Line([(f" {glyph} " if not i else "   ", Role.WARNING), (row, Role.PLAIN)]).cropped(width, glyphs.ellipsis)
            for i, row in enumerate(rows)
        ]


class FrameBottom(LineBar):
    """Line below the view: the location or the last notice, and key hints."""

    NOTICE_SECONDS = 6

    @dataclass
    class CrumbChosen(Message):
        """A breadcrumb was clicked, to go back to it."""

        number: int

    def __init__(self, state: State) -> None:
        super().__init__(state.look.theme, id="crumbs")
        self._state = state
        self._location = Location(VIEWS[0][0])
        self._notice: tuple[str, bool] | None = None

    def show_location(self, location: Location) -> None:
        self._location = location
        self._show()

    def show_notice(self, text: str, *, is_error: bool = False) -> None:
        """Show a notice for a while; `is_error` for errors."""
        self._notice = notice = (text, is_error)
        self._show()

        def forget() -> None:
            if self._notice is notice:
                self.forget()

        self.set_timer(self.NOTICE_SECONDS, forget)

    @property
    def has_notice(self) -> bool:
        return self._notice is not None

    def forget(self, *, keep_error: bool = False) -> None:
        """Remove the last notice and show the location again; with `keep_error`, keep an error."""
        if self._notice is not None and not (keep_error and self._notice[1]):
            self._notice = None
            self._show()

    def arrange_notice(self) -> None:
        """Size the line for a notice that needs several, and the width of the screen."""
        self.styles.height = max(len(self._notice_rows(self.app.size.width)), 1)

    def _notice_rows(self, width: int) -> list[str]:
        """Wrap the notice beside the last hint, which opens the list of all keys."""
        if self._notice is None:
            return []
        hint = sum(map(len, self._location.hints[-1])) + _HINT_EDGE if self._location.hints else 0
        rows = wrap(safe(self._notice[0], _LONGEST_TEXT), max(width - hint, 1))
        if len(rows) > _NOTICE_LINES:
            rows = [*rows[: _NOTICE_LINES - 1], f"{rows[_NOTICE_LINES - 1]}{self._state.look.glyphs.ellipsis}"]
        return rows

    def on_click(self, event: events.Click) -> None:
        above, last = self._parts_for(self.size.width)
        if event.y != len(above):
            return
        hint, crumb = last.hint_at(event.x), last.crumb_at(event.x)
        if hint is not None:
            self.app.simulate_key(self._location.keys[hint])
        elif crumb is not None:
            self.post_message(self.CrumbChosen(crumb))

    @property
    def _crumbs(self) -> Sequence[str]:
        return dict(VIEWS)[self._location.view], *self._location.crumbs

    def _show(self) -> None:
        self.arrange_notice()
        self.show(self._lines_for)

    def _lines_for(self, width: int) -> list[Line]:
        above, last = self._parts_for(width)
        return [*above, last.line]

    def _parts_for(self, width: int) -> tuple[list[Line], CrumbLine]:
        """Return the first lines of a long notice, and the last line."""
        location, notice, glyphs = self._location, self._notice, self._state.look.glyphs
        rows = self._notice_rows(width)
        if notice is None or len(rows) < 2:
            return [], crumb_line(width, self._crumbs, location.hints, glyphs, notice)
        role = Role.ERROR if notice[1] else Role.STRONG
        last = crumb_line(width, (), location.hints, glyphs, (rows[-1], notice[1]))
        return [Line([(row, role)]) for row in rows[:-1]], last
