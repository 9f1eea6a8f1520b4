"""Layout of the trace list: distribution of the width among its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

GAP = 2
DURATION_HEADING = "duration"
WHOLE_HEADING = "whole trace"
_MIN_NAME = 40
"""Cells that a name has before there are less important columns."""
_MIN_BAR = 4
_USEFUL_BAR = 8
_MIN_VERDICT = 14
_USEFUL_VERDICT = 24
_MIN_SERVICES = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnWidths:
    """Widths of the columns at which nothing is cut."""

    start: int
    short_start: int
    """Start times without milliseconds."""
    name: int
    services: int
    """Services as two letters each."""
    full_services: int
    """Services as names."""
    some_services: int
    """Width of the first few service names; from this width on, names are more useful than two letters each."""
    spans: int
    errors: int
    duration: int
    whole: int
    """Duration of the whole trace; 0 if the response times are the same."""
    verdict: int
    """Error messages; 0 if no trace has errors."""
    attributes: tuple[int, ...] = ()
    """Columns of attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLayout:
    """Widths of the columns in cells; 0 for a column that does not fit."""

    start: int = 0
    name: int = 0
    services: int = 0
    spans: int = 0
    errors: int = 0
    whole: int = 0
    duration: int = 0
    bar: int = 0
    verdict: int = 0
    """The error message after the bar."""
    attributes: tuple[int, ...] = ()
    """Those of the first attributes that fit."""
    full_services: bool = False
    """True if services are shown by name."""
    exact_start: bool = True
    """True if start times have milliseconds."""


@lru_cache(maxsize=256)
def lay_out(needs: ColumnWidths, width: int) -> TraceLayout:
    """Choose the columns that fit: the least important are dropped first, remaining room goes to names, then the rest.

    Monotonic: a wider line has all columns of a narrower one, and cuts nothing that the narrower one shows in full.
    """
    # at least as wide as the heading with its sort arrow, so that numbers and heading align
    duration = max(needs.duration, len(DURATION_HEADING) + 2)
    short, few = needs.short_start, min(needs.services, _MIN_SERVICES)
    least = min(needs.name, _MIN_NAME)
    every, none = needs.attributes, ()
    # the attributes were chosen by the user, and go after all but errors, names and durations
    fewer = [(0, 0, 0, needs.errors, 0, every[:count]) for count in range(len(every) - 1, -1, -1)]
    tries = (
        (needs.start, needs.services, needs.spans, needs.errors, _MIN_BAR, every),
        (short, needs.services, needs.spans, needs.errors, _MIN_BAR, every),
        (short, needs.services, 0, needs.errors, _MIN_BAR, every),
        (short, few, 0, needs.errors, _MIN_BAR, every),
        (short, few, 0, needs.errors, 0, every),
        (short, 0, 0, needs.errors, 0, every),
        (0, 0, 0, needs.errors, 0, every),
        *fewer,
        (0, 0, 0, needs.errors, 0, none),
        (0, 0, 0, 0, 0, none),
    )
    for start, services, spans, errors, bar, attributes in tries:
        fixed = (start, services, spans, errors, *attributes)
        left = width - 2 - duration - sum(cells + GAP for cells in fixed if cells) - GAP
        left -= bar + 1 if bar else 0
        if left >= least or not any(fixed):
            break
    name = max(min(needs.name, left), min(left, 8), 1)
    layout = TraceLayout(
        start=start, name=name, services=services, spans=spans, errors=errors, duration=duration, bar=bar
    )
    layout = replace(layout, attributes=attributes, exact_start=start > short)
    return _distribute(layout, needs, max(left - name, 0))


def _distribute(layout: TraceLayout, needs: ColumnWidths, left: int) -> TraceLayout:
    """Distribute the remaining width, in this order: milliseconds, two letters per service, durations of whole traces,
    the error message, service names, the full message.

    Each grows only if nothing before it can, so that a wider line never shows less.
    """

    def take(cells: int) -> int:
        nonlocal left
        cells = max(min(cells, left), 0)
        left -= cells
        return cells

    start, services, bar, whole, verdict, full = layout.start, layout.services, layout.bar, 0, 0, False
    has_spans = layout.spans == needs.spans
    if start and has_spans and left >= needs.start - start:
        start += take(needs.start - start)
    if services:
        services += take(needs.services - services)
    if bar:
        bar += take(_USEFUL_BAR - bar)
    every = has_spans and start == needs.start
    if needs.whole and every:
        # mostly equal to the response time beside it
        whole = needs.whole if left >= needs.whole + GAP else 0
        left -= whole + GAP if whole else 0
        every = whole > 0
    if every and needs.verdict and left >= _MIN_VERDICT + GAP:
        left -= GAP
        verdict = take(min(_USEFUL_VERDICT, needs.verdict))
    if every and services and (verdict or not needs.verdict) and services + left >= needs.some_services:
        full = True
        services += take(needs.full_services - services)
    if verdict and (full or not services):
        verdict += take(needs.verdict - verdict)
    return replace(
        layout,
        start=start,
        services=services,
        full_services=full,
        exact_start=start >= needs.start,
        whole=whole,
        bar=bar + left if bar else 0,
        verdict=verdict,
    )
