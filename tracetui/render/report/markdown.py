"""Trace as Markdown, for a ticket or a chat. Untrusted text is escaped from Markdown and HTML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.summary import differing
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.document import MAX_ROWS, waterfall_text
from tracetui.render.waterfall.header import COUNTED_ORIGINS, RECOVERED
from tracetui.render.waterfall.waterfall import Waterfall

_SHOWN = 3
_TICKS = re.compile("`+")


def code(text: str, limit: int = 200) -> str:
    """Quote untrusted text as a code span, in which markup, HTML, links and mentions have no effect."""
    shown = safe(text, limit)
    if not shown.strip():
        return "(no name)"
    ticks = "`" * (_longest_ticks(shown) + 1)
    # a blank separates backticks and blanks of the text from the delimiters
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(lines: Iterator[str]) -> str:
    """Return lines of safe text as a code block."""
    text = "\n".join(line.rstrip() for line in lines)
    fence = "`" * max(3, _longest_ticks(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def trace_markdown(view: Waterfall, width: int, max_rows: int = MAX_ROWS, local_time: bool = False) -> str:
    """Return a trace as Markdown: identity, errors, bottlenecks and waterfall."""
    traces, trace = view.traces, view.trace
    root = int(traces.main_root[trace])
    name = f"{code(traces.service_name(root))} {code(traces.operation_name(root))}"
    start = int(traces.trace_start[trace])
    spans = numbers.counted(view.stop - view.first, "span")
    lines = waterfall_text(
        view, width, max_rows=max_rows, local_time=local_time, hint="tracetui show --all shows every span"
    )
    drawn = fenced(line.text for line in lines)
    parts = [
        f"### {name}: {view.duration(view.whole_ns)}{_response(view)}",
        "",
        f"- {numbers.date_clock(start, local_time)} {numbers.zone(start, local_time)}, {spans},"
        f" trace {code(traces.trace_ids[trace], 64)}",
        *(f"- {line}" for line in (*_errors(view), *_bottlenecks(view))),
        "",
        drawn,
        "",
    ]
    return "\n".join(parts)


def _response(view: Waterfall) -> str:
    """Format the response time if the trace lasted longer, else ''."""
    traces, trace = view.traces, view.trace
    is_whole = len(traces.spans_of(trace)) == view.stop - view.first
    if not is_whole or traces.root_missing[trace] or not differing(traces)[trace]:
        return ""
    return f", response time {view.duration(int(traces.response_time[trace]))}"


def _errors(view: Waterfall) -> Iterator[str]:
    origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN) + view.first
    if not len(origins):
        yield "no errors"
        return
    propagated = int((view.roles == ErrorRole.PROPAGATED).sum())
    messages = Counter(
        (view.traces.service_name(span), view.message_of(span)) for span in origins[:COUNTED_ORIGINS].tolist()
    )
    spread = f", propagated to {propagated:,}" if propagated else ""
    recovered = "" if failed_requests(view.traces)[view.trace] else f" ({RECOVERED})"
    yield f"{view.glyphs.origin} began in {numbers.counted(len(origins), 'span')}{spread}{recovered}"
    for (service, message), times in messages.most_common(_SHOWN):
        text = code(message) if message.strip() else "no message"
        yield f"{code(service)}: {text}{f', {view.glyphs.repeated(times)}' if times > 1 else ''}"


def _bottlenecks(view: Waterfall) -> Iterator[str]:
    """Yield the operations with the longest critical time."""
    if not view.whole_ns or not view.critical.any():
        return
    operations, index = np.unique(view.traces.operation[view.first : view.stop], return_inverse=True)
    critical = np.bincount(index, view.critical)
    for at in np.argsort(-critical, kind="stable")[:_SHOWN].tolist():
        if critical[at]:
            service, operation = view.traces.operation_label(int(operations[at]))
            share = numbers.percent(100 * critical[at] / view.path_ns)
            duration = view.duration(int(critical[at]))
            yield f"critical {duration} ({share}) in {code(service)} {code(operation)}"


def _longest_ticks(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
