"""Report as lines of text for any width: summary, durations, bottlenecks, errors and dependencies.

Untrusted text is made safe here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT, Bottleneck
from tracetui.analysis.dependencies import Edge
from tracetui.analysis.errors import ErrorPattern
from tracetui.analysis.summary import DurationStats
from tracetui.analysis.verdict import SetVerdict
from tracetui.render.errors.outcomes import outcome_counts
from tracetui.render.hot_spots.suggestions import words_of
from tracetui.render.services.table import duration_or_unknown, p95_heading, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Line, Role, flowed, wrapped
from tracetui.render.text.percentiles import are_few, spread_words
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Column, table
from tracetui.render.verdict import GAP, LABEL_WIDTH, verdict_statements

_INDENT = "  "
_SERVICES = 4
"""Most services listed to which errors propagated."""
_EXAMPLES = 3
"""Most example traces per pattern of a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Layout of a report. `width` in cells; `verbose` lists everything."""

    width: int = 80
    ascii_only: bool = False
    verbose: bool = False
    local_time: bool = False
    filtered: str = ""
    """Description of the filters, '' for none."""
    searched: str = ""
    """Description of the traces searched on a server that has more; '' if all were searched."""
    words: str = ""
    """Description of where the words of the filters were searched; '' for none."""
    window: str = ""
    """Time range that servers were searched for: "the last 1h"; '' for files."""


def report_text(analysis: Analysis, sections: Collection[str], options: ReportOptions) -> Iterator[Line]:
    """Yield the summary and the named sections (see `render.report.json.SECTIONS`)."""
    report = _Report(analysis, options)
    parts = {
        "bottlenecks": report.bottlenecks,
        "critical_paths": report.critical_path,
        "errors": report.errors,
        "dependencies": report.dependencies,
    }
    yield from report.verdict(sections)
    yield from report.summary()
    if not analysis.traces.trace_count:
        return
    for name, lines in parts.items():
        if name in sections:
            yield Line()
            yield from lines()


class _Report:
    def __init__(self, analysis: Analysis, options: ReportOptions) -> None:
        self.analysis = analysis
        self.traces = analysis.traces
        self.options = options
        self.glyphs: Glyphs = ASCII if options.ascii_only else UNICODE
        self.width = options.width

    def _line(self, *runs: tuple[str, str]) -> Line:
        return Line(runs).cropped(self.width, self.glyphs.ellipsis)

    def _wrapped(self, text: str, role: str) -> list[Line]:
        return wrapped(Line([(text, role)]), self.width, self.glyphs.ellipsis)

    def _flowed(self, items: list[Line], width: int, gap: int = 3) -> list[Line]:
        return flowed(items, width, gap, self.glyphs.ellipsis)

    def _few(self, count: int, most: int) -> int:
        return count if self.options.verbose else min(count, most)

    def _more(self, left_out: int, noun: str, plural: str = "") -> Iterator[Line]:
        if left_out > 0:
            what = numbers.counted(left_out, f"more {noun}", plural and f"more {plural}")
            yield self._line((f"{_INDENT}{what}: --verbose lists all", Role.DIM))

    def verdict(self, sections: Collection[str]) -> Iterator[Line]:
        """Yield the verdict, as far as it concerns the sections."""
        analysis = self.analysis
        if not analysis.traces.trace_count or not {"errors", "bottlenecks"} & set(sections):
            return
        verdict = SetVerdict(
            analysis.failing if "errors" in sections else None, analysis.slow if "bottlenecks" in sections else None
        )
        if verdict.failing is None and verdict.slow is None and not {"errors", "bottlenecks"} <= set(sections):
            return
        for statement in verdict_statements(verdict, local=self.options.local_time):
            for number, line in enumerate(self._flowed(statement.parts, self.width - LABEL_WIDTH, GAP)):
                yield Line([(" " * LABEL_WIDTH, Role.PLAIN)] if number else statement.label.runs).extend(line)
        yield Line()

    def summary(self) -> Iterator[Line]:
        summary, options = self.analysis.summary, self.options
        if not summary.trace_count:
            none = f"No match among {options.searched}" if options.searched else "No trace matches"
            yield from self._wrapped(none + (f" in {options.window}" if options.window else ""), Role.TITLE)
            if options.filtered:
                yield from self._wrapped(f"filter: {safe(options.filtered)}", Role.DIM)
            if options.words:
                yield from self._wrapped(safe(options.words), Role.DIM)
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
        yield from self._flowed(
            [self._line(("  ".join(counts), Role.TITLE)), self._line((window, Role.PLAIN))], self.width
        )
        if summary.duplicate_span_count:
            duplicates = numbers.counted(summary.duplicate_span_count, "duplicate span record")
            yield self._line((f"{duplicates} merged", Role.DIM))
        if options.filtered:
            yield from self._wrapped(f"filter: {safe(options.filtered)}", Role.DIM)
        if summary.error_trace_count:
            failures = (summary.error_trace_count, summary.failed_request_count, summary.trace_count)
            yield self._line((f"{self.glyphs.origin} {numbers.failures_of(*failures)}", Role.ERROR))
        else:
            yield self._line(("no errors", Role.PLAIN))
        if summary.warning_count:
            orphans = numbers.counted(summary.orphan_span_count, "orphan span")
            text = f"{self.glyphs.warning} {numbers.counted(summary.warning_count, 'warning')} on spans and traces"
            yield self._line((text + (f", {orphans}" if summary.orphan_span_count else ""), Role.WARNING))
        if summary.skewed_trace_count:
            where = numbers.counted(summary.skewed_trace_count, "trace")
            what = Line([(f"{self.glyphs.warning} clock skew in {where}:", Role.WARNING)])
            why = Line([("spans lie outside callers that waited for them;", Role.WARNING)])
            yield from self._flowed([what, why, Line([("--adjust-skew corrects this", Role.WARNING)])], self.width, 1)
        if summary.nameless_span_count:
            nameless = numbers.counted(summary.nameless_span_count, "span")
            texts = (f"{self.glyphs.warning} {nameless} without a service name;", "calls pass through")
            yield from self._flowed([Line([(text, Role.WARNING)]) for text in texts], self.width, 1)
        yield Line()
        yield from self._stats("Response time", summary.response_times)
        if summary.response_differs:
            count = f"{summary.differing_count:,} of {numbers.counted(summary.trace_count, 'trace')}"
            longer = f"{count} lasted over 5 % longer than that,"
            clocks = " or clock skew" if summary.skewed_trace_count else ""
            reason = f"due to work after the response{clocks}"
            parts = [Line([(longer, Role.PLAIN)]), Line([(reason, Role.PLAIN)])]
            for line in self._flowed(parts, self.width - len(_INDENT), 1):
                yield Line([(_INDENT, Role.PLAIN)]).extend(line)
            yield from self._stats("Duration", summary.durations)
        if summary.root_missing_count:
            count = numbers.counted(summary.root_missing_count, "trace")
            yield self._line((f"{_INDENT}root missing in {count}: the trace duration is used", Role.DIM))

    def _stats(self, what: str, found: DurationStats) -> Iterator[Line]:
        """Yield percentiles of durations under a heading with their number; the range if there are few."""
        few = ("min", "mean", "p50", "max")
        names = few if are_few(found.count) else ("mean", "p50", "p90", "p95", "p99", "max")
        values = [(name, float(getattr(found, f"{name}_ns"))) for name in names]
        yield Line([(what, Role.TITLE), (f" of {numbers.counted(found.count, 'trace')}", Role.DIM)])
        stats = [Line([(f"{name} ", Role.DIM), (numbers.milliseconds(round(ns)), Role.STRONG)]) for name, ns in values]
        for line in self._flowed(stats, self.width - len(_INDENT), 2):
            yield Line([(_INDENT, Role.PLAIN)]).extend(line)

    def bottlenecks(self) -> Iterator[Line]:
        found = self.analysis.bottlenecks()
        yield self._line(
            ("Bottlenecks", Role.TITLE), (f" (over {BOTTLENECK_PERCENT:.0f} % of the critical path)", Role.DIM)
        )
        if not found:
            yield self._line((f"{_INDENT}none: no operation has such a share", Role.PLAIN))
        shown = self._few(len(found), 10)
        for rank, bottleneck in enumerate(found[:shown], 1):
            yield from self._bottleneck(rank, bottleneck)
        yield from self._more(len(found) - shown, "bottleneck")
        yield from self._async_work()
        yield from self._suggestions()

    def _async_work(self) -> Iterator[Line]:
        """Yield the entry points of asynchronous work with their bottlenecks."""
        found = self.analysis.async_work.entries()
        if not found:
            return
        yield Line()
        yield self._line(("Asynchronous work", Role.TITLE), (", off the critical path of requests", Role.DIM))
        shown = self._few(len(found), 5)
        for entry in found[:shown]:
            name = f"{self.glyphs.async_call} {safe(entry.service)} {safe(entry.operation)}"
            where = f"{numbers.counted(entry.unit_count, 'time')} in {numbers.counted(entry.trace_count, 'trace')}"
            parts = [Line([(f"{_INDENT}{name}", Role.STRONG)]), Line([(where, Role.PLAIN)])]
            parts.append(Line([(spread_words(entry.durations, _milliseconds), Role.PLAIN)]))
            for number, line in enumerate(self._flowed(parts, self.width - 2 * len(_INDENT))):
                yield Line([(_INDENT * 2 if number else "", Role.PLAIN)]).extend(line)
            for one in entry.bottlenecks[: self._few(len(entry.bottlenecks), 3)]:
                share = f"{numbers.whole_percent(one.share_percent):>6}"
                label = f"{safe(one.service)}.{safe(one.operation)}"
                duration = numbers.milliseconds(round(one.mean_critical_ns))
                yield self._line(
                    (f"{_INDENT}{share} ", Role.PLAIN), (f"{duration:>9}  ", Role.PLAIN), (label, Role.PLAIN)
                )
        yield from self._more(len(found) - shown, "entry point")

    def _suggestions(self) -> Iterator[Line]:
        found = self.analysis.suggestions
        if not found:
            return
        yield Line()
        yield self._line(("Suggestions", Role.TITLE), (", largest saving first", Role.DIM))
        shown = self._few(len(found), 5)
        for rank, suggestion in enumerate(found[:shown], 1):
            head = f"{_INDENT}{rank}. "
            for line in self._flowed(words_of(suggestion), self.width - len(head), 1):
                yield Line([(head, Role.DIM)]).extend(line)
                head = " " * len(head)
            saves = self._duration(suggestion.mean_saving_ns)
            parts = [
                Line(
                    [
                        ("saves up to ", Role.DIM),
                        (saves, Role.STRONG),
                        (f" ({numbers.percent(suggestion.share_percent)})", Role.PLAIN),
                    ]
                ),
                Line(
                    [("in ", Role.DIM), (f"{suggestion.trace_count:,}/{self.traces.trace_count:,} traces", Role.PLAIN)]
                ),
                Line([("example ", Role.DIM), (safe(self.traces.trace_ids[suggestion.example_trace]), Role.PLAIN)]),
            ]
            for line in self._flowed(parts, self.width - len(head)):
                yield Line([(head, Role.PLAIN)]).extend(line)
        yield from self._more(len(found) - shown, "suggestion")

    def _bottleneck(self, rank: int, found: Bottleneck) -> Iterator[Line]:
        head = f"{_INDENT}{rank}. "
        yield self._line((head, Role.DIM), (f"{safe(found.service)}.{safe(found.operation)}", Role.STRONG))
        indent = " " * len(head)
        parts = [
            Line(
                [
                    ("critical ", Role.DIM),
                    (numbers.milliseconds(round(found.mean_critical_ns)), Role.PLAIN),
                    (f" ({numbers.percent(found.share_percent)})", Role.STRONG),
                ]
            ),
            Line([("occurrences ", Role.DIM), (f"{found.occurrences:,}/{found.trace_count:,} traces", Role.PLAIN)]),
        ]
        for line in self._flowed(parts, self.width - len(indent)):
            yield Line([(indent, Role.PLAIN)]).extend(line)
        if found.pattern:
            yield self._line((f"{indent}pattern ", Role.DIM), (safe(found.pattern), Role.PLAIN))

    def critical_path(self) -> Iterator[Line]:
        traces, paths = self.traces, self.analysis.paths
        if not traces.trace_count:
            return
        order = np.lexsort((np.arange(traces.trace_count), -traces.response_time))
        shown = 1 if not self.options.verbose else min(len(order), 10)
        for trace in order[:shown].tolist():
            duration = int(paths.trace_critical[trace])
            yield from self._flowed(
                [
                    self._line(
                        ("Critical path", Role.TITLE),
                        (f" of the {'' if trace == order[0] else 'next '}slowest trace", Role.DIM),
                    ),
                    Line([(numbers.milliseconds(duration), Role.STRONG)]),
                    self._line((safe(traces.trace_ids[trace]), Role.DIM)),
                ],
                self.width,
            )
            spans = np.arange(int(traces.first[trace]), int(traces.first[trace + 1]))
            critical = paths.critical[spans]
            listed = spans[critical > 0]
            most = listed[np.argsort(-paths.critical[listed], kind="stable")][: self._few(len(listed), 8)]
            rows = [
                [
                    numbers.milliseconds(int(paths.critical[span])),
                    numbers.whole_percent(100 * int(paths.critical[span]) / duration if duration else 0.0),
                    f"{safe(traces.service_name(span))}.{safe(traces.operation_name(span))}",
                ]
                for span in np.sort(most).tolist()
            ]
            yield from table(
                [
                    Column("critical", "right"),
                    Column("share", "right"),
                    Column("span, in tree order", grows=True),
                ],
                rows,
                self.width,
                self.glyphs.ellipsis,
            )
            if len(listed) > len(most):
                rest = int(critical.sum()) - int(paths.critical[most].sum())
                more = numbers.counted(len(listed) - len(most), "more span")
                text = f"{more} with {numbers.milliseconds(rest)} in total"
                yield self._line((f"{_INDENT}{text}", Role.DIM))

    def errors(self) -> Iterator[Line]:
        errors = self.analysis.errors
        counts = (errors.error_trace_count, errors.failed_request_count, errors.trace_count)
        yield self._line(
            ("Errors", Role.TITLE),
            (f" {numbers.failures_of(*counts)}", Role.ERROR if errors.error_trace_count else Role.DIM),
        )
        if errors.cancelled_count:
            text = f"{numbers.counted(errors.cancelled_count, 'error')} cancelled after another error"
            yield self._line((f"{_INDENT}{text}, not in any pattern", Role.DIM))
        if not errors.patterns:
            yield self._line((f"{_INDENT}none", Role.PLAIN))
            return
        shown = self._few(len(errors.patterns), 10)
        for pattern in errors.patterns[:shown]:
            yield from self._pattern(pattern)
        yield from self._more(len(errors.patterns) - shown, "pattern")
        yield Line()
        yield from self._errors_by_service()

    def _errors_by_service(self) -> Iterator[Line]:
        by_service = self.analysis.errors.by_service()
        yield self._line(("Errors by service", Role.TITLE), (", where they began", Role.DIM))
        shown = self._few(len(by_service), 10)
        for service, patterns in list(by_service.items())[:shown]:
            count = sum(pattern.count for pattern in patterns)
            yield self._line(
                (f"{_INDENT}{safe(service)}", Role.STRONG), (f"  {numbers.counted(count, 'error')}", Role.PLAIN)
            )
            few = self._few(len(patterns), 3)
            for pattern in patterns[:few]:
                share = numbers.whole_percent(100 * pattern.count / count)
                head = f"{_INDENT * 2}{pattern.count:>5,} {share:>5}  "
                yield self._line((head, Role.PLAIN), (safe(pattern.message), Role.PLAIN))
                indent = " " * cell_width(head)
                examples = pattern.example_traces if self.options.verbose else pattern.example_traces[:_EXAMPLES]
                traces = [Line([(safe(self.traces.trace_ids[trace]), Role.PLAIN)]) for trace in examples]
                traces[0] = Line([("traces " if len(traces) > 1 else "trace ", Role.DIM)]).extend(traces[0])
                for line in self._flowed(traces, self.width - len(indent)):
                    yield Line([(indent, Role.PLAIN)]).extend(line)
            if len(patterns) > few:
                yield self._line((f"{_INDENT * 2}{numbers.counted(len(patterns) - few, 'more pattern')}", Role.DIM))
        yield from self._more(len(by_service) - shown, "service")

    def _pattern(self, pattern: ErrorPattern) -> Iterator[Line]:
        head = f"{_INDENT}{pattern.count:>5,} {numbers.whole_percent(pattern.percent):>5}  "
        message = safe(pattern.message)
        yield self._line((head, Role.PLAIN), (self.glyphs.origin + " ", Role.ERROR), (message, Role.STRONG))
        indent = " " * cell_width(head) + "  "
        where = f"in {safe(pattern.service)}, {safe(pattern.operations[0])}"
        if len(pattern.operations) > 1:
            where += f" and {numbers.counted(len(pattern.operations) - 1, 'other operation')}"
        yield self._line((indent, Role.PLAIN), (where, Role.PLAIN))
        facts = []
        if pattern.propagated_to:
            facts.append(self._propagated(pattern, self.width - len(indent)))
        facts += [Line([(words, Role.PLAIN)]) for words in outcome_counts(pattern)]
        example = safe(self.traces.trace_ids[pattern.example_traces[0]])
        facts.append(Line([("example ", Role.DIM), (example, Role.PLAIN)]))
        for line in self._flowed(facts, self.width - len(indent)):
            yield Line([(indent, Role.PLAIN)]).extend(line)

    def _propagated(self, pattern: ErrorPattern, width: int) -> Line:
        """Return the services that errors propagated to, as many as fit."""
        services = [f"{safe(service)} {count:,}" for service, count in pattern.propagated_to]
        for shown in range(min(len(services), _SERVICES), 0, -1):
            more = f" +{len(services) - shown}" if shown < len(services) else ""
            line = Line(
                [("propagated to ", Role.DIM), (", ".join(services[:shown]), Role.PROPAGATED), (more, Role.DIM)]
            )
            if line.width <= width:
                break
        return line

    def dependencies(self) -> Iterator[Line]:
        services, edges = self.analysis.dependencies.service_columns, self.analysis.dependencies.edge_columns
        yield self._line(("Services", Role.TITLE), (f" {len(services):,}, with incoming calls", Role.DIM))
        # the columns are sorted by name
        by_calls = np.argsort(-services.call_count, kind="stable")
        shown = self._few(len(services), 15)
        listed = services.figures(by_calls[:shown])
        yield from table(
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
                    duration_or_unknown(service.latency.mean_ns, service.call_count, self.glyphs),
                    p95_or_range(service.latency, service.call_count, self.glyphs),
                ]
                for service in listed
            ],
            self.width,
            self.glyphs.ellipsis,
        )
        yield from self._more(len(services) - shown, "service")
        yield Line()
        yield self._line(("Dependencies", Role.TITLE), (f" {len(edges):,}, by calls", Role.DIM))
        if not len(edges):
            yield self._line((f"{_INDENT}none: no service calls another", Role.PLAIN))
            return
        by_calls = np.argsort(-edges.call_count, kind="stable")
        shown = self._few(len(edges), 20)
        calls = edges.edges(by_calls[:shown])
        yield from table(
            [
                Column("caller and callee", grows=True),
                Column("calls", "right"),
                Column("errors", "right"),
                Column("p50", "right"),
                Column(p95_heading(one.latency for one in calls), "right"),
            ],
            [
                [
                    self._edge(edge),
                    numbers.count(edge.call_count),
                    _rate(edge.error_rate),
                    duration_or_unknown(edge.latency.p50_ns, edge.call_count, self.glyphs),
                    p95_or_range(edge.latency, edge.call_count, self.glyphs),
                ]
                for edge in calls
            ],
            self.width,
            self.glyphs.ellipsis,
        )
        yield from self._more(len(edges) - shown, "dependency", "dependencies")

    def _edge(self, edge: Edge) -> str:
        arrow = self.glyphs.async_call if edge.is_async else ("->" if self.options.ascii_only else "→")
        return f"{safe(edge.caller)} {arrow} {safe(edge.callee)}" + (" (inferred)" if edge.inferred else "")

    def _duration(self, ns: float) -> str:
        return numbers.duration(round(ns), self.options.ascii_only)


def _milliseconds(ns: float) -> str:
    return numbers.milliseconds(round(ns))


def _rate(percent: float) -> str:
    return numbers.percent(percent) if percent else "-"


def warning_lines(warnings: Collection[object], glyphs: Glyphs, width: int) -> Iterator[Line]:
    """Yield a line for each input warning."""
    for warning in warnings:
        yield Line(
            [(f"{glyphs.warning} ", Role.WARNING), (cut(safe(str(warning)), width - 2, glyphs.ellipsis), Role.PLAIN)]
        )
