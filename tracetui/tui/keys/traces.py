"""Keys of the traces view."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use

TRACES = KeyTable(
    "Traces",
    Use("list.open", "open the trace; without traces: load the selected window or service", "open"),
    Shortcut(
        "traces.filter",
        "slash",
        "write_query",
        "Filter",
        "edit the filter; {query.complete} completes, {query.previous query.next}: history",
        "filter",
        former="f",
    ),
    Shortcut(
        "traces.errors",
        "e",
        "filter('errors')",
        "Filter: traces with errors only",
        "traces with errors only, or all",
        "errors only",
        words="failed",
    ),
    Shortcut(
        "traces.service",
        "i",
        "filter('service')",
        "Filter by service",
        "filter by service, by operation; choose the services that a server searches",
        "service",
        words="only",
    ),
    Shortcut("traces.operation", "I", "filter('operation')", "Filter by operation", ABOVE, former="p"),
    Shortcut("traces.values", "U", "filter('values')", "Filter by user or any attribute value", words="attribute tag"),
    Shortcut(
        "traces.next-value",
        "greater_than_sign",
        "filter('next_value')",
        "Next value",
        "next, previous value",
        former="right_square_bracket",
    ),
    Shortcut(
        "traces.previous-value",
        "less_than_sign",
        "filter('former_value')",
        "Previous value",
        ABOVE,
        former="left_square_bracket",
    ),
    Shortcut(
        "traces.duration",
        "d",
        "filter('duration')",
        "Filter by response time: above p50, p95, p99",
        "response time above p50, p95, p99 in turn; above a value",
    ),
    Shortcut("traces.duration-typed", "A", "filter('typed_duration')", "Filter by a response time", ABOVE, former="D"),
    Shortcut(
        "traces.window",
        "w",
        "filter('window')",
        "Filter by time window",
        "time window; for servers also how far back to search",
        "window",
    ),
    Shortcut(
        "traces.region",
        "z",
        "select_region",
        "Select a region of the plot",
        "select a region of the plot: {region.left region.right region.up region.down} move it, "
        "{region.narrower region.wider region.lower region.higher} resize it, {region.take} filters, {region.contrast} "
        "contrasts; or drag the mouse: left button filters, right button contrasts",
        words="zoom select time",
    ),
    Shortcut(
        "traces.saved",
        "apostrophe",
        "saved_filters",
        "Saved filters",
        "save the filter under a name, apply a saved one, or remove it",
        words="name bookmark",
    ),
    Shortcut("traces.undo", "u", "undo", "Undo the last change of the filter", hint="undo"),
    Shortcut(
        "traces.slowest",
        "exclamation_mark",
        "slowest",
        "Slowest first",
        hint="slowest",
        former="S",
        words="slow latency",
    ),
    Shortcut(
        "traces.group",
        "v",
        "group",
        "Group by entry point, or errors by service",
        "group by entry point, then errors by service, then none; {list.open} unfolds or folds a group",
        "by entry point",
        words="endpoint root operation table",
    ),
    Shortcut(
        "traces.failing",
        "E",
        "failing",
        "Errors by service",
        "group traces with errors by the service where errors began, and back",
        "errors by service",
        words="failed group",
    ),
    Shortcut(
        "traces.sort",
        "o",
        "sort",
        "Sort by the next column",
        "sort by the next column; reverse; or click a heading",
        former="s",
    ),
    Shortcut("traces.reverse", "O", "reverse", "Reverse the order", ABOVE),
    Shortcut(
        "traces.columns",
        "C",
        "columns",
        "Columns of the list",
        "add a column, such as any attribute, or remove one; the choice is kept",
        words="attribute show hide",
    ),
    Shortcut(
        "traces.mark",
        "space",
        "mark",
        "Mark the trace",
        "mark or unmark the trace; marks stay when the filter changes",
    ),
    Shortcut(
        "traces.compare",
        "equals_sign",
        "dialog('compare')",
        "Compare with a normal trace, or two marked traces",
        "compare the trace with the median trace of its entry point, or two marked traces by call path",
        "compare",
        words="median baseline difference",
    ),
    Shortcut(
        "traces.compare-sets",
        "B",
        "dialog('compare_sets')",
        "Compare before and after",
        "before and after: a time, a new version or other changed attribute, an earlier window, a file or server",
        words="regression deploy release",
    ),
    Shortcut(
        "traces.contrast",
        "c",
        "dialog('contrast')",
        "Contrast",
        "contrast: what is over-represented in marked, failed or slow traces, or after a time or a change",
        "contrast",
        words="why common",
    ),
    Shortcut("traces.save", "x", "dialog('save')", "Save the traces shown", words="export file"),
    Shortcut("traces.copy", "y", "copy", "Copy", "copy the trace id, JSON, waterfall or filter"),
    glyphs=(
        ("◎ ⊗", "the trace under the cursor in the plot, without and with errors"),
        ("┈ ▲", "95th percentile of the response times; time when an attribute changes, such as a version"),
        ("●ag ✖us ✗", "services, abbreviated where names do not fit: ✖ errors began there, ✗ propagated to it"),
        (
            "⚠",
            "skew?: clock skew, {app.adjust-skew} corrects it; orphan 2: spans whose parent is missing; 3 roots; "
            "root missing: the trace duration counts as response time; {app.warnings} lists all; "
            "⚠ 3 in the first line: traces with any of these, among those shown",
        ),
    ),
    words=(
        ("response", "duration of the main root; whole trace: first start to last end"),
        (
            "the plot",
            "dots: traces; ░▒▓: many traces, the darker the more; ✖: a trace with errors, or, if over 60 have errors, "
            "a cell where half or more do; below: share of failed requests",
        ),
        ("pasted id", "opens the trace; also a traceparent, a URL or a log line with an id"),
    ),
)

QUERY = KeyTable(
    "Filter of traces",
    Shortcut("query.submit", "enter", "submit", "Filter", hint="filter"),
    Shortcut("query.complete", "tab", "complete", "Complete", hint="complete"),
    Shortcut(
        "query.previous", "up", "choose(-1)", "Previous", "previous, next suggestion or earlier filter", "history"
    ),
    Shortcut("query.next", "down", "choose(1)", "Next", ABOVE),
    Shortcut("query.leave", "escape", "leave", "Leave", hint="leave"),
    in_palette=False,
)

REGION = KeyTable(
    "Region of the plot",
    Shortcut("region.left", "left,h", "move(-1, 0)", "Earlier", "earlier, later, slower, faster", "move"),
    Shortcut("region.right", "right,l", "move(1, 0)", "Later", ABOVE),
    Shortcut("region.up", "up,k", "move(0, 1)", "Slower", ABOVE),
    Shortcut("region.down", "down,j", "move(0, -1)", "Faster", ABOVE),
    Shortcut("region.narrower", "shift+left,H", "grow(-1, 0)", "Narrower", "narrower, wider, lower, higher"),
    Shortcut("region.wider", "shift+right,L", "grow(1, 0)", "Wider", ABOVE, "wider, narrower"),
    Shortcut("region.lower", "shift+down,J", "grow(0, -1)", "Lower", ABOVE),
    Shortcut("region.higher", "shift+up,K", "grow(0, 1)", "Higher", ABOVE),
    Shortcut("region.take", "enter", "take", "Filter", hint="filter"),
    Shortcut("region.contrast", "c", "contrast", "Contrast with the others", hint="contrast"),
    Shortcut("region.leave", "escape,z", "leave", "Leave", hint="leave", former="v"),
    in_palette=False,
)
