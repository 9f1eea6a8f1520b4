"""Preparation of a set and a trace for the waterfall view, outside the UI loop where that takes long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.critical_path import CriticalPaths
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import roles
from tracetui.analysis.network import NetworkTimes, network_times
from tracetui.analysis.self_time import self_times
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line
from tracetui.render.waterfall.first_rows import first_origin, longest_critical, unfold_important
from tracetui.render.waterfall.header import NO_HINTS, HeaderHints, header, slowest_operation
from tracetui.render.waterfall.minimap import MinimapData
from tracetui.render.waterfall.waterfall import Sections, Waterfall
from tracetui.tui.background_work import Work
from tracetui.tui.state import State

AT_ONCE = 200
"""Largest number of spans of a trace that is opened within the UI loop."""
_SMALL_SET = 10_000
_MOST_SELF_TIMES = 20_000
"""Largest number of spans of a trace whose self times are computed before it is shown."""
_MANY_ROWS = 200
"""Largest number of rows of a trace that is opened unfolded."""
INDENT = 2
"""Cells before every line, where rows have the cursor glyph."""


class SetFacts:
    """Facts about all traces of a set, computed once."""

    def __init__(self, traces: TraceSet, analysis: Analysis) -> None:
        self.traces = traces
        # the findings may be those of a part of the set
        self._analysis = analysis if analysis.traces is traces else Analysis(traces)

    def are_quick(self) -> bool:
        """True if computing them is not noticeable, as the set is small or they exist already."""
        return len(self.traces) <= _SMALL_SET or (
            "paths" in vars(self._analysis) and {"roles", "network"} <= vars(self).keys()
        )

    @property
    def paths(self) -> CriticalPaths:
        return self._analysis.paths

    @cached_property
    def roles(self) -> np.ndarray:
        return roles(self.traces)

    @cached_property
    def network(self) -> NetworkTimes:
        return network_times(self.traces)

    @cached_property
    def self_times(self) -> np.ndarray:
        return self_times(self.traces)


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """Size and contents of a header."""

    width: int
    lines: int
    """Largest number of lines."""
    local_time: bool = False
    page: str = ""
    """Address of a trace's web page, as in `model.trace_page`."""
    hints: HeaderHints = NO_HINTS
    """Text that names the keys that go to the next error and to the longest self time."""
    in_ascii: bool = False


@dataclass(frozen=True, slots=True)
class InitialSpans:
    """Spans to show when a trace is opened without a selected span."""

    cursor: int | None
    """Span under the cursor: in a large trace, the one with the longest critical time, if it or the first error origin
    would not be visible otherwise. None for the first span.
    """
    first_error: int | None
    """First error origin."""
    is_error_hidden: bool
    """True if the first error origin is not visible even so."""
    is_bottleneck_hidden: bool = False
    """True if the span with the longest self time is not visible, and is one of the bottleneck."""

    @classmethod
    def of(cls, view: Waterfall, visible_rows: int, *, is_large: bool) -> InitialSpans:
        longest, error = longest_critical(view), first_origin(view)
        spans = [span for span in (longest, error) if span is not None]
        rows = [view.rows.row_of(span) for span in spans]
        if max(rows, default=0) < visible_rows:
            return cls(None, error, False)
        if not is_large or longest is None:
            is_error_hidden = error is not None and view.rows.row_of(error) >= visible_rows
            return cls(None, error, is_error_hidden, _is_bottleneck_hidden(view, visible_rows))
        return cls(longest, error, max(rows) - min(rows) >= visible_rows)


def _is_bottleneck_hidden(view: Waterfall, visible_rows: int) -> bool:
    """Test whether the span with the longest self time is not visible, and is one of the bottleneck."""
    traces, trace = view.traces, view.trace
    spans = traces.spans_of(trace)
    if not view.critical.any() or len(spans) > _MOST_SELF_TIMES:
        return False
    times = self_times(traces.select(np.array([trace])))[view.first - spans.start : view.stop - spans.start]
    longest = view.first + int(np.argmax(times))
    is_bottleneck = int(traces.operation[longest]) == slowest_operation(view)[0]
    return is_bottleneck and view.rows.row_of(longest) >= visible_rows


