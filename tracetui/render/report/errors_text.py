"""Errors in the report: patterns, and errors by service."""

from __future__ import annotations

from collections.abc import Iterator

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.errors import ErrorPattern
from tracetui.render.errors.outcomes import outcome_counts
from tracetui.render.report.text_blocks import INDENT, Page
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_SERVICES = 4
"""Largest number of services listed to which errors propagated."""
_EXAMPLES = 3
"""Largest number of example traces per pattern of a service."""


def errors_text(page: Page, analysis: Analysis) -> Iterator[Line]:
    errors = analysis.errors
    counts = (errors.error_trace_count, errors.failed_request_count, errors.trace_count)
    yield page.line(
        ("Errors", Role.TITLE),
        (f" {numbers.failures_of(*counts)}", Role.ERROR if errors.error_trace_count else Role.DIM),
    )
    if errors.cancelled_count:
        text = f"{numbers.counted(errors.cancelled_count, 'error')} cancelled after another error"
        yield page.line((f"{INDENT}{text}, not in any pattern", Role.DIM))
    if not errors.patterns:
        yield page.line((f"{INDENT}none", Role.PLAIN))
        return
    shown = page.few(len(errors.patterns), 10)
    for pattern in errors.patterns[:shown]:
        yield from _pattern(page, analysis, pattern)
    yield from page.more(len(errors.patterns) - shown, "pattern")
    yield Line()
    yield from _errors_by_service(page, analysis)


def _errors_by_service(page: Page, analysis: Analysis) -> Iterator[Line]:
    by_service = analysis.errors.by_service()
    yield page.line(("Errors by service", Role.TITLE), (" where they began", Role.DIM))
    shown = page.few(len(by_service), 10)
    for service, patterns in list(by_service.items())[:shown]:
        count = sum(pattern.count for pattern in patterns)
        yield page.line((f"{INDENT}{safe(service)}", Role.STRONG), (f"  {numbers.counted(count, 'error')}", Role.PLAIN))
        few = page.few(len(patterns), 3)
        for pattern in patterns[:few]:
            share = numbers.whole_percent(100 * pattern.count / count)
            head = f"{INDENT * 2}{pattern.count:>5,} {share:>5}  "
            yield page.line((head, Role.PLAIN), (safe(pattern.message), Role.PLAIN))
            indent = " " * cell_width(head)
            examples = pattern.example_traces if page.options.verbose else pattern.example_traces[:_EXAMPLES]
            traces = [Line([page.trace(analysis.traces.trace_ids[trace])]) for trace in examples]
            traces[0] = Line([("traces " if len(traces) > 1 else "trace ", Role.DIM)]).extend(traces[0])
            yield from page.flowed(*traces, indent=indent)
        if len(patterns) > few:
            yield page.line((f"{INDENT * 2}{numbers.counted(len(patterns) - few, 'more pattern')}", Role.DIM))
    yield from page.more(len(by_service) - shown, "service")


def _pattern(page: Page, analysis: Analysis, pattern: ErrorPattern) -> Iterator[Line]:
    head = f"{INDENT}{pattern.count:>5,} {numbers.whole_percent(pattern.percent):>5}  "
    message = safe(pattern.message)
    yield page.line((head, Role.PLAIN), (page.glyphs.origin + " ", Role.ERROR), (message, Role.STRONG))
    indent = " " * cell_width(head) + "  "
    where = f"in {safe(pattern.service)}, {safe(pattern.operations[0])}"
    if len(pattern.operations) > 1:
        where += f" and {numbers.counted(len(pattern.operations) - 1, 'other operation')}"
    yield page.line((indent, Role.PLAIN), (where, Role.PLAIN))
    facts = []
    if pattern.propagated_to:
        facts.append(_propagated(pattern, page.width - len(indent)))
    facts += [Line([(words, Role.PLAIN)]) for words in outcome_counts(pattern)]
    example = page.trace(analysis.traces.trace_ids[pattern.example_traces[0]])
    facts.append(Line([("example ", Role.DIM), example]))
    yield from page.flowed(*facts, indent=indent)


def _propagated(pattern: ErrorPattern, width: int) -> Line:
    """Return the services that errors propagated to, as many as fit."""
    services = [f"{safe(service)} {count:,}" for service, count in pattern.propagated_to]
    for shown in range(min(len(services), _SERVICES), 0, -1):
        more = f" +{len(services) - shown}" if shown < len(services) else ""
        line = Line([("propagated to ", Role.DIM), (", ".join(services[:shown]), Role.PROPAGATED), (more, Role.DIM)])
        if line.width <= width:
            break
    return line
