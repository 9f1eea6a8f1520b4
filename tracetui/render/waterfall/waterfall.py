"""Waterfall of one trace: rows of spans with position in the tree, time and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, get_args

import numpy as np

from tracetui.analysis.bottlenecks import BOTTLENECK_PERCENT
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.errors import roles as error_roles
from tracetui.analysis.network import UNKNOWN, NetworkTimes
from tracetui.analysis.skew import outside_callers
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.bars import TimeScale, axis, bar
from tracetui.render.waterfall.label import Label, LabelNote, bar_with_message, group_label
from tracetui.render.waterfall.row_notes import RowNotes, running_sums
from tracetui.render.waterfall.row_order import RowOrder
from tracetui.render.waterfall.rows import Rows
from tracetui.render.waterfall.tree_guides import TreeGuides

MIN_REPEATS = 5
"""Number of repeated siblings from which on they fold into one row."""

_ROLE_WEIGHTS = np.array([0.0, 3.0, 2.0, 2.0])
"""Weight of each `ErrorRole` when rows are limited."""

# plain ints, as enum arithmetic is slow and every row needs these
_FOLLOWS_FROM = int(Flag.FOLLOWS_FROM)
_CONSUMER, _PRODUCER = int(Kind.CONSUMER), int(Kind.PRODUCER)
_NO_END = "no end"
"""Shown instead of an unknown duration."""
DURATION_TITLE, SELF_TITLE, _CRITICAL_TITLE, _SUBTREE_TITLE = "duration", "self", "critical", "subtree"
_SHARE = max(len("100 %"), len(_CRITICAL_TITLE))
_NO_TIMES = np.zeros(0, np.int64)
_SAMPLED_ROWS = 2_000
_EVENT_BYTES = 1 << 18

Sections = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Critical path of one trace: spans (positions), starts and ends (int64 ns), in time order per root."""

NameWidth = Literal["auto", "wide", "narrow"]
"""Room of the names: about half, as much as they need, or a quarter."""
NAME_WIDTHS: Final[tuple[NameWidth, ...]] = get_args(NameWidth)
_MIN_LABEL, _MIN_BAR = 16, 12
"""Least cells of names and of bars, if there is room for both."""


@dataclass(frozen=True, slots=True)
class WaterfallLayout:
    """Widths of the columns of a row in cells; 0 for one that does not fit. One blank separates columns."""

    label: int
    bar: int
    duration: int
    share: int


