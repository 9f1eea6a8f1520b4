"""Keys of dialogs."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use

HELP = KeyTable(
    "Help",
    Shortcut("help.find", "slash", "find", "Search", "search the legend and the keys"),
    Shortcut("help.close", "escape,q,question_mark", "dismiss(None)", "Close"),
    in_palette=False,
)

CHOICE = KeyTable(
    "Choice",
    Shortcut("choice.take", "enter", "take", "Choose"),
    Shortcut("choice.down", "down,tab", "move(1)", "Down", "down, up"),
    Shortcut("choice.up", "up,shift+tab", "move(-1)", "Up", ABOVE),
    Shortcut("choice.page-down", "pagedown", "page(1)", "Page down", "page down, up"),
    Shortcut("choice.page-up", "pageup", "page(-1)", "Page up", ABOVE),
    Shortcut("choice.leave", "escape", "dismiss(None)", "Leave"),
    in_palette=False,
)

CHOICES = KeyTable(
    "Multiple choice",
    Shortcut("choices.mark", "tab", "mark", "Mark"),
    Shortcut("choices.take", "enter", "take", "Choose", "choose the marked ones, or the current one"),
    Shortcut("choices.down", "down", "move(1)", "Down", "down, up"),
    Shortcut("choices.up", "up", "move(-1)", "Up", ABOVE),
    Shortcut("choices.page-down", "pagedown", "page(1)", "Page down", "page down, up"),
    Shortcut("choices.page-up", "pageup", "page(-1)", "Page up", ABOVE),
    Shortcut("choices.leave", "escape", "dismiss(None)", "Leave"),
    in_palette=False,
)

RESULT = KeyTable(
    "Result screens",
    Shortcut("answer.leave", "escape,q", "dismiss(None)", "Leave", "back to the view", "back"),
    Shortcut("answer.why", "Y", "why", "Why", "root causes of the change, in a comparison of two sets", "why"),
    Shortcut("answer.keys", "question_mark", "keys", "Help: keys", "keys of this screen", "keys"),
    Use("app.quit-at-once", "quit"),
    in_palette=False,
)

NORMAL_TRACE = KeyTable(
    "Comparison with a normal trace",
    Shortcut(
        "normal.next-value",
        "greater_than_sign",
        "step(1)",
        "Another normal trace",
        "compare with the trace next nearest to the median, and back",
        "another normal",
    ),
    Shortcut("normal.previous-value", "less_than_sign", "step(-1)", "Previous normal trace", ABOVE),
    in_palette=False,
)

COPY = KeyTable(
    "Copy menu",
    Shortcut("copy.v", "v", "take('v')", "Value", priority=True),
    Shortcut("copy.k", "k", "take('k')", "key=value", priority=True),
    Shortcut("copy.a", "a", "take('a')", "Attributes as JSON", priority=True),
    Shortcut("copy.s", "s", "take('s')", "Span as JSON", priority=True),
    Shortcut("copy.t", "t", "take('t')", "Trace id", priority=True),
    Shortcut("copy.i", "i", "take('i')", "Span id", priority=True),
    Shortcut("copy.c", "c", "take('c')", "Curl command", priority=True),
    Shortcut("copy.w", "w", "take('w')", "Waterfall as text", priority=True),
    Shortcut("copy.m", "m", "take('m')", "Waterfall as Markdown", priority=True),
    Shortcut("copy.j", "j", "take('j')", "Trace as JSON", priority=True),
    Shortcut("copy.l", "l", "take('l')", "Waterfall for Slack", priority=True),
    Shortcut("copy.u", "u", "take('u')", "Address of the trace's web page", priority=True),
    Shortcut("copy.o", "o", "take('o')", "Open the trace's web page", priority=True),
    Shortcut("copy.f", "f", "take('f')", "Filter", priority=True),
    Shortcut("copy.n", "n", "take('n')", "Name of the service", priority=True),
    Shortcut("copy.p", "p", "take('p')", "Picture of the graph (SVG)", priority=True),
    Shortcut("copy.g", "g", "take('g')", "Graph as text", priority=True),
    Shortcut("copy.close", "escape,q,y", "dismiss(None)", "Close"),
    in_palette=False,
)

PAGER = KeyTable(
    "Pager",
    Shortcut("pager.find", "slash", "find", "Find", hint="find"),
    Shortcut("pager.next", "n", "next(1)", "Next match", "next, previous match", "next, previous"),
    Shortcut("pager.previous", "N", "next(-1)", "Previous match", ABOVE),
    Shortcut("pager.wrap", "v", "wrap", "Wrap", "wrap long lines, or not", "wrap", former="w"),
    Shortcut("pager.right", "l,right", "shift(1)", "Right", "right, left, in lines that are not wrapped"),
    Shortcut("pager.left", "h,left", "shift(-1)", "Left", ABOVE),
    Shortcut("pager.copy", "y", "copy", "Copy", hint="copy"),
    Shortcut("pager.close", "q,escape", "close", "Close", hint="close"),
    in_palette=False,
)

PAGES = KeyTable(
    "Pages of the pager",
    Shortcut("pager.page-down", "space", "page(1)", "Page down", "page down, up"),
    Shortcut("pager.page-up", "b", "page(-1)", "Page up", ABOVE),
    in_palette=False,
)
