"""Analysis results for one span as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.error_messages import NO_MESSAGE
from tracetui.analysis.span_facts import Rank, SpanFacts, SpanNetwork
from tracetui.model.span import Kind, Span
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe

_MIN_WAIT_PERCENT = 1.0
_NAMED_STEPS = 4
"""Most operations named between where an error began and the span."""
_UNIT = re.compile(r"(?:%|ns|µs|us|ms|s|min|h|UTC)(?!\w)")


def _peer_durations(rank: Rank, duration: Callable[[int], str]) -> str:
    """Format peer durations as `p50 1 ms, p95 3 ms of 100 calls`; for few calls as `range 1 ms to 3 ms of 5 calls`."""
    count = f"of {rank.n:,} calls"
    if are_few(rank.n):
        least, most = (duration(ns) for ns in (rank.least_ns, rank.most_ns))
        return f"range {least} to {most} {count}" if least != most else f"{least} {count}"
    return f"p50 {duration(round(rank.p50_ns))}, p95 {duration(round(rank.p95_ns))} {count}"


def kind_words(kind: Kind) -> str:
    """Name a span kind: `client`; an unspecified kind counts as internal (OpenTelemetry's default)."""
    return (Kind.INTERNAL if kind is Kind.UNSPECIFIED else kind).name.lower()


def critical_words(span: Span, facts: SpanFacts, duration: Callable[[int], str]) -> Iterator[tuple[str, str]]:
    """Yield critical share and self time of the span, as (text, role)."""
    whole = facts.trace_duration_ns
    share = 100 * facts.critical_ns / facts.trace_path_ns if facts.critical_ns else 0.0
    if share:
        role = Role.STRONG if share >= BOTTLENECK_PERCENT else Role.PLAIN
        yield f"critical {duration(facts.critical_ns)} ({numbers.percent(share)})", role
    elif facts.is_async:
        yield "asynchronous, on no request's critical path", Role.PLAIN
    else:
        yield "not on the critical path", Role.PLAIN
    if whole and span.duration_ns not in (whole, facts.critical_ns):
        yield f"duration {numbers.percent(100 * span.duration_ns / whole)} of the trace", Role.PLAIN
    if facts.children:
        yield f"self time {duration(facts.self_ns)}", Role.PLAIN


def waited_words(span: Span, facts: SpanFacts, duration: Callable[[int], str]) -> Iterator[tuple[str, str]]:
    """Yield the calls that the span waited for, as (text, role); none below 1 % of the critical path."""
    for number, one in enumerate(facts.waited_for):
        share = 100 * one.ns / facts.trace_path_ns if facts.trace_path_ns else 0.0
        if share < _MIN_WAIT_PERCENT:
            return
        service = "" if one.service == span.service else f"{safe(one.service, 60)} "
        calls = f" ({numbers.counted(one.count, 'call')})" if one.count > 1 else ""
        text = f"{service}{safe(one.operation, 60) or '(no name)'}{calls} {duration(one.ns)} ({numbers.percent(share)})"
        yield f"{'' if number else 'waited for '}{text}", Role.STRONG if share >= BOTTLENECK_PERCENT else Role.PLAIN


def skew_words(skew_ns: int, glyphs: Glyphs, correction: str, duration: Callable[[int], str]) -> tuple[str, str]:
    """Describe where a span with clock skew lies, as (text, role). correction: text on the key that corrects it"""
    where = f"{duration(abs(skew_ns))} {'before its caller' if skew_ns < 0 else 'after its caller ended'}"
    key = f"; {correction}" if correction else ""
    return f"{glyphs.warning} clock skew? begins {where}{key}", Role.WARNING


def network_words(network: SpanNetwork, duration: Callable[[int], str]) -> Iterator[tuple[str, str]]:
    """Yield the network or queue time of a call, and its parts, as (text, role)."""
    callee = safe(network.callee, 60)
    if network.is_async:
        yield f"queue time {duration(network.total_ns)} until {callee}", Role.PLAIN
    else:
        yield f"network to {callee} {duration(network.total_ns)}", Role.PLAIN
    if network.split_ns is None:
        yield "not divided, as the clocks of the hosts differ", Role.DIM
    elif network.total_ns and not network.is_async:
        before, after = network.split_ns
        yield f"{duration(before)} until the callee began, {duration(after)} after it ended", Role.DIM


def cause_lines(facts: SpanFacts, glyphs: Glyphs, width: int) -> list[Line]:
    """Return where the error of the span began, and how it got here; further lines are indented."""
    lines = []
    for number, (service, operation, message) in enumerate(facts.caused_by):
        reported = f": {safe(message, 200)}" if message and message != NO_MESSAGE else ""
        text = f"{safe(service, 60)} {safe(operation, 60) or '(no name)'}{reported}"
        lines += indented(f"{'and' if number else f'{glyphs.origin} began'} in {text}", Role.ERROR, width)
    more = facts.cause_count - len(facts.caused_by)
    if more:
        lines.append(Line([(f"  and in {numbers.counted(more, 'other span')}", Role.DIM)]))
    if facts.via:
        named = [safe(name, 60) or "(no name)" for name in facts.via[:_NAMED_STEPS]]
        rest = len(facts.via) - len(named)
        way = [*named, *([f"{rest:,} more"] if rest else [])]
        parts = [Line([(f"via {way[0]}" if not at else name, Role.PROPAGATED)]) for at, name in enumerate(way)]
        for part in parts[:-1]:
            part.add(",", Role.PROPAGATED)
        lines += [Line([("    ", Role.PLAIN)]).extend(line) for line in flowed(parts, max(width - 4, 1), 1)]
    return lines


def indented(text: str, role: str, width: int) -> list[Line]:
    """Wrap a safe text; all lines but the first are indented by two cells more than that."""
    start = len(text) - len(text.lstrip(" "))
    first, *rest = words_wrapped(text, width)
    indent = " " * (start + 2)
    rest = words_wrapped(" ".join(rest), max(width - len(indent), 1)) if rest else []
    return [Line([(first, role)]), *(Line([(indent + part, role)]) for part in rest)]


def context_words(
    span: Span, facts: SpanFacts | None, when: str, duration: Callable[[int], str]
) -> Iterator[tuple[str, str]]:
    """Yield the start of the span, the durations of its peers, and its neighbours in the tree, as (text, role)."""
    if facts is None:
        yield f"started {when}", Role.DIM
        return
    after = span.start_ns - facts.trace_start_ns
    yield f"started {'+' if after >= 0 else ''}{duration(after)}, {when}", Role.DIM
    if facts.rank.n > 1:
        yield _peer_durations(facts.rank, duration), Role.DIM
    if facts.parent:
        which = f"{facts.position:,} of {facts.siblings:,}" if facts.siblings > 1 else "only call"
        same_operation = f", {facts.same_operation:,} of this operation" if facts.same_operation > 1 else ""
        yield f"{which} below {' '.join(safe(name, 60) for name in facts.parent)}{same_operation}", Role.DIM
    if facts.children:
        below = f", {numbers.counted(facts.below, 'span')} below" if facts.below > facts.children else ""
        yield f"{numbers.counted(facts.children, 'child', 'children')}{below}", Role.DIM


def flowed_text(items: Iterable[tuple[str, str]], width: int) -> list[Line]:
    """Arrange safe texts, as many per line as fit; wider ones are wrapped."""
    return flowed((Line([(part, role)]) for text, role in items for part in words_wrapped(text, width)), width)


def words_wrapped(text: str, width: int) -> list[str]:
    """Wrap safe text to lines of at most `width` cells, between words if possible, but not between figure and unit."""
    lines = []
    while cell_width(text) > width:
        head = cut(text, width, "")
        blank = head.rfind(" ") if text[len(head) : len(head) + 1] != " " else len(head)
        before = text.rfind(" ", 0, max(blank, 0))
        if before > 0 and text[blank - 1].isdigit() and _UNIT.match(text, blank + 1):
            blank = before
        if blank <= 0:
            blank = len(head)
        if not blank:
            break
        lines.append(text[:blank].rstrip(" "))
        text = text[blank:].lstrip(" ")
    return [*lines, text]
