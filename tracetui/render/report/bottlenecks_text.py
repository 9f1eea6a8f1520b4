"""Bottlenecks, asynchronous work, suggestions and critical paths in the report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT, Bottleneck
from tracetui.render.hot_spots.suggestions import words_of
from tracetui.render.report.text_blocks import INDENT, Page
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import spread_words
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Column
from tracetui.render.verdict import network_name

_MIN_NETWORK_PERCENT = 5.0
"""Share of network time in the critical time of a bottleneck from which on it is shown."""


def bottlenecks_text(page: Page, analysis: Analysis) -> Iterator[Line]:
    found = analysis.bottleneck_columns
    yield page.line(("Bottlenecks", Role.TITLE), (f" (over {BOTTLENECK_PERCENT:.0f} % of the critical path)", Role.DIM))
    if not len(found):
        yield page.line((f"{INDENT}none: no operation has such a share", Role.PLAIN))
    shown = page.few(len(found), 10)
    for rank, bottleneck in enumerate(found.bottlenecks(np.arange(shown)), 1):
        yield from _bottleneck(page, rank, bottleneck)
    yield from page.more(len(found) - shown, "bottleneck")
    yield from _async_work(page, analysis)
    yield from _suggestions(page, analysis)


def _bottleneck(page: Page, rank: int, found: Bottleneck) -> Iterator[Line]:
    head = f"{INDENT}{rank}. "
    operation = f"{safe(found.service)}.{safe(found.operation)}"
    name = network_name(found.service, found.network_to) if found.network_to else operation
    yield page.line((head, Role.DIM), (name, Role.STRONG))
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
        *_network(found, operation),
    ]
    yield from page.flowed(*parts, indent=indent)
    if found.pattern:
        yield page.line((f"{indent}pattern ", Role.DIM), (safe(found.pattern), Role.PLAIN))


def _network(found: Bottleneck, operation: str) -> Iterator[Line]:
    """Yield the call that waits for the network, or the network time of an operation that also works."""
    if found.network_to:
        yield Line([("call ", Role.DIM), (operation, Role.PLAIN)])
    elif 100 * found.network_ns >= _MIN_NETWORK_PERCENT * found.mean_critical_ns > 0:
        yield Line([("network ", Role.DIM), (numbers.milliseconds(round(found.network_ns)), Role.PLAIN)])


def _async_work(page: Page, analysis: Analysis) -> Iterator[Line]:
    """Yield the entry points of asynchronous work with their bottlenecks."""
    found = analysis.async_work.entries()
    if not found:
        return
    yield Line()
    yield page.line(("Asynchronous work", Role.TITLE), (", off the critical path of requests", Role.DIM))
    shown = page.few(len(found), 5)
    for entry in found[:shown]:
        name = f"{page.glyphs.async_call} {safe(entry.service)} {safe(entry.operation)}"
        where = f"{numbers.counted(entry.unit_count, 'time')} in {numbers.counted(entry.trace_count, 'trace')}"
        parts = [Line([(f"{INDENT}{name}", Role.STRONG)]), Line([(where, Role.PLAIN)])]
        parts.append(Line([(spread_words(entry.durations, lambda ns: numbers.milliseconds(round(ns))), Role.PLAIN)]))
        yield from page.flowed(*parts, indent=INDENT * 2, head=Line())
        for one in entry.bottlenecks[: page.few(len(entry.bottlenecks), 3)]:
            share = f"{numbers.whole_percent(one.share_percent):>6}"
            label = f"{safe(one.service)}.{safe(one.operation)}"
            duration = numbers.milliseconds(round(one.mean_critical_ns))
            yield page.line((f"{INDENT}{share} ", Role.PLAIN), (f"{duration:>9}  ", Role.PLAIN), (label, Role.PLAIN))
    yield from page.more(len(found) - shown, "entry point")


def _suggestions(page: Page, analysis: Analysis) -> Iterator[Line]:
    found = analysis.suggestions
    if not found:
        return
    yield Line()
    yield page.line(("Suggestions", Role.TITLE), (", largest saving first", Role.DIM))
    shown = page.few(len(found), 5)
    for rank, suggestion in enumerate(found[:shown], 1):
        head = f"{INDENT}{rank}. "
        indent = " " * len(head)
        yield from page.flowed(*words_of(suggestion), indent=indent, gap=1, head=Line([(head, Role.DIM)]))
        saves = page.duration(suggestion.mean_saving_ns)
        parts = [
            Line(
                [
                    ("saves up to ", Role.DIM),
                    (saves, Role.STRONG),
                    (f" ({numbers.percent(suggestion.share_percent)})", Role.PLAIN),
                ]
            ),
            Line(
                [("in ", Role.DIM), (f"{suggestion.trace_count:,}/{analysis.traces.trace_count:,} traces", Role.PLAIN)]
            ),
            Line([("example ", Role.DIM), page.trace(analysis.traces.trace_ids[suggestion.example_trace])]),
        ]
        yield from page.flowed(*parts, indent=indent)
    yield from page.more(len(found) - shown, "suggestion")


def critical_path_text(page: Page, analysis: Analysis) -> Iterator[Line]:
    traces, paths = analysis.traces, analysis.paths
    if not traces.trace_count:
        return
    order = np.lexsort((np.arange(traces.trace_count), -traces.response_time))
    shown = 1 if not page.options.verbose else min(len(order), 10)
    for trace in order[:shown].tolist():
        duration = int(paths.trace_critical[trace])
        yield from page.flowed(
            page.line(
                ("Critical path", Role.TITLE),
                (f" of the {'' if trace == order[0] else 'next '}slowest trace", Role.DIM),
            ),
            Line([(numbers.milliseconds(duration), Role.STRONG)]),
            page.line(page.trace(traces.trace_ids[trace], Role.DIM)),
        )
        spans = np.arange(int(traces.first[trace]), int(traces.first[trace + 1]))
        critical = paths.critical[spans]
        listed = spans[critical > 0]
        most = listed[np.argsort(-paths.critical[listed], kind="stable")][: page.few(len(listed), 8)]
        rows = [
            [
                numbers.milliseconds(int(paths.critical[span])),
                numbers.whole_percent(100 * int(paths.critical[span]) / duration if duration else 0.0),
                f"{safe(traces.service_name(span))}.{safe(traces.operation_name(span))}",
            ]
            for span in np.sort(most).tolist()
        ]
        yield from page.table(
            [
                Column("critical", "right"),
                Column("share", "right"),
                Column("span, in tree order", grows=True),
            ],
            rows,
        )
        if len(listed) > len(most):
            rest = int(critical.sum()) - int(paths.critical[most].sum())
            more = numbers.counted(len(listed) - len(most), "more span")
            text = f"{more} with {numbers.milliseconds(rest)} in total"
            yield page.line((f"{INDENT}{text}", Role.DIM))
