"""Header of a waterfall: identity and duration of the trace, errors and bottleneck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.error_messages import NO_MESSAGE
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.network import MOSTLY_PERCENT
from tracetui.analysis.requests import failed_requests
from tracetui.analysis.skew import SKEWED
from tracetui.analysis.span_facts import trace_rank
from tracetui.analysis.summary import DIFFERENCE
from tracetui.model.span import Flag, Kind
from tracetui.model.trace_page import page_of
from tracetui.model.traces import TraceSet
from tracetui.render.rank import rank_words
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.safe_text import safe
from tracetui.render.verdict import network_name
from tracetui.render.waterfall.waterfall import Waterfall

RECOVERED = "request did not fail"
"""Note on a trace with errors."""
_SHOWN_TRACE_WARNINGS = 3
COUNTED_ORIGINS = 1_000
_PEER_NAME = 40
_MIN_MESSAGE = 20
"""Cells of an error message to which it is cut before what follows it is."""
_TITLE, _NO_ERRORS, _RANK, _SPANS, _SERVICES, _STARTED, _DATE, _DEPTH, _LOGS, _ID = range(10)
"""Items of the first lines, the most important first: those without room are left out."""
_COUNTS = (_SPANS, _SERVICES, _DEPTH, _LOGS)


@dataclass(frozen=True, slots=True)
class HeaderHints:
    """Words that name the keys which go to what the header is about, if that is out of sight."""

    error: str = ""
    bottleneck: str = ""
    skew: str = ""
    """On the key that undoes the correction of clock skew."""


NO_HINTS = HeaderHints()


def header(
    view: Waterfall,
    width: int,
    local_time: bool = False,
    most: int | None = None,
    page: str = "",
    hints: HeaderHints = NO_HINTS,
) -> list[Line]:
    """Return the header, in at most `most` lines if given; the least important parts are left out.

    page: address of a trace's web page, as in `model.trace_page`.
    """
    ellipsis = view.glyphs.ellipsis
    parts = [
        *_errors(view, width, hints.error),
        *_bottleneck(view, width, hints.bottleneck),
        *_warnings(view, hints.skew),
    ]
    findings = flowed(parts, width, ellipsis=ellipsis)
    items = dict(_items(view, width, local_time, page))
    room = None if most is None else max(most - len(findings), 1)
    kept: set[int] = set()
    first: list[Line] = []
    for item in sorted(items):
        lines = flowed(_arranged(items, kept | {item}), width, ellipsis=ellipsis)
        if not kept or room is None or len(lines) <= room:
            kept.add(item)
            first = lines
    return (first + findings)[:most]


def _arranged(items: dict[int, Line], kept: set[int]) -> Iterator[Line]:
    """Yield these items in the order in which they are shown."""
    counts = [items[item].text for item in _COUNTS if item in kept]
    for item in (_TITLE, _RANK, _SPANS, _STARTED, _ID, _NO_ERRORS):
        if item == _SPANS and counts:
            yield Line([("  ".join(counts), Role.PLAIN)])
        elif item == _STARTED and _DATE in kept:
            yield items[_DATE]
        elif item in kept and item not in _COUNTS:
            yield items[item]


def _items(view: Waterfall, width: int, local_time: bool, page: str) -> Iterator[tuple[int, Line]]:
    """Yield the items that describe the trace."""
    traces = view.traces
    within = slice(view.first, view.stop)
    start = view.whole[0]
    part = len(traces.spans_of(view.trace)) != view.stop - view.first
    yield _TITLE, _title(view, width, part)
    if not view.roles.any():
        yield _NO_ERRORS, Line([("no errors", Role.DIM)])
    peers = "" if part else rank_words(trace_rank(traces, view.trace), _peer_name(view))
    if peers:
        yield _RANK, Line([(peers, Role.PLAIN)])
    counts = {
        _SPANS: numbers.counted(view.stop - view.first, "span"),
        _SERVICES: numbers.counted(len(np.unique(traces.service[within])), "service"),
        _DEPTH: f"depth {int(traces.depth[within].max()) - int(traces.depth[view.first]) + 1:,}",
    }
    logs = len(traces.log_lines.rows(view.first, view.stop))
    if logs:
        errors = traces.log_lines.error_count(view.first, view.stop)
        failed = f" ({numbers.counted(errors, 'error')})" if errors else ""
        counts[_LOGS] = numbers.counted(logs, "log record") + failed
    for item, text in counts.items():
        yield item, Line([(text, Role.PLAIN)])
    for item, when in ((_STARTED, numbers.clock), (_DATE, numbers.date_clock)):
        yield item, Line([(f"{when(start, local_time)} {numbers.zone(start, local_time)}", Role.PLAIN)])
    trace_id = traces.trace_ids[view.trace]
    yield _ID, Line([("trace ", Role.DIM), (safe(trace_id, 64), Role.link(page_of(page, trace_id), Role.DIM))])


def _title(view: Waterfall, width: int, part: bool) -> Line:
    """Return name and response time; after it the duration of the trace if that is over 5 % longer."""
    traces, glyphs = view.traces, view.glyphs
    response = int(traces.response_time[view.trace])
    whole = view.duration(view.whole[1])
    if part:
        times = Line([(whole, Role.STRONG)])
    elif traces.root_missing[view.trace]:
        times = Line([(whole, Role.STRONG), ("   ", Role.PLAIN), (f"{glyphs.warning} root missing", Role.WARNING)])
    elif view.trace_ns > (1 + DIFFERENCE) * response:
        times = Line(
            [("response ", Role.PLAIN), (view.duration(response), Role.STRONG), (f" (trace {whole})", Role.PLAIN)]
        )
    else:
        times = Line([(whole, Role.STRONG)])
    title = Line([(_name(view, part), Role.TITLE)])
    title = title.cropped(max(width - times.width - 3, 8), glyphs.ellipsis).add("   ").extend(times)
    room = width - title.width
    if part and room > 8:
        title.extend(Line([(f", {_share_of_trace(view)}", Role.PLAIN)]).cropped(room, glyphs.ellipsis))
    return title


def _name(view: Waterfall, part: bool) -> str:
    traces = view.traces
    span = view.first if part else int(traces.main_root[view.trace])
    return f"{safe(traces.service_name(span))} {safe(traces.operation_name(span)) or '(no name)'}"


def _share_of_trace(view: Waterfall) -> str:
    """Format the share of a subtree as `88 % of GET /profile 3.41 s`: of the response if it is part of that."""
    traces = view.traces
    main = int(traces.main_root[view.trace])
    start, length = view.whole
    is_response = int(traces.start[main]) <= start and start + length <= int(traces.end[main])
    whole_ns = int(traces.response_time[view.trace]) if is_response else view.trace_ns
    share = 100 * length / whole_ns if whole_ns else 0.0
    name = safe(traces.operation_name(main), 60) or "(no name)"
    of = name if is_response else f"the trace of {name}"
    return f"{numbers.percent(share)} of {of} {view.duration(whole_ns)}"


def _peer_name(view: Waterfall) -> str:
    """Return the entry operation of the trace, which names its peers."""
    traces = view.traces
    _, operation = traces.operation_label(int(traces.operation[int(traces.main_root[view.trace])]))
    return cut(safe(operation) or "(no name)", _PEER_NAME, view.glyphs.ellipsis)


def _errors(view: Waterfall, width: int, hint: str) -> Iterator[Line]:
    """Yield where errors began and how far they propagated; a long message is cut."""
    glyphs = view.glyphs
    origins = np.flatnonzero(view.roles == ErrorRole.ORIGIN) + view.first
    counts = [int((view.roles == role).sum()) for role in (ErrorRole.PROPAGATED, ErrorRole.CANCELLED)]
    propagated, cancelled = counts
    if not len(origins) and not any(counts):
        return
    is_whole = len(view.traces.spans_of(view.trace)) == view.stop - view.first
    is_recovered = is_whole and not failed_requests(view.traces)[view.trace]
    outcome = Line([(f" ({RECOVERED})", Role.STRONG)] if is_recovered else [])
    tail = Line(outcome.runs)
    if propagated:
        tail.add(", ").add(f"{glyphs.propagated} propagated to {propagated:,}", Role.PROPAGATED)
    if cancelled:
        tail.add(", ").add(f"{cancelled:,} cancelled", Role.PROPAGATED)
    if not len(origins):
        yield Line([(f"{glyphs.origin} began in 0 spans", Role.ERROR)]).extend(tail)
        return
    (service, text), others = _first_cause(view, origins[:COUNTED_ORIGINS])
    where = f"{numbers.counted(len(origins), 'span')}: " if len(origins) > 1 else ""
    line = Line([(f"{glyphs.origin} began in {where}", Role.ERROR)])
    line.add(safe(service), Role.service(view.slots[view.traces.services.index(service)])).add(" ")
    more, key = Line([(f" and {others:,} more", Role.DIM)] if others else []), _hint_line(hint, width)
    room = width - line.width - more.width - key.width
    least = min(cell_width(text), _MIN_MESSAGE)
    tail = next((one for one in (tail, outcome) if one.width <= room - least), Line())
    line.add(_cut_quote(text, max(room - tail.width, least), glyphs), Role.ERROR).extend(more).extend(tail)
    yield line.cropped(width - key.width, glyphs.ellipsis).extend(key)


def _first_cause(view: Waterfall, origins: np.ndarray) -> tuple[tuple[str, str], int]:
    """Return service and text of the commonest of these error origins, and the number of other ones.

    Origins with a message come first, and of equally common ones that which ended first, as a summary ends later.
    """
    counts: Counter[tuple[str, str]] = Counter()
    ends: dict[tuple[str, str], int] = {}
    for span, end in zip(origins.tolist(), view.traces.end[origins].tolist(), strict=True):
        one = _origin_text(view, span)
        counts[one] += 1
        ends[one] = min(end, ends.get(one, end))
    silent = view.glyphs.quoted(NO_MESSAGE)
    return max(counts, key=lambda one: (one[1] != silent, counts[one], -ends[one])), len(counts) - 1


def _cut_quote(text: str, cells: int, glyphs: Glyphs) -> str:
    """Cut a text that may be in quotes, which stay around it."""
    if cell_width(text) <= cells:
        return text
    if text[-1] != glyphs.quotes[1]:
        return cut(text, cells, glyphs.ellipsis)
    return cut(text[:-1], cells - 1, glyphs.ellipsis) + glyphs.quotes[1]


def _hint_line(hint: str, width: int) -> Line:
    """Return a hint that follows a finding; none if it would take a quarter of the width."""
    return Line([(f"  {hint}", Role.ACCENT)]) if hint and 4 * len(hint) <= width else Line()


def _origin_text(view: Waterfall, span: int) -> tuple[str, str]:
    """Return the service and the message, or the operation without a message."""
    message = safe(view.message_of(span), 120)
    text = view.glyphs.quoted(message) if message else safe(view.traces.operation_name(span), 120)
    return view.traces.service_name(span), text


def _bottleneck(view: Waterfall, width: int, hint: str) -> Iterator[Line]:
    """Yield the operation with the longest critical time; if the path is short, first the time off the path."""
    if not view.has_path or not view.whole[1]:
        return
    _, starts, ends = view.sections
    critical = _covered(starts, ends)
    is_short = 2 * critical < view.whole[1]
    if is_short:
        yield Line([(_off_path(view, critical), Role.STRONG)])
    if not view.critical.any():
        return
    number, spent = slowest_operation(view)
    share = 100 * spent / (view.critical.sum() if is_short else view.path_ns)
    service, operation = view.traces.operation_label(number)
    slot = view.slots[view.traces.services.index(service)]
    role = Role.STRONG if share >= BOTTLENECK_PERCENT and not is_short else Role.PLAIN
    is_part = view.stop - view.first < len(view.traces.spans_of(view.trace))
    of = f"{view.duration(critical)} critical" if is_short else "this subtree" if is_part else "the critical path"
    line = Line([(view.glyphs.solid, Role.service(slot)), (f" {numbers.percent(share)} of {of}: ", role)])
    callee = _network_to(view, number, spent)
    if callee:
        line.add(network_name(service, callee), role)
    else:
        line.add(safe(service), Role.service(slot)).add(" ").add(safe(operation) or "(no name)", role)
    key = _hint_line(hint, width)
    yield line.cropped(width - key.width, view.glyphs.ellipsis).extend(key)


def slowest_operation(view: Waterfall) -> tuple[int, int]:
    """Return the number of the operation with the longest critical time, and that in ns; a path is needed."""
    operations, index = np.unique(view.traces.operation[view.first : view.stop], return_inverse=True)
    times = np.bincount(index, view.critical)
    top = int(np.argmax(times))
    return int(operations[top]), int(times[top])


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


def _corrected(traces: TraceSet, within: slice) -> int:
    """Count the spans that a correction of clock skew moved."""
    return int(((traces.flags[within] & int(Flag.SKEW_ADJUSTED)) > 0).sum())


def _warnings(view: Waterfall, undo: str) -> Iterator[Line]:
    """Yield clock skew or its correction, several roots, and the number of other warnings. undo: text on a key"""
    glyphs, traces, trace = view.glyphs, view.traces, view.trace
    within = slice(view.first, view.stop)
    skewed = int((view.outside == SKEWED).sum())
    if skewed:
        yield Line([(f"{glyphs.warning} clock skew? {numbers.counted(skewed, 'span')}", Role.WARNING)])
    corrected = _corrected(traces, within)
    if corrected:
        key = f" ({undo})" if undo else ""
        yield Line([(f"clock skew corrected in {numbers.counted(corrected, 'span')}{key}", Role.PLAIN)])
    roots = int(((traces.parent[within] < 0) & ((traces.flags[within] & int(Flag.ORPHAN)) == 0)).sum())
    if roots > 1:
        yield Line([(f"{glyphs.warning} {roots:,} roots", Role.WARNING)])
    spans = traces.spans_of(trace)
    named = _corrected(traces, slice(spans.start, spans.stop)) + int(traces.skewed[trace])
    number = int(traces.trace_warning_counts[trace]) - named
    if number:
        yield Line([(f"{glyphs.warning} {numbers.counted(number, 'warning')}", Role.WARNING)])
    texts = view.traces.trace_warnings.get(view.trace, [])
    for text in texts[:_SHOWN_TRACE_WARNINGS]:
        yield Line([(f"{glyphs.warning} {safe(text, 300)}", Role.WARNING)])
