"""A waterfall as text from top to bottom: what it is, what broke, where the time went, the rows, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from tracetui.render import numbers
from tracetui.render.line import Line, Role, flowed
from tracetui.render.safe_text import safe
from tracetui.render.waterfall import BOTTLENECK_PERCENT, ECHO, ORIGIN, Waterfall

MAX_ROWS = 500
_SHOWN_TRACE_WARNINGS = 3
_COUNTED_ORIGINS = 1_000


def waterfall_text(
    view: Waterfall,
    width: int,
    *,
    max_rows: int | None = MAX_ROWS,
    local_time: bool = False,
    hint: str = "--all shows every span",
) -> Iterator[Line]:
    """The lines of a whole waterfall, none wider than `width` cells.

    `max_rows`: above it errors and the critical path stay first; None for no limit. `hint`: how to see the rest.
    """
    if max_rows is not None:
        view.limit(max(max_rows, 1))
    yield from header(view, width, local_time)
    yield Line()
    yield view.scale(width)
    yield from view.lines(width)
    left_out = view.rows.left_out()
    if left_out:
        whole = numbers.counted(view.stop - view.first, "span")
        text = f"{view.marks.ellipsis} {left_out:,} of {whole} left out: {hint}"
        yield Line([(text, Role.WARNING)]).cropped(width, view.marks.ellipsis)
    yield Line()
    yield from legend(view, width)


def header(view: Waterfall, width: int, local_time: bool = False) -> list[Line]:
    """What the trace is and how long it took, what broke, and where the time went."""
    traces, trace, marks = view.traces, view.trace, view.marks
    within = slice(view.first, view.stop)
    start = int(traces.trace_start[trace])
    levels = int(traces.depth[within].max()) - int(traces.depth[view.first]) + 1
    services = len(np.unique(traces.service[within]))
    name = safe(traces.trace_name(trace))
    took = view.duration(view.whole_ns)
    counts = f"{numbers.counted(view.stop - view.first, 'span')}  {numbers.counted(services, 'service')}"
    title = Line([(name, Role.TITLE)]).cropped(max(width - len(took) - 3, 8), marks.ellipsis)
    items = [
        title.add("   ").add(took, Role.STRONG),
        Line([(f"{counts}  depth {levels:,}", Role.PLAIN)]),
        Line([(f"{numbers.date_clock(start, local_time)} {numbers.zone(start, local_time)}", Role.PLAIN)]),
        Line([(f"trace {safe(traces.trace_ids[trace], 64)}", Role.DIM)]),
    ]
    lines = flowed(items, width, ellipsis=marks.ellipsis)
    lines += flowed([*_errors(view), *_bottleneck(view), *_warnings(view)], width, ellipsis=marks.ellipsis)
    return lines


def _errors(view: Waterfall) -> Iterator[Line]:
    marks = view.marks
    origins = np.flatnonzero(view.roles == ORIGIN) + view.first
    echoes = int((view.roles == ECHO).sum())
    if not len(origins) and not echoes:
        yield Line([("no errors", Role.DIM)])
        return
    line = Line([(f"{marks.origin} {numbers.counted(len(origins), 'origin')}", Role.ERROR)])
    if echoes:
        line.add(", ").add(f"{marks.echo} {numbers.counted(echoes, 'echo', 'echoes')}", Role.ECHO)
    what = Counter(_what_broke(view, span) for span in origins[:_COUNTED_ORIGINS].tolist())
    (service, text), _ = what.most_common(1)[0]
    slot = view.slots[view.traces.services.index(service)]
    line.add(": ").add(safe(service), Role.service(slot)).add(" ").add(text, Role.ERROR)
    if len(what) > 1:
        line.add(f" and {len(what) - 1:,} more", Role.DIM)
    yield line


def _what_broke(view: Waterfall, span: int) -> tuple[str, str]:
    """-> service, and the message or else the operation"""
    message = safe(view.message_of(span), 120)
    text = view.marks.quoted(message) if message else safe(view.traces.operation_name(span), 120)
    return view.traces.service_name(span), text


def _bottleneck(view: Waterfall) -> Iterator[Line]:
    """The operation that the request waited for longest."""
    if not view.whole_ns or not view.critical.any():
        return
    operations, index = np.unique(view.traces.operation[view.first : view.stop], return_inverse=True)
    waited = np.bincount(index, view.critical)
    top = int(np.argmax(waited))
    share = 100 * waited[top] / view.whole_ns
    service, operation = view.traces.operation_label(int(operations[top]))
    slot = view.slots[view.traces.services.index(service)]
    role = Role.STRONG if share >= BOTTLENECK_PERCENT else Role.PLAIN
    line = Line([(view.marks.solid, Role.service(slot)), (f" {numbers.percent(share)} of the time: ", role)])
    yield line.add(safe(service), Role.service(slot)).add(" ").add(safe(operation) or "(no name)", role)


def _warnings(view: Waterfall) -> Iterator[Line]:
    marks = view.marks
    number = int(view.traces.trace_warning_counts[view.trace])
    if number:
        yield Line([(f"{marks.warning} {numbers.counted(number, 'warning')}", Role.WARNING)])
    texts = view.traces.trace_warnings.get(view.trace, [])
    for text in texts[:_SHOWN_TRACE_WARNINGS]:
        yield Line([(f"{marks.warning} {safe(text, 300)}", Role.WARNING)])


def legend(view: Waterfall, width: int) -> list[Line]:
    """What the bars and the errors' marks mean, as far as they occur."""
    marks = view.marks
    words = []
    if view.has_path:
        words += [(marks.solid, "the request waited"), (marks.rest, "it ran, nobody waited")]
    if (view.roles == ORIGIN).any():
        words.append((marks.origin, "error began here"))
    if (view.roles == ECHO).any():
        words.append((marks.echo, "error passed on"))
    return flowed((Line([(f"{mark} {text}", Role.DIM)]) for mark, text in words), width, ellipsis=view.marks.ellipsis)
