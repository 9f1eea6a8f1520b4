"""Keys of the waterfall view."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use

WATERFALL = KeyTable(
    "Waterfall",
    Shortcut(
        "waterfall.next-error", "e", "error(1)", "Next error", "next, previous span where an error began", "next error"
    ),
    Shortcut("waterfall.previous-error", "E", "error(-1)", "Previous error", ABOVE),
    Shortcut(
        "waterfall.next-critical",
        "full_stop",
        "path(1)",
        "Next on the critical path",
        "next, previous section of the critical path",
        "critical path",
        former="c",
    ),
    Shortcut("waterfall.previous-critical", "comma", "path(-1)", "Previous on the critical path", ABOVE, former="C"),
    Shortcut(
        "waterfall.longest",
        "exclamation_mark",
        "longest",
        "Longest self time",
        "longest self time; again: the next longest",
        "longest",
        former="w",
        words="slow hottest",
    ),
    Shortcut("waterfall.find", "slash", "find", "Find", "search all text of the spans", "find"),
    Shortcut("waterfall.next-match", "n", "match(1)", "Next match", "next, previous match", "next match"),
    Shortcut("waterfall.previous-match", "N", "match(-1)", "Previous match", ABOVE),
    Shortcut(
        "waterfall.to-detail",
        "tab",
        "detail_focus",
        "Focus the detail and back",
        "focus the detail, and back; {list.open} also does, {app.back} returns",
        "detail",
    ),
    Shortcut("waterfall.detail", "vertical_line", "detail", "Show or hide the detail", former="d"),
    Shortcut(
        "waterfall.fold",
        "h,left",
        "shape('fold')",
        "Fold, or to the parent",
        "fold, or go to the parent; unfold, or go to the first child",
    ),
    Shortcut("waterfall.unfold", "l,right", "shape('unfold')", "Unfold, or to the first child", ABOVE),
    Shortcut("waterfall.toggle", "space", "shape('toggle')", "Fold or unfold"),
    Shortcut("waterfall.fold-all", "H", "shape('fold_all')", "Fold all", "fold all; unfold all, again: repeats too"),
    Shortcut("waterfall.unfold-all", "L", "shape('unfold_all')", "Unfold all", ABOVE),
    Shortcut(
        "waterfall.deeper",
        "plus",
        "shape('deeper')",
        "One level more",
        "one level more, one level less",
        former="right_square_bracket",
    ),
    Shortcut(
        "waterfall.shallower", "minus", "shape('shallower')", "One level less", ABOVE, former="left_square_bracket"
    ),
    Shortcut("waterfall.next-sibling", "J", "sibling(1)", "Next sibling", "next, previous sibling; parent"),
    Shortcut("waterfall.previous-sibling", "K", "sibling(-1)", "Previous sibling", ABOVE),
    Shortcut("waterfall.parent", "P", "parent", "Parent", ABOVE),
    Shortcut("waterfall.zoom", "z", "zoom", "Zoom to the span", "zoom to the span; zoom out", "zoom"),
    Shortcut("waterfall.zoom-out", "Z,backspace", "zoom_out", "Zoom out", ABOVE, "zoom out"),
    Shortcut(
        "waterfall.closer",
        "right_curly_bracket",
        "zoom_by(2)",
        "Zoom in at the cursor",
        "zoom in, out at the cursor; earlier, later",
    ),
    Shortcut("waterfall.further", "left_curly_bracket", "zoom_by(0.5)", "Zoom out at the cursor", ABOVE),
    Shortcut("waterfall.earlier", "left_parenthesis", "pan(-0.25)", "Earlier", ABOVE, former="less_than_sign"),
    Shortcut("waterfall.later", "right_parenthesis", "pan(0.25)", "Later", ABOVE, former="greater_than_sign"),
    Shortcut(
        "waterfall.normal",
        "equals_sign",
        "normal",
        "Compare with the median trace",
        "compare with the median trace of the same entry point: what was added, and where",
        "compare with normal",
        words="slower why usual typical",
    ),
    Shortcut("waterfall.root", "R", "root", "Only this subtree", "only this subtree, and back"),
    Shortcut(
        "waterfall.mode",
        "v",
        "mode",
        "Tree, flat or flame",
        "rows: tree, flat, flame (by call path)",
        words="icicle layout",
    ),
    Shortcut(
        "waterfall.filter",
        "f",
        "filter",
        "Filter spans",
        "filter spans: hide short ones or a service, matches only, fold a service, show all",
        words="hide",
    ),
    Shortcut("waterfall.hide-service", "", "hide_service", "Hide this service", ABOVE, former="s"),
    Shortcut("waterfall.hide-short", "", "hide_short", "Hide short spans", ABOVE, former="x"),
    Shortcut("waterfall.only-matches", "", "only_found", "Matches only", ABOVE, former="backslash"),
    Shortcut("waterfall.fold-service", "", "shape('fold_service')", "Fold this service's calls", ABOVE),
    Shortcut("waterfall.show-all", "", "show_all", "Show all", ABOVE, former="S"),
    Shortcut(
        "waterfall.self-times", "number_sign", "self_times", "Self times", "show self times, or durations", former="m"
    ),
    Shortcut(
        "waterfall.names",
        "a",
        "name_width",
        "Width of the names",
        "names as wide as needed, then a quarter, then half of the width",
        words="wider column tree",
    ),
    Shortcut(
        "waterfall.what-if",
        "X",
        "what_if",
        "What if the span's duration changed",
        "what if the span had another duration",
        words="faster simulate",
    ),
    Shortcut(
        "waterfall.copy",
        "y",
        "copy",
        "Copy",
        "copy: ids, JSON, curl, waterfall, Markdown",
        "copy",
        words="share curl markdown",
    ),
    glyphs=(
        ("█ ─", "on the critical path; off it"),
        ("▒ ┄", "the same, while a call is on the network: until the callee begins, after it ends"),
        ("✖ ✗", "error origin; propagated from below, or cancelled"),
        ("◆ ⇢ ⇠ ⇝", "event or log; link to, from; asynchronous call"),
        ("×3 ≤5 ms +2", "a run of 3 similar calls of at most 5 ms, with 2 calls below; unfold to see each"),
        ("▸ 12 calls", "12 siblings with little critical time, in a large trace; unfold to see each"),
        (
            "⚠",
            "warning: orphan, missing or impossible time, clock skew?, root missing (the trace duration counts as "
            "response time)",
        ),
        ("/ or 3 matches", "a match of the search; matches folded into the row"),
    ),
    words=(
        ("critical", "share of the critical path; subtree: critical share of its time; no end: unknown duration"),
        ("minimap", "height: number of running spans, with callers that wait; { } this span, [ ] the visible part"),
    ),
)

DETAIL = KeyTable(
    "Detail",
    Use("list.open", "fold, unfold; read a long value; follow a link", "open"),
    Shortcut("detail.unfold", "l,right", "fold(False)", "Unfold", "unfold, fold"),
    Shortcut("detail.fold", "h,left", "fold(True)", "Fold", ABOVE),
    Shortcut("detail.read", "V", "read", "Read in the pager", "read the value in the pager", former="o"),
    Shortcut("detail.filter", "slash", "filter", "Filter attributes", hint="filter attributes"),
    Shortcut("detail.copy", "y", "copy", "Copy", "copy menu", "copy"),
    Shortcut("detail.leave-filter", "escape", "leave_filter", "Close the filter", "close the filter; back to the rows"),
    Use("waterfall.to-detail", "back to the rows", "back"),
)

FIND = KeyTable(
    "Search of spans",
    Shortcut("find.submit", "enter,down", "submit", "To the matches", "go to the first match", "first match"),
    Use("app.back", "close the search", "close the search"),
    in_palette=False,
)

SPAN_FILTER = KeyTable(
    "Filter of spans",
    Shortcut("spans.hide-service", "s", "take('s')", "Hide this service", priority=True),
    Shortcut("spans.hide-short", "x", "take('x')", "Hide short spans: under 1 %, under 5 %, none", priority=True),
    Shortcut("spans.only-matches", "m", "take('m')", "Matches of the search only, and back", priority=True),
    Shortcut("spans.fold-service", "f", "take('f')", "Fold or unfold this service's calls", priority=True),
    Shortcut("spans.show-all", "a", "take('a')", "Show all", priority=True),
    Shortcut("spans.close", "escape,q", "dismiss(None)", "Close"),
    in_palette=False,
)
