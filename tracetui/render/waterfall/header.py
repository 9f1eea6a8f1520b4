"""Header of a waterfall: identity and duration of the trace, errors and bottleneck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.error_messages import NO_MESSAGE
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.network import MOSTLY_PERCENT
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.skew import SKEWED
from tracetui.analysis.span_facts import Rank, trace_rank
from tracetui.analysis.summary import DIFFERENCE
from tracetui.model.span import Flag, Kind
from tracetui.model.trace_page import page_of
from tracetui.render.text import numbers
from tracetui.render.text.cells import cut
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.safe_text import safe
from tracetui.render.verdict import network_name
from tracetui.render.waterfall.waterfall import Waterfall

RECOVERED = "request did not fail"
"""Note on a trace with errors."""
_SHOWN_TRACE_WARNINGS = 3
COUNTED_ORIGINS = 1_000
_RANKED_FROM = 20
"""Number of peers from which on a percentile replaces the rank."""
_PEER_NAME = 40
_TITLE, _STARTED, _KIND, _SPANS, _SERVICES, _DATE, _DEPTH, _ID = range(8)
"""Items of the first lines, the most important first; the last ones are dropped first."""


def header(
    view: Waterfall,
    width: int,
    local_time: bool = False,
    most: int | None = None,
    page: str = "",
    error_hint: str = "",
) -> list[Line]:
    """Return the header, in at most `most` lines if given; the least important parts are dropped.

    page: address of a trace's web page, as in `model.trace_page`. error_hint: text after the line about errors.
    """
    ellipsis = view.glyphs.ellipsis
    errors = [_with_hint(line, error_hint, width, ellipsis) for line in _errors(view)]
    findings = flowed([*errors, *_bottleneck(view), *_warnings(view)], width, ellipsis=ellipsis)
    first: list[Line] = []
    for kept in range(_ID, _TITLE - 1, -1):
        first = flowed(_items(view, width, local_time, kept, page), width, ellipsis=ellipsis)
        if most is None or len(first) <= max(most - len(findings), 1):
            break
    return (first + findings)[:most]


def _items(view: Waterfall, width: int, local_time: bool, kept: int, page: str) -> Iterator[Line]:
    """Yield the items that describe the trace, up to the item `kept`."""
    traces, glyphs = view.traces, view.glyphs
    within = slice(view.first, view.stop)
    start = view.whole[0]
    part = len(traces.spans_of(view.trace)) != view.stop - view.first
    length = view.duration(view.whole[1])
    of = f", {_share_of_trace(view)}" if part and kept >= _KIND else ""
    title = Line([(_name(view, part), Role.TITLE)])
    title = title.cropped(max(width - len(length) - 3, 8), glyphs.ellipsis).add("   ").add(length, Role.STRONG)
    of_room = width - title.width
    yield title.extend(Line([(of, Role.PLAIN)]).cropped(of_room, glyphs.ellipsis)) if of_room > 8 else title
    if not part and kept >= _KIND:
        yield from _response(view)
    counts = []
    if kept >= _SPANS:
        counts.append(numbers.counted(view.stop - view.first, "span"))
    if kept >= _SERVICES:
        counts.append(numbers.counted(len(np.unique(traces.service[within])), "service"))
    if kept >= _DEPTH:
        counts.append(f"depth {int(traces.depth[within].max()) - int(traces.depth[view.first]) + 1:,}")
    logs = len(traces.log_lines.rows(view.first, view.stop))
    if logs and kept >= _SPANS:
        errors = traces.log_lines.error_count(view.first, view.stop)
        counts.append(
            numbers.counted(logs, "log record") + (f" ({numbers.counted(errors, 'error')})" if errors else "")
        )
    if counts:
        yield Line([("  ".join(counts), Role.PLAIN)])
    if kept >= _STARTED:
        when = numbers.date_clock(start, local_time) if kept >= _DATE else numbers.clock(start, local_time)
        yield Line([(f"{when} {numbers.zone(start, local_time)}", Role.PLAIN)])
    peers = "" if part or kept < _KIND else peer_words(trace_rank(traces, view.trace), _peer_name(view))
    if peers:
        yield Line([(peers, Role.PLAIN)])
    if kept >= _ID:
        trace_id = traces.trace_ids[view.trace]
        yield Line([("trace ", Role.DIM), (safe(trace_id, 64), Role.link(page_of(page, trace_id), Role.DIM))])


def _response(view: Waterfall) -> Iterator[Line]:
    """Yield the response time if the trace lasted over 5 % longer, or a warning if the root is missing."""
    traces, trace = view.traces, view.trace
    response = int(traces.response_time[trace])
    if traces.root_missing[trace]:
        yield Line([(f"{view.glyphs.warning} root missing", Role.WARNING)])
    elif view.trace_ns > (1 + DIFFERENCE) * response:
        yield Line([("response time ", Role.PLAIN), (view.duration(response), Role.STRONG)])


def _name(view: Waterfall, part: bool) -> str:
    traces = view.traces
    if not part:
        return safe(traces.trace_name(view.trace))
    return f"{safe(traces.service_name(view.first))} {safe(traces.operation_name(view.first)) or '(no name)'}"


def _share_of_trace(view: Waterfall) -> str:
    """Format the share of a subtree as `88 % of GET /profile 3.41 s`."""
    share = 100 * view.whole[1] / view.trace_ns if view.trace_ns else 0.0
    name = safe(view.traces.operation_name(int(view.traces.main_root[view.trace])), 60) or "(no name)"
    return f"{numbers.percent(share)} of {name} {view.duration(view.trace_ns)}"


def _peer_name(view: Waterfall) -> str:
    """Return the entry operation of the trace, which names its peers."""
    traces = view.traces
    _, operation = traces.operation_label(int(traces.operation[int(traces.main_root[view.trace])]))
    return cut(safe(operation) or "(no name)", _PEER_NAME, view.glyphs.ellipsis)


def peer_words(rank: Rank, name: str) -> str:
    """Format the rank of a trace among its peers: `p99 of 100 GET /profile`, `3rd slowest of 9 GET /profile`.

    '' without peers.
    """
    if rank.n < 2:
        return ""
    if not rank.shorter and not rank.longer:
        return f"same as the other {f'{rank.n - 1:,} ' if rank.n > 2 else ''}{name}"
    if not rank.longer:
        return f"slowest of {rank.n:,} {name}"
    if not rank.shorter:
        return f"fastest of {rank.n:,} {name}"
    if rank.n < _RANKED_FROM:
        return f"{numbers.ordinal(rank.longer + 1)} slowest of {rank.n:,} {name}"
    return f"p{min(max(int(rank.slower_than_percent), 1), 99)} of {rank.n:,} {name}"


def _errors(view: Waterfall) -> Iterator[Line]:
    glyphs = view.glyphs
    origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN) + view.first
    propagated, cancelled = (
        int((view.roles == ErrorRole.PROPAGATED).sum()),
        int((view.roles == ErrorRole.CANCELLED).sum()),
    )
    if not len(origins) and not propagated and not cancelled:
        yield Line([("no errors", Role.DIM)])
        return
    line = Line([(f"{glyphs.origin} began in {numbers.counted(len(origins), 'span')}", Role.ERROR)])
    if propagated:
        line.add(", ").add(f"{glyphs.propagated} propagated to {propagated:,}", Role.PROPAGATED)
    if cancelled:
        line.add(", ").add(f"{cancelled:,} cancelled", Role.PROPAGATED)
    is_whole = len(view.traces.spans_of(view.trace)) == view.stop - view.first
    if is_whole and not failed_requests(view.traces)[view.trace]:
        line.add(f" ({RECOVERED})", Role.STRONG)
    messages = Counter(_origin_text(view, span) for span in origins[:COUNTED_ORIGINS].tolist())
    if messages:
        # an error without a message tells less than any other
        silent = view.glyphs.quoted(NO_MESSAGE)
        service, text = max(messages, key=lambda one: (one[1] != silent, messages[one]))
        slot = view.slots[view.traces.services.index(service)]
        line.add(": ").add(safe(service), Role.service(slot)).add(" ").add(text, Role.ERROR)
    if len(messages) > 1:
        line.add(f" and {len(messages) - 1:,} more", Role.DIM)
    yield line


def _with_hint(line: Line, hint: str, width: int, ellipsis: str) -> Line:
    """Add a hint to a line, which is cut to make room; no hint if it would need over a quarter of the width."""
    if not hint or 4 * len(hint) > width:
        return line
    return line.cropped(max(width - len(hint) - 2, 1), ellipsis).add(f"  {hint}", Role.ACCENT)


def _origin_text(view: Waterfall, span: int) -> tuple[str, str]:
    """Return the service and the message, or the operation without a message."""
    message = safe(view.message_of(span), 120)
    text = view.glyphs.quoted(message) if message else safe(view.traces.operation_name(span), 120)
    return view.traces.service_name(span), text


def _bottleneck(view: Waterfall) -> Iterator[Line]:
    """Yield the operation with the longest critical time; if the path is short, first the time off the path."""
    if not view.has_path or not view.whole[1]:
        return
    _, starts, ends = view.sections
    critical = _covered(starts, ends)
    is_short = 2 * critical < view.whole[1]
    if is_short:
        yield Line([(_off_path(view, critical), Role.STRONG)])
    yield from _skew(view)
    if not view.critical.any():
        return
    operations, index = np.unique(view.traces.operation[view.first : view.stop], return_inverse=True)
    by_operation = np.bincount(index, view.critical)
    top = int(np.argmax(by_operation))
    share = 100 * by_operation[top] / (view.critical.sum() if is_short else view.path_ns)
    number = int(operations[top])
    service, operation = view.traces.operation_label(number)
    slot = view.slots[view.traces.services.index(service)]
    role = Role.STRONG if share >= BOTTLENECK_PERCENT and not is_short else Role.PLAIN
    of = f"{view.duration(critical)} critical" if is_short else "the critical path"
    line = Line([(view.glyphs.solid, Role.service(slot)), (f" {numbers.percent(share)} of {of}: ", role)])
    callee = _network_to(view, number, by_operation[top])
    if callee:
        yield line.add(network_name(service, callee), role)
    else:
        yield line.add(safe(service), Role.service(slot)).add(" ").add(safe(operation) or "(no name)", role)


def _network_to(view: Waterfall, operation: int, critical: float) -> str:
    """Return the callee if most of an operation's critical time is on the network to it; '' otherwise."""
    traces, network = view.traces, view.network
    if network is None:
        return ""
    rows = np.arange(*network.caller.searchsorted((view.first, view.stop)).tolist())
    rows = rows[~network.is_async[rows] & (traces.operation[network.caller[rows]] == operation)]
    spent = np.minimum(view.critical[network.caller[rows] - view.first], network.total[rows])
    if not spent.any() or 100 * int(spent.sum()) < MOSTLY_PERCENT * critical:
        return ""
    return traces.services[int(np.argmax(np.bincount(traces.service[network.answer[rows]], spent)))]


