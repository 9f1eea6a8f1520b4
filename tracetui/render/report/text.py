"""Report as lines of text for any width: summary, durations, bottlenecks, errors and dependencies.

Untrusted text is made safe here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.dependencies import Edge
from tracetui.analysis.span_warnings import WarningCount
from tracetui.analysis.summary import DurationStats
from tracetui.analysis.verdict import SetVerdict
from tracetui.render.report.bottlenecks_text import bottlenecks_text, critical_path_text
from tracetui.render.report.errors_text import errors_text
from tracetui.render.report.text_blocks import INDENT, Page, ReportOptions
from tracetui.render.services.table import duration_or_unknown, p95_heading, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.cells import cut
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Column
from tracetui.render.verdict import GAP, LABEL_WIDTH, verdict_statements


def report_text(analysis: Analysis, sections: Collection[str], options: ReportOptions) -> Iterator[Line]:
    """Yield the summary and the named sections (see `render.report.json.SECTIONS`)."""
    page = Page(options)
    yield from _verdict(page, analysis, sections)
    yield from _summary(page, analysis)
    if not analysis.traces.trace_count:
        return
    for name, lines in _SECTIONS.items():
        if name in sections:
            yield Line()
            yield from lines(page, analysis)


def _verdict(page: Page, analysis: Analysis, sections: Collection[str]) -> Iterator[Line]:
    """Yield the verdict, as far as it concerns the sections."""
    if not analysis.traces.trace_count or not {"errors", "bottlenecks"} & set(sections):
        return
    verdict = SetVerdict(
        analysis.failing if "errors" in sections else None, analysis.slow if "bottlenecks" in sections else None
    )
    if verdict.failing is None and verdict.slow is None and not {"errors", "bottlenecks"} <= set(sections):
        return
    for statement in verdict_statements(verdict, local=page.options.local_time):
        yield from page.flowed(*statement.parts, indent=" " * LABEL_WIDTH, gap=GAP, head=statement.label)
    yield Line()


def _warning_text(count: WarningCount) -> str:
    """`orphan 3 in 2 traces`"""
    return f"{count.kind.name} {count.spans:,} in {numbers.counted(count.traces, 'trace')}"


def _summary(page: Page, analysis: Analysis) -> Iterator[Line]:
    summary, options = analysis.summary, page.options
    if not summary.trace_count:
        none = f"No match among {options.searched}" if options.searched else "No trace matches"
        yield from page.wrapped(none + (f" in {options.window}" if options.window else ""), Role.TITLE)
        if options.filtered:
            yield from page.wrapped(f"filter: {safe(options.filtered)}", Role.DIM)
        if options.words:
            yield from page.wrapped(safe(options.words), Role.DIM)
        return
    counts = [
        numbers.counted(summary.trace_count, "trace"),
        numbers.counted(summary.span_count, "span"),
        numbers.counted(summary.service_count, "service"),
    ]
    window = ""
    if summary.start_ns is not None and summary.end_ns is not None:
        day = numbers.date_clock(summary.start_ns, options.local_time)[:10]
        window = numbers.time_range(summary.start_ns, summary.end_ns, options.local_time, options.ascii_only)
        if day not in window:
            window = f"{day} {window}"
    yield from page.flowed(page.line(("  ".join(counts), Role.TITLE)), page.line((window, Role.PLAIN)))
    if summary.duplicate_span_count:
        duplicates = numbers.counted(summary.duplicate_span_count, "duplicate span record")
        yield page.line((f"{duplicates} merged", Role.DIM))
    if options.filtered:
        yield from page.wrapped(f"filter: {safe(options.filtered)}", Role.DIM)
    if summary.error_trace_count:
        failures = (summary.error_trace_count, summary.failed_request_count, summary.trace_count)
        yield page.line((f"{page.glyphs.origin} {numbers.failures_of(*failures)}", Role.ERROR))
    else:
        yield page.line(("no errors", Role.PLAIN))
    kinds = [_warning_text(count) for count in analysis.warning_counts]
    if kinds or summary.warning_count:
        head = f"{page.glyphs.warning} warnings  "
        warned = [Line([(text, Role.WARNING)]) for text in kinds or [f"{summary.warning_count:,}"]]
        yield from page.flowed(*warned, indent=" " * len(head), head=Line([(head, Role.WARNING)]))
    if summary.skewed_trace_count:
        where = numbers.counted(summary.skewed_trace_count, "trace")
        what = Line([(f"{page.glyphs.warning} clock skew in {where}:", Role.WARNING)])
        why = Line([("spans lie outside callers that waited for them;", Role.WARNING)])
        yield from page.flowed(what, why, Line([("--adjust-skew corrects this", Role.WARNING)]), gap=1)
    if summary.nameless_span_count:
        nameless = numbers.counted(summary.nameless_span_count, "span")
        texts = (f"{page.glyphs.warning} {nameless} without a service name,", "counted with the service above")
        yield from page.flowed(*[Line([(text, Role.WARNING)]) for text in texts], gap=1)
    yield Line()
    yield from _stats(page, "Response time", summary.response_times)
    if summary.response_differs:
        count = f"{summary.differing_count:,} of {numbers.counted(summary.trace_count, 'trace')}"
        whose = "its" if summary.differing_count == 1 else "their"
        longer = f"{count} lasted over 5 % longer than {whose} response time,"
        clocks = " or clock skew" if summary.skewed_trace_count else ""
        reason = f"due to work after the response{clocks}"
        parts = [Line([(longer, Role.PLAIN)]), Line([(reason, Role.PLAIN)])]
        yield from page.flowed(*parts, indent=INDENT, gap=1)
        yield from _stats(page, "Duration", summary.durations)
    if summary.root_missing_count:
        count = numbers.counted(summary.root_missing_count, "trace")
        yield page.line((f"{INDENT}root missing in {count}: the trace duration counts as response time", Role.DIM))


def _stats(page: Page, what: str, found: DurationStats) -> Iterator[Line]:
    """Yield percentiles of durations under a heading with their number; the range if there are few."""
    few = ("min", "mean", "p50", "max")
    names = few if are_few(found.count) else ("mean", "p50", "p90", "p95", "p99", "max")
    values = [(name, float(getattr(found, f"{name}_ns"))) for name in names]
    yield Line([(what, Role.TITLE), (f" of {numbers.counted(found.count, 'trace')}", Role.DIM)])
    stats = [Line([(f"{name} ", Role.DIM), (numbers.milliseconds(round(ns)), Role.STRONG)]) for name, ns in values]
    yield from page.flowed(*stats, indent=INDENT, gap=2)


def _dependencies(page: Page, analysis: Analysis) -> Iterator[Line]:
    services, edges = analysis.dependencies.service_columns, analysis.dependencies.edge_columns
    yield page.line(("Services", Role.TITLE), (f" {len(services):,}, with incoming calls", Role.DIM))
    # the columns are sorted by name
    by_calls = np.argsort(-services.call_count, kind="stable")
    shown = page.few(len(services), 15)
    listed = services.figures(by_calls[:shown])
    yield from page.table(
        [
            Column("service", grows=True),
            Column("calls", "right"),
            Column("errors", "right"),
            Column("mean", "right"),
            Column(p95_heading(one.latency for one in listed), "right"),
        ],
        [
            [
                safe(service.service) + (" (inferred)" if service.inferred else ""),
                numbers.count(service.call_count),
                _rate(service.error_rate),
                duration_or_unknown(service.latency.mean_ns, service.call_count, page.glyphs),
                p95_or_range(service.latency, service.call_count, page.glyphs),
            ]
            for service in listed
        ],
    )
    yield from page.more(len(services) - shown, "service")
    yield Line()
    yield page.line(("Dependencies", Role.TITLE), (f" {len(edges):,}, by calls", Role.DIM))
    if not len(edges):
        yield page.line((f"{INDENT}none: no service calls another", Role.PLAIN))
        return
    by_calls = np.argsort(-edges.call_count, kind="stable")
    shown = page.few(len(edges), 20)
    calls = edges.edges(by_calls[:shown])
    yield from page.table(
        [
            Column("caller and callee", grows=True),
            Column("calls", "right"),
            Column("errors", "right"),
            Column("p50", "right"),
            Column(p95_heading(one.latency for one in calls), "right"),
        ],
        [
            [
                _edge(page, edge),
                numbers.count(edge.call_count),
                _rate(edge.error_rate),
                duration_or_unknown(edge.latency.p50_ns, edge.call_count, page.glyphs),
                p95_or_range(edge.latency, edge.call_count, page.glyphs),
            ]
            for edge in calls
        ],
    )
    yield from page.more(len(edges) - shown, "dependency", "dependencies")


def _edge(page: Page, edge: Edge) -> str:
    arrow = page.glyphs.async_call if edge.is_async else page.glyphs.sync_call
    return f"{safe(edge.caller)} {arrow} {safe(edge.callee)}" + (" (inferred)" if edge.inferred else "")


def _rate(percent: float) -> str:
    return numbers.percent(percent) if percent else "-"


def warning_lines(warnings: Collection[object], glyphs: Glyphs, width: int) -> Iterator[Line]:
    """Yield a line for each input warning."""
    for warning in warnings:
        yield Line(
            [(f"{glyphs.warning} ", Role.WARNING), (cut(safe(str(warning)), width - 2, glyphs.ellipsis), Role.PLAIN)]
        )


_SECTIONS = {
    "bottlenecks": bottlenecks_text,
    "critical_paths": critical_path_text,
    "errors": errors_text,
    "dependencies": _dependencies,
}
