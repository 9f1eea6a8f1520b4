"""Keys of the errors view."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use

ERRORS = KeyTable(
    "Errors",
    Use("list.open", "open the selected example at the span where the error began; the worst is first", "open"),
    Shortcut("errors.next", "n", "example(1)", "Next example", "next, previous example", "next example"),
    Shortcut("errors.previous", "N", "example(-1)", "Previous example", ABOVE, "previous", former="p"),
    Shortcut(
        "errors.group",
        "v",
        "group",
        "Errors by service, entry point or frequency",
        "group by service, then by entry point, most errors first; then by frequency",
        "by service",
        former="o",
    ),
    Shortcut(
        "errors.apart",
        "c",
        "contrast",
        "Contrast the traces with the error",
        "contrast its traces with the others; {list.open} filters by a difference",
        "contrast",
        words="why common",
    ),
    Use("app.next-pane", "focus the detail, then the example; {list.open} opens the trace or shows the whole line"),
    Use("findings.copy", "copy the pattern"),
    glyphs=(
        ("✖ ✗", "errors that began in a service or span; errors that propagated to it"),
        ("●", "a service, in its colour"),
        ("█ ─", "in the example: a span on the critical path; off it"),
        ("⚠", "fewer than 20 traces on one side: the contrast is only a hint"),
    ),
    words=(
        ("columns", "explained by the key {app.figures}"),
        ("entries", "entry points of its traces"),
        (
            "outcome",
            "failed the request; handled: by an ancestor or a retry; background: below a message, or after its "
            "caller had ended; unknown: its caller is missing",
        ),
        ("contrast", "over-represented in its traces"),
    ),
)
