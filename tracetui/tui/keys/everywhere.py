"""Keys that work in every view, in every list and in every input."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut
from tracetui.tui.keys.view_key_tables import VIEW_KEYS

APP = KeyTable(
    "Everywhere",
    *(
        Shortcut(
            f"view.{view}",
            str(number),
            f"view('{view}')",
            f"View {table.title}",
            "switch views" if number == 1 else ABOVE,
        )
        for number, (view, table) in enumerate(VIEW_KEYS.items(), 1)
    ),
    Shortcut("app.back", "escape", "go_back", "Back", "back; stop loading"),
    Shortcut("app.palette", "colon,ctrl+p", "palette", "Palette", "palette: actions, services, operations, traces"),
    Shortcut("app.keys", "question_mark", "keys", "Help: keys of this view", "legend and keys of this view", "keys"),
    Shortcut(
        "app.figures",
        "semicolon",
        "figures",
        "What the figures mean",
        "explain the figures of the row: definition, inputs, number of samples",
        words="explain define column meaning heading",
    ),
    Shortcut("app.reload", "r", "reload", "Reload the sources", "reload files; repeat the servers' search up to now"),
    Shortcut(
        "app.follow",
        "F",
        "follow",
        "Follow servers on or off",
        "follow servers: show new traces as they arrive; new errors, calls and p95 jumps are announced",
    ),
    Shortcut(
        "app.more",
        "M",
        "more",
        "Load more from servers",
        "load more or older traces from servers; {traces.window} in the traces view sets how far back",
        "further back",
    ),
    Shortcut(
        "app.warnings",
        "W",
        "warnings",
        "Warnings by kind",
        "warnings by kind (orphans, clock skew...), to filter by one; load warnings; reports of servers",
        words="orphan skew load problems",
    ),
    Shortcut(
        "app.adjust-skew",
        "at",
        "adjust_skew",
        "Correct clock skew",
        "correct clock skew, and undo the correction",
        words="clock adjust",
    ),
    Shortcut(
        "app.open",
        "ctrl+o",
        "open",
        "Open other sources in a tab",
        "open other sources in a tab (in the palette: open SOURCE); next tab",
        words="file server set load",
    ),
    Shortcut("app.next-tab", "ctrl+n", "next_tab", "Next tab", ABOVE, words="sources set"),
    Shortcut("app.close-tab", "", "close_tab", "Close this tab", "close this tab", words="sources set"),
    Shortcut(
        "app.zone",
        "t",
        "next_zone",
        "Times in UTC or local",
        "show times in UTC or local time",
        words="time zone clock",
    ),
    Shortcut("app.theme", "T", "next_theme", "Next theme"),
    Shortcut("app.redraw", "ctrl+l", "redraw", "Redraw the screen", priority=True),
    Shortcut("app.quit", "q", "quit", "Quit", "quit (tracetui --resume returns to the same span)"),
    # also works in dialogs
    Shortcut("app.quit-at-once", "ctrl+c", "quit", "Quit at once", ABOVE, priority=True),
)

PANES = KeyTable(
    "Panes",
    Shortcut("app.next-pane", "tab", "app.focus_next", "Next pane", hint="next pane"),
    Shortcut("app.previous-pane", "shift+tab", "app.focus_previous", "Previous pane"),
)

LISTS = KeyTable(
    "Lists",
    Shortcut("list.down", "j,down", "move(1)", "Down", "down, up", "down, up"),
    Shortcut("list.up", "k,up", "move(-1)", "Up", ABOVE),
    Shortcut("list.page-down", "ctrl+d,pagedown", "page(1)", "Page down", "page down, up"),
    Shortcut("list.page-up", "ctrl+u,pageup", "page(-1)", "Page up", ABOVE),
    Shortcut("list.first", "g,home", "jump(0)", "First", "first, last row"),
    Shortcut("list.last", "G,end", "jump(-1)", "Last", ABOVE),
    Shortcut("list.open", "enter", "choose", "Open", hint="open"),
    in_palette=False,
)

FINDINGS = KeyTable("Lists with a detail", Shortcut("findings.copy", "y", "copy", "Copy the name", hint="copy"))

EDIT = KeyTable(
    "Inputs",
    Shortcut("edit.left", "left", "go(-1)", "Left"),
    Shortcut("edit.right", "right", "go(1)", "Right"),
    Shortcut("edit.word-left", "ctrl+left", "go_word(-1)", "A word left"),
    Shortcut("edit.word-right", "ctrl+right", "go_word(1)", "A word right"),
    Shortcut("edit.start", "home", "jump(False)", "Start"),
    Shortcut("edit.end", "end,ctrl+e", "jump(True)", "End"),
    Shortcut("edit.delete-before", "backspace", "delete(-1)", "Delete before"),
    Shortcut("edit.delete", "delete", "delete(1)", "Delete"),
    Shortcut("edit.delete-word", "ctrl+w", "delete_word", "Delete a word"),
    Shortcut("edit.clear", "ctrl+u", "clear", "Clear", hint="clear"),
    in_palette=False,
)

ASK = KeyTable(
    "Search and filter lines",
    Shortcut("ask.submit", "enter,down", "submit", "Search", hint="keep the filter"),
    Shortcut("ask.leave", "escape", "leave", "Leave", hint="all attributes"),
    in_palette=False,
)