class Waterfall:
    """Rows of one trace or subtree, drawn on demand.

    `rows` manages folding. The time to draw a row is independent of the size of the trace, unless the row represents
    many spans.
    """

    def __init__(
        self,
        traces: TraceSet,
        trace: int,
        *,
        sections: Sections | None = None,
        roles: np.ndarray | None = None,
        glyphs: Glyphs = UNICODE,
        root: int | None = None,
        least_repeats: int = MIN_REPEATS,
        message_of: Callable[[int], str] | None = None,
        outside: np.ndarray | None = None,
        network: NetworkTimes | None = None,
    ) -> None:
        """`roles`: uint8[n] of the set, `ErrorRole`; by default computed. `root`: show only this span's subtree.
        `least_repeats`: number of repeated siblings from which on they fold, 0 for never. `network`: network times of
        the set; None to mark none. `message_of`: the error message of a span, by default the status message.
        `outside`: the result of `outside_callers` for the trace.
        """
        self.traces, self.trace, self.glyphs = traces, trace, glyphs
        spans = traces.spans_of(trace)
        self.first = spans.start if root is None else root
        self.stop = spans.stop if root is None else int(traces.subtree_end[root])
        self.slots = traces.service_slots
        self.message_of = message_of or (lambda span: traces.messages[int(traces.message[span])])
        within = slice(self.first, self.stop)
        start = int(traces.start[within].min())
        self.whole = (start, int(traces.end[within].max()) - start)
        """Time range of all these spans: start and length, ns."""
        self.window = self.whole
        """Time range of the bars; set it to zoom."""
        self.trace_ns = int(traces.trace_duration[trace])
        self.whole_ns = self.trace_ns if root is None else self.whole[1]
        """Duration of the whole view, ns."""
        self.roles = (error_roles(traces) if roles is None else roles)[within]
        """uint8[stop - first]"""
        outside = outside_callers(traces, trace) if outside is None else outside
        self.outside = outside[self.first - spans.start : self.stop - spans.start]
        """uint8[stop - first]: `SKEWED`, `LONGER` or 0"""
        self.network = network
        """Network times of the set; None to mark none."""
        self.has_path = sections is not None
        self._section_of, self._section_starts, self._section_ends = _by_span(sections, self.first, self.stop)
        self.critical = np.zeros(self.stop - self.first, np.int64)
        """int64[stop - first], critical time of each span, ns."""
        np.add.at(self.critical, self._section_of - self.first, self._section_ends - self._section_starts)
        self.path_ns = int(self.critical.sum()) if root is None else self.whole_ns
        """Total for shares of the critical path: its length, or the duration of the subtree."""
        self.share_title = _CRITICAL_TITLE if root is None else _SUBTREE_TITLE
        """Heading of the shares, which names what they are shares of."""
        self._critical_before = running_sums(self.critical)
        self.tree = Rows(traces, self.first, self.stop, self._repeat_keys(), least_repeats)
        self.rows: RowOrder = self.tree
        """Row order in use: `tree`, or another one."""
        self.displayed = self.durations = traces.duration[within]
        """int64[stop - first], durations in ns. Set `displayed` to show other times in their column."""
        self.displayed_title = DURATION_TITLE
        self.found: np.ndarray | None = None
        """bool[stop - first], matches of a search; other rows are dimmed."""
        self._guides = TreeGuides(glyphs)
        self._notes = RowNotes(self)
        longest = int(traces.duration[within].max())
        self._duration_cells = max(numbers.duration_width(longest), len(DURATION_TITLE))
        self._name_width: NameWidth = "auto"
        self.layout = lru_cache(maxsize=8)(self._layout)

    def _repeat_keys(self) -> np.ndarray:
        """Compute int64[stop - first], equal for spans that differ only in time."""
        within = slice(self.first, self.stop)
        flags = self.traces.flags[within].astype(np.int64)
        keys: np.ndarray = ((self.traces.operation[within] << 2) + self.roles << 16) + flags
        return keys

    def __len__(self) -> int:
        return len(self.rows)

    def _natural_width(self, row: int) -> int:
        span = int(self.rows.positions[row])
        below = int(self.traces.subtree_end[span]) - span - 1
        # reserve room for the number of folded spans, so that folding does not move the columns
        spans = self.rows.spans(row)
        label = self._label(row, spans, self.rows.repeats(row), self.share(spans))
        return label.natural_width + (len(f" +{below:,}") if below else 0)

    @cached_property
    def _natural_label(self) -> int:
        return max(map(self._natural_width, range(min(len(self.rows), _SAMPLED_ROWS))), default=0)

    @property
    def sections(self) -> Sections:
        """Critical path within the view, by span."""
        return self._section_of, self._section_starts, self._section_ends

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Draw with other glyphs."""
        self.glyphs = glyphs
        self._guides = TreeGuides(glyphs)
        vars(self).pop("_natural_label", None)
        self.layout.cache_clear()

    def set_name_width(self, width: NameWidth) -> None:
        """Share the room between names and bars in another way."""
        if width != self._name_width:
            self._name_width = width
            self.layout.cache_clear()

    def position_of(self, span: int) -> int:
        """Convert a span of the trace to a position in this view's set."""
        return span

    def span_of(self, position: int) -> int:
        """Convert a position in this view's set to a span of the trace."""
        return position

    def limit(self, rows: int) -> None:
        """Limit the number of rows; errors and the critical path are kept first."""
        weight = self.critical / max(self.path_ns, 1)
        self.tree.limit(rows, weight + _ROLE_WEIGHTS[self.roles])

    def _layout(self, width: int) -> WaterfallLayout:
        share = _SHARE if self.has_path else 0
        rest = width - self._duration_cells - 1 - (share + 1 if share else 0) - 1
        if rest < 28:
            return WaterfallLayout(max(rest + 1, 8), 0, self._duration_cells, share if rest >= 12 else 0)
        shares = {"auto": 52 if rest < 110 else 45, "narrow": 25, "wide": 100}
        most = min(rest * shares[self._name_width] // 100, rest - _MIN_BAR)
        label = min(self._natural_label, max(_MIN_LABEL, most))
        return WaterfallLayout(label, rest - label, self._duration_cells, share)

    def scale(self, width: int, caption: str = "") -> Line:
        """Draw the time axis and the column headings; `caption` is the heading of the names."""
        layout = self.layout(width)
        line = Line([(fit(caption, layout.label, ellipsis=self.glyphs.ellipsis), Role.DIM)])
        if layout.bar:
            line.add(" ").add(self.axis(layout.bar), Role.GUIDE)
        line.add(" " + fit(self.displayed_title, layout.duration, "right", self.glyphs.ellipsis), Role.GUIDE)
        if layout.share:
            line.add(" " + fit(self.share_title, layout.share, "right", self.glyphs.ellipsis), Role.GUIDE)
        return line.cropped(width, self.glyphs.ellipsis)

    def axis(self, cells: int) -> str:
        """Draw the time axis of the bars."""
        return axis(self.window[0] - self.whole[0], self.window[1], cells, self.glyphs.ascii_only)

    def row(self, row: int, width: int) -> Line:
        """Draw one row in at most `width` cells."""
        layout = self.layout(width)
        spans, repeats = self.rows.spans(row), self.rows.repeats(row)
        share = self.share(spans)
        label = self._label(row, spans, repeats, share)
        line, drawn = label.line(layout.label), Line()
        if layout.bar:
            drawn = self._bar(row, spans, repeats, share, layout.bar)
            message = label.cut_message(line.text)
            marked = bar_with_message(drawn, message, self.glyphs.ellipsis) if message is not None else None
            if marked is not None:
                line, drawn = label.without_message().line(layout.label), marked
        line.add(" " * (layout.label - line.width + bool(layout.bar))).extend(drawn)
        within = self.members(row)
        ns = int(self.displayed[within - self.first].sum())
        role = Role.PLAIN if share >= 1 or not self.has_path else Role.DIM
        if share >= BOTTLENECK_PERCENT:
            role = Role.STRONG
        time_text = _NO_END if self.traces.no_duration[within].all() else self.duration(ns)
        figures = f" {fit(time_text, layout.duration, 'right')}"
        if layout.share:
            figures += f" {fit(numbers.whole_percent(share) if share else '', layout.share, 'right')}"
        line.add(figures, role)
        if self.found is not None and not self._is_found(repeats or spans[:1]):
            line = Line((text, role if role == Role.ACCENT else Role.DIM) for text, role in line.runs)
        return line.cropped(width, self.glyphs.ellipsis)

    def lines(self, width: int, start: int = 0, stop: int | None = None) -> Iterator[Line]:
        """Yield the rows from `start` to before `stop`."""
        for row in range(start, len(self.rows) if stop is None else min(stop, len(self.rows))):
            yield self.row(row, width)

    def share(self, spans: range) -> float:
        """Return the critical time of these spans as a percentage of the critical path."""
        first, stop = spans.start - self.first, spans.stop - self.first
        critical = int(self._critical_before[stop]) - int(self._critical_before[first])
        return 100 * critical / self.path_ns if self.path_ns else 0.0

    def members(self, row: int) -> np.ndarray:
        """Return the positions of the spans that a row shows, int64[n], without those below them."""
        group = self.rows.group(row)
        if group is not None:
            return group
        repeats = self.rows.repeats(row)
        return np.arange(repeats.start, repeats.stop, repeats.step) if repeats else self.rows.positions[row : row + 1]

    def duration(self, ns: int) -> str:
        """Format a duration, in ASCII if the glyphs are."""
        return numbers.duration(ns, self.glyphs.ascii_only)

    def _bar(self, row: int, spans: range, repeats: range | None, share: float, cells: int) -> Line:
        traces, span = self.traces, spans.start
        starts = ends = events = errors = _NO_TIMES
        within = self.members(row)
        is_single = not repeats and len(within) == 1
        if share:
            low, high = self._section_of.searchsorted(spans.start), self._section_of.searchsorted(spans.stop)
            starts, ends = self._section_starts[low:high], self._section_ends[low:high]
            if is_single and self.rows.is_folded(row):
                # draw the path through a folded subtree as one section
                starts, ends = starts.min(keepdims=True), ends.max(keepdims=True)
        if is_single and traces.event_bytes[span] <= _EVENT_BYTES:
            events, errors = traces.event_times(span), traces.log_error_times(span)
        starts_at, ends_at = traces.start[within], traces.reached_end[within]
        if self.window != self.whole:
            outside = self._outside_window(int(starts_at.min()), int(ends_at.max()), cells)
            if outside is not None:
                return outside
        return bar(
            TimeScale(*self.window, cells),
            starts_at,
            ends_at,
            starts,
            ends,
            events,
            errors,
            network=self._network_parts(span) if is_single else (),
            glyphs=self.glyphs,
            # siblings that share a row may be of several services
            solid_role=Role.CRITICAL if self.rows.group(row) is not None else self._service_role(span),
        )

    def _service_role(self, span: int) -> str:
        return Role.service(self.slots[int(self.traces.service[span])])

    def _network_parts(self, span: int) -> tuple[tuple[int, int], ...]:
        """Return starts and ends of the times before and after the answer to a call; none if they are unknown."""
        row = None if self.network is None else self.network.of(span)
        if self.network is None or row is None or self.network.is_async[row] or self.network.before[row] == UNKNOWN:
            return ()
        start, end = int(self.traces.start[span]), int(self.traces.reached_end[span])
        return (start, start + int(self.network.before[row])), (end - int(self.network.after[row]), end)

    def marks_network(self, width: int) -> bool:
        """Test whether some bar has a cell that marks network time, if the whole trace is drawn."""
        cells = self.layout(width).bar
        if self.network is None or not cells:
            return False
        low, high = self.network.caller.searchsorted((self.first, self.stop))
        awaited = ~self.network.is_async[low:high]
        times = (self.network.before[low:high], self.network.after[low:high])
        longest = max(int(column[awaited].max(initial=0)) for column in times)
        # a time of two cells covers one in any position
        return longest * cells >= 2 * self.whole[1] > 0

    def _outside_window(self, start: int, end: int, cells: int) -> Line | None:
        """Draw an arrow towards a bar that is wholly outside the window, else None."""
        if end < self.window[0]:
            return Line([("<".ljust(cells), Role.GUIDE)])
        if start > self.window[0] + self.window[1]:
            return Line([(">".rjust(cells), Role.GUIDE)])
        return None

    def _label(self, row: int, spans: range, repeats: range | None, share: float) -> Label:
        traces, glyphs = self.traces, self.glyphs
        span = spans.start
        leaf = not self.rows.has_children(row)
        if repeats or not (leaf or self.rows.has_children_shown(row)):
            fold = glyphs.folded
        else:
            fold = glyphs.leaf if leaf else glyphs.opened
        role = self.roles[span - self.first]
        if self._is_found(repeats or range(span, span + 1)):
            name_role = Role.ACCENT
        elif role == ErrorRole.ORIGIN:
            name_role = Role.ERROR
        elif share >= BOTTLENECK_PERCENT:
            name_role = Role.STRONG
        else:
            name_role = Role.PLAIN if share >= 1 or role or not self.has_path else Role.DIM
        group = self.rows.group(row)
        if group is not None:
            notes = list(self._notes.of_group(row))
            return group_label(
                len(group),
                notes,
                self.rows.depth_of(span),
                lambda levels: self._guides.of(self.rows, span, levels),
                glyphs,
            )
        parent = self.rows.parent_of(span)
        return Label(
            glyphs=glyphs,
            depth=self.rows.depth_of(span),
            guides=lambda levels: self._guides.of(self.rows, span, levels),
            fold=fold,
            asynchronous=self._is_async(span, int(traces.parent[span])),
            service=safe(traces.service_name(span)),
            service_role=self._service_role(span),
            # show the service only where it changes
            is_match=self._is_found(range(span, span + 1)),
            name_service=parent < self.first or bool(traces.service[parent] != traces.service[span]),
            operation=safe(traces.name_of_all(repeats or range(span, span + 1))) or "(no name)",
            operation_role=name_role,
            notes=list(self._notes.of(row, span, repeats)),
        )

    def _is_found(self, spans: range) -> bool:
        return self.found is not None and bool(self.found[spans.start - self.first : spans.stop - self.first].any())

    def _is_async(self, span: int, parent: int) -> bool:
        traces = self.traces
        if int(traces.flags[span]) & _FOLLOWS_FROM:
            return True
        return parent >= 0 and int(traces.kind[span]) == _CONSUMER and int(traces.kind[parent]) == _PRODUCER

    def repeats_note(self, row: int, repeats: range | None) -> Iterator[LabelNote]:  # noqa: ARG002 - `Flame` needs the row
        """Yield the number of repeated siblings of a row, and the longest one."""
        if repeats:
            times = self.glyphs.repeated(len(repeats))
            slowest = self.duration(int(self.traces.duration[repeats.start : repeats.stop : repeats.step].max()))
            yield LabelNote(f"{times} {self.glyphs.at_most}{slowest}", times, Role.STRONG)


def _by_span(sections: Sections | None, first: int, stop: int) -> Sections:
    """Return the sections of the spans `first:stop`, by span and then by time."""
    if sections is None:
        none = np.zeros(0, np.int64)
        return none, none, none
    spans, starts, ends = sections
    order = np.argsort(spans, kind="stable")
    low, high = np.searchsorted(spans, (first, stop), sorter=order)
    order = order[low:high]
    return spans[order], starts[order], ends[order]
