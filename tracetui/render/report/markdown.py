"""Trace as Markdown, for a ticket or a chat. Untrusted text is escaped from Markdown and HTML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.summary import differing
from tracetui.model.trace_page import TraceLinks
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.document import MAX_ROWS, waterfall_text
from tracetui.render.waterfall.header import COUNTED_ORIGINS, RECOVERED
from tracetui.render.waterfall.waterfall import Waterfall

Quote = Callable[[str], str]
"""Makes untrusted text harmless in a markup."""
NO_LINKS: Final = TraceLinks()
_SHOWN: Final = 3
_LONGEST_COMMAND: Final = 1_000
_TICKS: Final = re.compile("`+")


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


def trace_markdown(
    view: Waterfall, width: int, max_rows: int = MAX_ROWS, local_time: bool = False, links: TraceLinks = NO_LINKS
) -> str:
    """Return a trace as Markdown: identity, errors, bottlenecks, waterfall, and the command that shows it."""
    traces, trace = view.traces, view.trace
    start = int(traces.trace_start[trace])
    spans = numbers.counted(view.stop - view.first, "span")
    lines = waterfall_text(
        view, width, max_rows=max_rows, local_time=local_time, hint="tracetui show --all shows every span"
    )
    drawn = fenced(line.text for line in lines)
    name = code(traces.trace_ids[trace], 64)
    parts = [
        f"### {headline(view, code)}",
        "",
        f"- {numbers.date_clock(start, local_time)} {numbers.zone(start, local_time)}, {spans},"
        f" trace {f'[{name}](<{links.page}>)' if links.page else name}",
        *(f"- {line}" for line in (*(error_lines(view, code) or ["no errors"]), *bottleneck_lines(view, code))),
        "",
        drawn,
        "",
    ]
    # a command that is cut cannot be pasted
    if 0 < len(links.command) <= _LONGEST_COMMAND:
        parts += [code(links.command, _LONGEST_COMMAND), ""]
    return "\n".join(parts)


def headline(view: Waterfall, quote: Quote) -> str:
    """Name the trace by its root, with its duration."""
    traces = view.traces
    root = int(traces.main_root[view.trace])
    name = f"{quote(traces.service_name(root))} {quote(traces.operation_name(root))}"
    return f"{name}: {view.duration(view.whole_ns)}{_response(view)}"


def _response(view: Waterfall) -> str:
    """Format the response time if the trace lasted longer, else ''."""
    traces, trace = view.traces, view.trace
    is_whole = len(traces.spans_of(trace)) == view.stop - view.first
    if not is_whole or traces.root_missing[trace] or not differing(traces)[trace]:
        return ""
    return f", response time {view.duration(int(traces.response_time[trace]))}"


def error_lines(view: Waterfall, quote: Quote) -> list[str]:
    """Describe the errors: number and spread, then the most frequent messages; [] without errors."""
    origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN) + view.first
    if not len(origins):
        return []
    propagated = int((view.roles == ErrorRole.PROPAGATED).sum())
    messages = Counter(
        (view.traces.service_name(span), view.message_of(span)) for span in origins[:COUNTED_ORIGINS].tolist()
    )
    spread = f", propagated to {propagated:,}" if propagated else ""
    recovered = "" if failed_requests(view.traces)[view.trace] else f" ({RECOVERED})"
    found = [f"{view.glyphs.origin} began in {numbers.counted(len(origins), 'span')}{spread}{recovered}"]
    for (service, message), times in messages.most_common(_SHOWN):
        text = quote(message) if message.strip() else "no message"
        found.append(f"{quote(service)}: {text}{f', {view.glyphs.repeated(times)}' if times > 1 else ''}")
    return found


def bottleneck_lines(view: Waterfall, quote: Quote) -> list[str]:
    """Name the operations with the longest critical time."""
    if not view.whole_ns or not view.critical.any():
        return []
    found = []
    operations, index = np.unique(view.traces.operation[view.first : view.stop], return_inverse=True)
    critical = np.bincount(index, view.critical)
    for at in np.argsort(-critical, kind="stable")[:_SHOWN].tolist():
        if critical[at]:
            service, operation = view.traces.operation_label(int(operations[at]))
            share = numbers.percent(100 * critical[at] / view.path_ns)
            duration = view.duration(int(critical[at]))
            found.append(f"critical {duration} ({share}) in {quote(service)} {quote(operation)}")
    return found


def _longest_ticks(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