@dataclass(eq=False)
class PreparedTrace:
    """Trace or subtree, prepared for display."""

    facts: SetFacts
    trace: int
    root: int | None
    view: Waterfall
    overview: MinimapData
    path: Sections
    """Critical path, in order of time for each root."""
    header: list[Line]
    header_options: HeaderOptions
    """Options for which the header was made; nothing else depends on them."""
    initial_spans: InitialSpans


def open_trace(
    facts: SetFacts, trace: int, root: int | None, glyphs: Glyphs, options: HeaderOptions, visible_rows: int
) -> PreparedTrace:
    """Prepare a trace, or the subtree of a span. visible_rows: number of rows that are visible at once"""
    traces = facts.traces
    sections = facts.paths.sections_of(trace)
    view = Waterfall(
        traces,
        trace,
        sections=sections,
        roles=facts.roles,
        glyphs=glyphs,
        root=root,
        message_of=lambda span: error_message(traces, span),
        network=facts.network,
    )
    is_large = len(view.rows) > _MANY_ROWS
    if is_large:
        unfold_important(view, visible_rows)
    view.layout(max(options.width, 1))
    within = (sections[0] >= view.first) & (sections[0] < view.stop)
    path = (sections[0][within], sections[1][within], sections[2][within])
    initial_spans = InitialSpans.of(view, visible_rows, is_large=is_large)
    return PreparedTrace(
        facts,
        trace,
        root,
        view,
        MinimapData.of(view),
        path,
        header_lines(view, options, initial_spans),
        options,
        initial_spans,
    )


def header_lines(view: Waterfall, options: HeaderOptions, spans: InitialSpans) -> list[Line]:
    """Return the header, indented like the rows. It names keys that go to what is not visible."""
    hints = replace(
        options.hints,
        error=options.hints.error if spans.is_error_hidden else "",
        bottleneck=options.hints.bottleneck if spans.is_bottleneck_hidden else "",
    )
    lines = header(view, max(options.width - INDENT, 1), options.local_time, options.lines, options.page, hints)
    return [Line([(" " * INDENT, "")]).extend(line) for line in lines]


@dataclass(frozen=True, slots=True)
class Opening:
    """A trace that is being opened, or the subtree of its span `root`."""

    trace: int
    root: int | None = None


class TraceOpener:
    """Opens one trace or subtree at a time."""

    def __init__(self, state: State, work: Work) -> None:
        self._state, self._work = state, work
        self.facts: SetFacts | None = None
        self.opening: Opening | None = None

    def take_set(self, loaded: TraceSet, analysis: Analysis) -> bool:
        """Open traces of this set from now on. -> whether it is another one"""
        if self.facts is not None and self.facts.traces is loaded:
            return False
        self.facts, self.opening = SetFacts(loaded, analysis), None
        return True

    def open(
        self, wanted: Opening, options: HeaderOptions, visible_rows: int, done: Callable[[PreparedTrace], None]
    ) -> None:
        """Open a trace, then call `done`, unless another one is opened meanwhile. Other arguments: see `open_trace`."""
        assert self.facts is not None
        self.opening = wanted
        glyphs = self._state.look.glyphs
        make = partial(open_trace, self.facts, wanted.trace, wanted.root, glyphs, options, visible_rows)

        def opened(trace: PreparedTrace) -> None:
            if self.opening is wanted:
                self.opening = None
                done(trace)

        if len(self.facts.traces.spans_of(wanted.trace)) <= AT_ONCE and self.facts.are_quick():
            opened(make())
        else:
            self._work("waterfall", make, opened)

    def cancel(self) -> None:
        self.opening = None
