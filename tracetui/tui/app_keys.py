"""The keys that hold in every view."""

from __future__ import annotations

from textual.binding import Binding

from tracetui.tui.views import VIEWS

APP_KEYS = (
    (f"{{{' '.join(f'view.{view}' for view, _ in VIEWS)}}}", "the views"),
    ("{app.back}", "back; stops a load"),
    ("{app.palette}", "palette: actions, services, operations, traces"),
    ("{app.keys}", "the keys of this view"),
    ("{app.reload}", "read the sources again; ask servers for the same again, up to now"),
    ("{app.follow}", "follow servers: new traces come by themselves, and what is new of errors and calls is said"),
    (
        "{app.more}",
        "more from servers: more traces, or older ones where that was all; {traces.window} in the list of traces: "
        "how far back",
    ),
    ("{app.warnings}", "everything the load warned of, and what servers were asked for"),
    ("{app.theme}", "next theme"),
    ("{app.redraw}", "draw the screen anew, where something else has written on it"),
    ("{app.quit app.quit-at-once}", "quit; --resume comes back to the same span"),
)

APP_BINDINGS = (
    *(
        Binding(str(number), f"view('{view}')", title, show=False, id=f"view.{view}")
        for number, (view, title) in enumerate(VIEWS, 1)
    ),
    Binding("escape", "go_back", "Back", show=False, id="app.back"),
    Binding("question_mark", "keys", "Keys", show=False, id="app.keys"),
    Binding("colon,ctrl+p", "palette", "Palette", show=False, id="app.palette", priority=False),
    Binding("r", "reload", "Read again", show=False, id="app.reload"),
    Binding("F", "follow", "Follow servers", show=False, id="app.follow"),
    Binding("M", "more", "More from servers", show=False, id="app.more"),
    Binding("W", "warnings", "Warnings of the load", show=False, id="app.warnings"),
    Binding("T", "next_theme", "Next theme", show=False, id="app.theme"),
    Binding("ctrl+l", "redraw", "Draw the screen anew", show=False, id="app.redraw", priority=True),
    Binding("q", "quit", "Quit", show=False, id="app.quit"),
    # out of every dialog, too
    Binding("ctrl+c", "quit", "Quit at once", show=False, id="app.quit-at-once", priority=True),
)
