"""Keys that work in every view."""

from __future__ import annotations

from textual.binding import Binding

from tracetui.tui.views.registry import VIEWS

APP_KEYS = (
    (f"{{{' '.join(f'view.{view}' for view, _ in VIEWS)}}}", "switch views"),
    ("{app.back}", "back; stop loading"),
    ("{app.palette}", "palette: actions, services, operations, traces"),
    ("{app.keys}", "keys of this view"),
    ("{app.reload}", "reload files; repeat the servers' search up to now"),
    ("{app.follow}", "follow servers: show new traces as they arrive; new errors, calls and p95 jumps are announced"),
    (
        "{app.more}",
        "load more or older traces from servers; {traces.window} in the traces view sets how far back",
    ),
    ("{app.warnings}", "load warnings and reports of servers"),
    ("{app.theme}", "next theme"),
    ("{app.redraw}", "redraw the screen"),
    ("{app.quit app.quit-at-once}", "quit (tracetui --resume returns to the same span)"),
)

APP_BINDINGS = (
    *(
        Binding(str(number), f"view('{view}')", title, show=False, id=f"view.{view}")
        for number, (view, title) in enumerate(VIEWS, 1)
    ),
    Binding("escape", "go_back", "Back", show=False, id="app.back"),
    Binding("question_mark", "keys", "Keys", show=False, id="app.keys"),
    Binding("colon,ctrl+p", "palette", "Palette", show=False, id="app.palette", priority=False),
    Binding("r", "reload", "Reload", show=False, id="app.reload"),
    Binding("F", "follow", "Follow servers", show=False, id="app.follow"),
    Binding("M", "more", "Load more from servers", show=False, id="app.more"),
    Binding("W", "warnings", "Load warnings", show=False, id="app.warnings"),
    Binding("T", "next_theme", "Next theme", show=False, id="app.theme"),
    Binding("ctrl+l", "redraw", "Redraw the screen", show=False, id="app.redraw", priority=True),
    Binding("q", "quit", "Quit", show=False, id="app.quit"),
    # also works in dialogs
    Binding("ctrl+c", "quit", "Quit at once", show=False, id="app.quit-at-once", priority=True),
)