def _off_path(view: Waterfall, critical: int) -> str:
    """Describe the time off the critical path."""
    traces, (begin, length) = view.traces, view.whole
    within = slice(view.first, view.stop)
    idle = length - _covered(traces.start[within], traces.end[within])
    main = int(traces.main_root[view.trace])
    root = main if view.first <= main < view.stop else view.first
    after = begin + length - int(traces.end[root])
    words = []
    if after > 0 and _has_async(view):
        words.append(f"answered after {view.duration(int(traces.duration[root]))}")
        if 2 * idle < length:
            words.append(f"{view.duration(after)} of asynchronous work after that")
    if 2 * idle >= length:
        words.append(f"no span ran in {numbers.percent(100 * idle / length)} of the time")
    if not words and not critical:
        return "off the critical path"
    share = numbers.percent(100 * critical / length)
    return "; ".join(words) or f"critical path {view.duration(critical)}, {share} of the time"


def _has_async(view: Waterfall) -> bool:
    traces, within = view.traces, slice(view.first, view.stop)
    parent, kind = traces.parent[within], traces.kind
    detached = (parent >= view.first) & (kind[within] == Kind.CONSUMER) & (kind[parent] == Kind.PRODUCER)
    return bool((detached | ((traces.flags[within] & int(Flag.FOLLOWS_FROM)) > 0)).any())


def _covered(starts: np.ndarray, ends: np.ndarray) -> int:
    """Return the total time that these intervals cover, ns, overlaps counted once."""
    if not len(starts):
        return 0
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    before = np.concatenate((starts[:1], reached[:-1]))
    return int(np.maximum(reached - np.maximum(starts, before), 0).sum())


def _skew(view: Waterfall) -> Iterator[Line]:
    skewed = int((view.outside == SKEWED).sum())
    if skewed:
        yield Line([(f"{view.glyphs.warning} clock skew? {numbers.counted(skewed, 'span')}", Role.WARNING)])


def _warnings(view: Waterfall) -> Iterator[Line]:
    glyphs = view.glyphs
    number = int(view.traces.trace_warning_counts[view.trace])
    if number:
        yield Line([(f"{glyphs.warning} {numbers.counted(number, 'warning')}", Role.WARNING)])
    texts = view.traces.trace_warnings.get(view.trace, [])
    for text in texts[:_SHOWN_TRACE_WARNINGS]:
        yield Line([(f"{glyphs.warning} {safe(text, 300)}", Role.WARNING)])
