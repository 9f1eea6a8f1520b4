"""Keys of the traces view."""

from __future__ import annotations

from textual.binding import Binding

QUERY_HINTS = (
    ("{query.submit}", "filter"),
    ("{query.complete}", "complete"),
    ("{query.previous query.next}", "history"),
    ("{query.leave}", "leave"),
)
REGION_HINTS = (
    ("{region.left region.right region.up region.down}", "move"),
    ("{region.wider region.narrower}", "wider, narrower"),
    ("{region.take}", "filter"),
    ("{region.leave}", "leave"),
)


OFFER_HINTS = (
    ("{list.open}", "load"),
    ("{app.more}", "further back"),
    ("{traces.window}", "window"),
    ("{traces.filter}", "filter"),
)


def list_hints(grouped: bool) -> tuple[tuple[str, str], ...]:
    """Key hints of the list. `grouped`: by the service where errors began."""
    return (
        ("{traces.filter}", "filter"),
        ("{traces.failing}", "all traces" if grouped else "errors by service"),
        ("{traces.slowest}", "slowest"),
        ("{list.open}", "open"),
    )


KEYS = (
    ("{traces.filter}", "edit the filter; {query.complete} completes, {query.previous query.next}: history"),
    ("pasted id", "opens the trace; also a traceparent, a URL or a log line with an id"),
    ("{traces.errors}", "traces with errors only, or all"),
    (
        "{traces.service traces.operation}",
        "filter by service, by operation; choose the services that a server searches",
    ),
    ("{traces.duration traces.duration-typed}", "response time above p50, p95, p99 in turn; above a value"),
    ("{traces.window}", "time window; for servers also how far back to search"),
    ("{traces.undo}", "undo the last change of the filter"),
    (
        "{traces.region}",
        "select a region of the plot: arrows move it, Shift resizes it, {region.take} filters",
    ),
    ("{traces.slowest}", "slowest first"),
    ("{traces.failing}", "group traces with errors by the service where errors began; {list.open} folds a group"),
    ("{traces.values}", "filter by user or any attribute value"),
    ("{traces.previous-value traces.next-value}", "previous, next value"),
    (
        "{traces.sort traces.reverse}",
        "sort by the next column; reverse; click a heading to sort, again to reverse",
    ),
    ("{traces.mark}", "mark or unmark the trace; marks stay when the filter changes"),
    ("{traces.compare}", "compare the two marked traces by call path"),
    (
        "{traces.compare-sets}",
        "compare the traces shown with earlier ones: regressions and improvements",
    ),
    ("{traces.contrast}", "contrast: what is over-represented in marked, failed or slow traces"),
    ("{traces.save}", "save the traces shown"),
    ("{traces.copy}", "copy the trace id, waterfall or filter"),
    ("{list.open}", "open the trace; without traces: load the selected window or service"),
    ("●ag ✖us ✗", "services, abbreviated where names do not fit: ✖ errors began there, ✗ propagated to it"),
    (
        "⚠",
        "skew?: clock skew, --adjust-skew corrects it; root missing: response time is the trace's duration",
    ),
    ("response", "duration of the main root; whole trace: first start to last end"),
    ("the plot", "dot: a few traces; large dot: several; ✖: some with errors"),
)

BINDINGS = (
    Binding("slash,f", "write_query", "Filter", show=False, id="traces.filter"),
    Binding("e", "filter('errors')", "With errors only", show=False, id="traces.errors"),
    Binding("i", "filter('service')", "Service", show=False, id="traces.service"),
    Binding("p", "filter('operation')", "Operation", show=False, id="traces.operation"),
    Binding("d", "filter('duration')", "Slower than p50, p95, p99", show=False, id="traces.duration"),
    Binding("D", "filter('typed_duration')", "Slower than", show=False, id="traces.duration-typed"),
    Binding("w", "filter('window')", "Time window", show=False, id="traces.window"),
    Binding("u", "undo", "Undo the filter", show=False, id="traces.undo"),
    Binding("v", "select_region", "Select a region", show=False, id="traces.region"),
    Binding("s", "sort", "Sort by the next column", show=False, id="traces.sort"),
    Binding("o", "reverse", "Reverse", show=False, id="traces.reverse"),
    Binding("S", "slowest", "Slowest first", show=False, id="traces.slowest"),
    Binding("E", "failing", "Errors by service", show=False, id="traces.failing"),
    Binding("U", "filter('values')", "Filter by attribute value", show=False, id="traces.values"),
    Binding("right_square_bracket", "filter('next_value')", "Next value", show=False, id="traces.next-value"),
    Binding("left_square_bracket", "filter('former_value')", "Previous value", show=False, id="traces.previous-value"),
    Binding("equals_sign", "dialog('compare')", "Compare two marked traces", show=False, id="traces.compare"),
    Binding("B", "dialog('compare_sets')", "Compare with earlier traces", show=False, id="traces.compare-sets"),
    Binding("c", "dialog('contrast')", "Contrast", show=False, id="traces.contrast"),
    Binding("x", "dialog('save')", "Save the traces shown", show=False, id="traces.save"),
    Binding("y", "copy", "Copy", show=False, id="traces.copy"),
    Binding("space", "mark", "Mark", show=False, id="traces.mark"),
)
