"""Trace list: a line per trace for any width, and the column headings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import ErrorRole, first_origin
from tracetui.query.attribute_column import AttributeColumn
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.timestamps import TimestampFormat
from tracetui.render.traces.columns import SortKey, TraceColumns
from tracetui.render.traces.layout import DURATION_HEADING, GAP, WHOLE_HEADING, ColumnWidths, TraceLayout, lay_out

_LONGEST_VERDICT = 60
_MEASURED_NAMES = 5_000
"""Number of names that are measured for the width of their column."""
_MAX_SERVICES = 4
"""Largest number of services shown per trace, as each colour costs bytes at each move of the cursor."""
_LONGEST_VALUE = 24
_LONGEST_HEADING = 12
_WIDTHS_OF = {
    SortKey.START: ("start", "short_start"),
    SortKey.SERVICES: ("services", "full_services", "some_services"),
    SortKey.SPANS: ("spans",),
    SortKey.ERRORS: ("errors", "verdict"),
}
"""Columns that can be hidden, and their widths in the layout."""
HIDEABLE = tuple(_WIDTHS_OF)
_MIN_NAMED = 12
"""Cells of a name below which its remark is dropped."""
_NOTHING = np.zeros(0, np.int64)


class TraceGroup(NamedTuple):
    """Traces under a heading. The key identifies the group."""

    key: int
    heading: Callable[[int], Line]
    """Returns the heading for a width."""
    traces: np.ndarray
    folded: bool


class TraceRows:
    """Rows of the list, one per trace, optionally under group headings: a `LineSource`.

    `traces` are positions in the columns' set, in display order.
    """

    def __init__(
        self,
        columns: TraceColumns,
        traces: np.ndarray,
        *,
        glyphs: Glyphs,
        local: bool = False,
        marked: Collection[int] = (),
        new: Collection[int] = (),
        groups: Sequence[TraceGroup] | None = None,
        hidden: Collection[SortKey] = (),
        group_heading: Callable[[int], Line] | None = None,
    ) -> None:
        """`marked`: traces that the user marked, read at each drawing; `new`: traces that have just arrived; `hidden`:
        columns that are not shown; `group_heading` returns the column headings of the groups, for a width.
        """
        self.columns = columns
        self.glyphs = glyphs
        self.local = local
        self.marked = marked
        self.new = new
        self.groups = groups
        self._hidden = hidden
        self._group_heading = group_heading
        self._attributes = list(columns.attributes.values())
        self._rows = traces if groups is None else _grouped(groups)
        shown = traces if groups is None else np.concatenate([_NOTHING, *(group.traces for group in groups)])
        times = columns.traces.trace_start[shown] if len(shown) else np.zeros(1, np.int64)
        self._longest = int(columns.traces.response_time[shown].max(initial=0))
        self._moments = TimestampFormat.between(int(times.min()), int(times.max()), local)
        self._zone = numbers.zone(int(times[0]), local)
        self._needs = self._natural_widths(shown)

    def __len__(self) -> int:
        return len(self._rows)

    def trace(self, row: int) -> int | None:
        """Return the trace of a row; None for a heading."""
        if not 0 <= row < len(self._rows):
            return None
        trace = int(self._rows[row])
        return trace if trace >= 0 else None

    def group(self, row: int) -> TraceGroup | None:
        """Return the group whose heading a row is; None for a trace."""
        if self.groups is None or not 0 <= row < len(self._rows) or self._rows[row] >= 0:
            return None
        return self.groups[-1 - int(self._rows[row])]

    def row_of(self, trace: int) -> int | None:
        """Return the first row of a trace, or None."""
        found = np.flatnonzero(self._rows == trace)
        return int(found[0]) if len(found) else None

    def folded_group(self, trace: int) -> TraceGroup | None:
        """Return the first folded group that contains a trace; None for none."""
        folded = [group for group in self.groups or () if group.folded]
        found = np.flatnonzero(np.concatenate([_NOTHING, *(group.traces for group in folded)]) == trace)
        ends = np.cumsum([len(group.traces) for group in folded])
        return folded[int(np.searchsorted(ends, found[0], "right"))] if len(found) else None

    def _natural_widths(self, shown: np.ndarray) -> ColumnWidths:
        columns = self.columns
        used = np.unique(columns.label[shown])[:_MEASURED_NAMES].tolist()
        first = columns.service_first[:-1][shown]
        sizes = np.diff(columns.service_first)[shown]
        most = int(sizes.max(initial=0))
        more = 1 + len(f"+{most}") if most > _MAX_SERVICES else 0
        widths = np.array([cell_width(name) + 2 for name in columns.services], np.int64)
        before = np.concatenate(([0], np.cumsum(widths[columns.service]) if len(columns.service) else _NOTHING))
        full, two = (before[first + np.minimum(sizes, count)] - before[first] for count in (_MAX_SERVICES, 2))
        origins, propagated = (int(column[shown].max(initial=0)) for column in (columns.origins, columns.propagated))
        names = (columns.labels[i] for i in used)
        remarks = max((cell_width(self._remark(trace)) for trace in self._remarked(shown)), default=0)
        whole = numbers.duration_width(int(columns.traces.trace_duration[shown].max(initial=0)))
        heading = cell_width(f"start {self._zone}")
        widths_of_all = ColumnWidths(
            start=max(self._moments.width(exact=True), heading),
            short_start=max(self._moments.width(exact=False), heading + 1),
            name=max((cell_width(service) + 1 + cell_width(operation) for _, service, operation in names), default=0)
            + remarks,
            services=max(4 * min(most, _MAX_SERVICES) - 1 + more, len("services") + 1),
            full_services=int(full.max(initial=0)) - 1 + more,
            # if two letters of each service fit, a few names would be less useful
            some_services=int((two if more else full).max(initial=0)) - 1 + more,
            spans=max(6, len(f"{int(columns.spans[shown].max(initial=0)):,}")),
            errors=max(7, cell_width(errors_text(origins, propagated, self.glyphs))),
            duration=numbers.duration_width(self._longest),
            whole=max(whole, len(WHOLE_HEADING)) if columns.shows_whole else 0,
            verdict=_LONGEST_VERDICT if origins else 0,
            attributes=tuple(self._attribute_width(column, shown) for column in self._attributes),
        )
        hidden: dict[str, Any] = {name: 0 for key in self._hidden for name in _WIDTHS_OF[key]}
        return replace(widths_of_all, **hidden)

    @staticmethod
    def _attribute_width(column: AttributeColumn, shown: np.ndarray) -> int:
        used = np.unique(column.code[shown])[:_MEASURED_NAMES].tolist()
        values = max((cell_width(safe(column.texts[i], _LONGEST_VALUE)) for i in used if i >= 0), default=0)
        # two more for the arrow of the sort
        heading = min(cell_width(safe(column.key)), _LONGEST_HEADING) + 2
        return min(max(values, heading), _LONGEST_VALUE)

    def layout(self, width: int) -> TraceLayout:
        """Return the widths of the columns in a line of `width` cells."""
        return lay_out(self._needs, width)

    def _headings(self, width: int) -> Iterator[tuple[str | None, int, bool]]:
        """Yield (column, cells, right-aligned) for the columns that fit; None stands for whole traces."""
        layout = self.layout(width)
        attributes = zip(self.columns.attributes, layout.attributes, strict=False)
        headings: tuple[tuple[str | None, int, bool], ...] = (
            (SortKey.START, layout.start, False),
            (SortKey.NAME, layout.name, False),
            (SortKey.SERVICES, layout.services, False),
            (SortKey.SPANS, layout.spans, True),
            (SortKey.ERRORS, layout.errors, False),
            *((column, cells, False) for column, cells in attributes),
            (None, layout.whole, True),
            (SortKey.DURATION, layout.duration, True),
        )
        return (heading for heading in headings if heading[1])

    def header(self, width: int, key: str | None, descending: bool) -> Line:
        """Return the headings, with an arrow at the sort column; those of the groups if they have columns."""
        if self._group_heading is not None:
            return Line([("  ", Role.PLAIN)]).extend(self._group_heading(width - 2)).cropped(width, "")
        arrow = self.glyphs.descending if descending else self.glyphs.ascending
        line = Line([("  ", Role.PLAIN)])
        for column, cells, right in self._headings(width):
            text = self._heading(column, cells)
            if column is not None and column == key:
                # the arrow goes to the side with room, so that the heading does not move
                text = f"{arrow} {text}" if right else f"{text} {arrow}"
                if cell_width(text) > cells and isinstance(column, SortKey):
                    text = f"{arrow}{column}"
            line.add(
                fit(text, cells, "right" if right else "left", self.glyphs.ellipsis),
                Role.STRONG if column is not None and column == key else Role.DIM,
            )
            line.add(" " * GAP)
        return line.cropped(width, "")

    def _heading(self, column: str | None, cells: int) -> str:
        if column is None:
            return WHOLE_HEADING
        if column in self.columns.attributes:
            key = safe(self.columns.attributes[column].key)
            # the last part says the most
            return key if cell_width(key) + 2 <= cells else key.rpartition(".")[2]
        if column is SortKey.DURATION:
            return "response" if self.columns.shows_whole else DURATION_HEADING
        return f"{column} {self._zone}" if column is SortKey.START else str(column)

    def heading_at(self, width: int, cell: int) -> str | None:
        """Return the column at a cell of the headings; the bars belong to the durations before them."""
        if self._group_heading is not None:
            return None
        end = 2
        for column, cells, _ in self._headings(width):
            end += cells + GAP
            if cell < end or column is SortKey.DURATION:
                return column if cell >= 2 else None
        return None

    def line(self, row: int, width: int) -> Line:
        group = self.group(row)
        if group is not None:
            line = Line([(f"{self.glyphs.folded if group.folded else self.glyphs.opened} ", Role.GUIDE)])
            return line.extend(group.heading(width - line.width)).cropped(width, self.glyphs.ellipsis)
        trace = int(self._rows[row])
        columns, layout, glyphs = self.columns, self.layout(width), self.glyphs
        glyph = marked_glyph(glyphs) if trace in self.marked else new_glyph(glyphs) if trace in self.new else " "
        line = Line([(f"{glyph} ", Role.PLAIN if glyph == " " else Role.ACCENT)])
        gap = " " * GAP
        if layout.start:
            start = int(columns.traces.trace_start[trace])
            line.add(fit(self._moments.text(start, exact=layout.exact_start), layout.start) + gap)
        self._add_name(line, trace, layout.name)
        line.add(gap)
        if layout.services:
            self._add_services(line, trace, layout)
            line.add(gap)
        if layout.spans:
            line.add(f"{int(columns.spans[trace]):,}".rjust(layout.spans) + gap)
        if layout.errors:
            origins, propagated = int(columns.origins[trace]), int(columns.propagated[trace])
            text = errors_text(origins, propagated, glyphs)
            # the services are already red, and each change of colour costs bytes
            role = Role.ERROR if origins and not layout.services else Role.PLAIN
            line.add(fit(text, layout.errors, "left", glyphs.ellipsis), role)
            line.add(gap)
        for column, cells in zip(self._attributes, layout.attributes, strict=False):
            code = int(column.code[trace])
            text = safe(column.texts[code], _LONGEST_VALUE) if code >= 0 else ""
            line.add(fit(text, cells, "left", glyphs.ellipsis) + gap)
        if layout.whole:
            whole = int(columns.traces.trace_duration[trace])
            line.add(numbers.duration(whole, glyphs.ascii_only).rjust(layout.whole) + gap)
        duration = int(columns.traces.response_time[trace])
        line.add(numbers.duration(duration, glyphs.ascii_only).rjust(layout.duration))
        if layout.bar:
            # dim, as it repeats the number; padding in the same run saves the bytes of another style
            drawn = bar(duration / max(self._longest, 1), layout.bar, glyphs)
            line.add(" ").add(fit(drawn, layout.bar), Role.DIM)
        if layout.verdict and columns.origins[trace]:
            line.add(gap).add(fit(self._verdict(trace), layout.verdict, "left", glyphs.ellipsis), Role.ERROR)
        return line.cropped(width, glyphs.ellipsis).pad(width)

    def _verdict(self, trace: int) -> str:
        """Return the message of the trace's first error."""
        traces = self.columns.traces
        span = first_origin(traces, trace)
        return "" if span is None else f"{self.glyphs.origin} {safe(error_message(traces, span), _LONGEST_VERDICT)}"

    def _add_name(self, line: Line, trace: int, width: int) -> None:
        _, service, operation = self.columns.labels[int(self.columns.label[trace])]
        ellipsis, remark = self.glyphs.ellipsis, self._remark(trace)
        # cut the remark last
        width -= cell_width(remark)
        if width < min(_MIN_NAMED, cell_width(service) + 1 + cell_width(operation)):
            width, remark = width + cell_width(remark), ""
        room = max(width - 1 - cell_width(operation), min(cell_width(service), width // 2))
        name = f"{cut(service, min(room, width), ellipsis)} {operation}"
        line.add(fit(cut(name, width, ellipsis) + remark, width + cell_width(remark), "left", ellipsis))

    def _remarked(self, shown: np.ndarray) -> list[int]:
        """Return the first few traces that have a remark."""
        columns = self.columns
        remarked = columns.traces.skewed | (columns.orphans > 0) | (columns.roots > 1)
        found: list[int] = shown[remarked[shown]][:_MEASURED_NAMES].tolist()
        return found

    def _remark(self, trace: int) -> str:
        """Return the remark after a trace's name: missing root (the duration is then the trace's), orphans, further
        roots, clock skew.
        """
        columns, traces = self.columns, self.columns.traces
        orphans, roots = int(columns.orphans[trace]), int(columns.roots[trace])
        missing = bool(traces.root_missing[trace])
        remarks = [
            *(["root missing"] if missing else []),
            # an orphan stands for a missing root
            *([f"orphan {orphans:,}"] if orphans > missing else []),
            *([f"{roots:,} roots"] if roots > 1 else []),
            *(["skew?"] if traces.skewed[trace] else []),
        ]
        return f" {self.glyphs.warning} {', '.join(remarks)}" if remarks else ""

    def _add_services(self, line: Line, trace: int, layout: TraceLayout) -> None:
        columns, glyphs = self.columns, self.glyphs
        first, stop = int(columns.service_first[trace]), int(columns.service_first[trace + 1])
        left = layout.services
        names = columns.services if layout.full_services else columns.short
        texts = [self._service_text(names[int(columns.service[at])], at, layout) for at in range(first, stop)]
        shown = self._shown_services(first, texts, left)
        for at in shown:
            service, role = int(columns.service[at]), int(columns.service_role[at])
            # include the blank in the run, as each run costs bytes
            text = fit(texts[at - first], min(cell_width(texts[at - first]) + 1, left), "left", glyphs.ellipsis)
            error = Role.ERROR if role == ErrorRole.ORIGIN else Role.PROPAGATED
            line.add(text, error if role else Role.service(columns.slots[service]))
            left -= cell_width(text)
        hidden = stop - first - len(shown)
        line.add(fit(f"+{hidden}" if hidden else "", left))

    def _service_text(self, name: str, at: int, layout: TraceLayout) -> str:
        glyphs = self.glyphs
        sign = (glyphs.service or " ", glyphs.origin, glyphs.propagated)[int(self.columns.service_role[at])]
        return sign + (name if layout.full_services else fit(name, 2))

    def _shown_services(self, first: int, texts: list[str], room: int) -> list[int]:
        """Return the pairs that fit, in order. Services where an error began are dropped last."""
        widths = [cell_width(text) for text in texts]
        if len(texts) <= _MAX_SERVICES and sum(widths) + len(widths) - 1 <= room:
            return list(range(first, first + len(texts)))
        room -= len(f"+{len(texts)}")
        roles = self.columns.service_role
        chosen: list[int] = []
        for i in sorted(range(len(texts)), key=lambda i: (roles[first + i] != ErrorRole.ORIGIN, i)):
            room -= widths[i] + 1
            if len(chosen) == _MAX_SERVICES or (room < 0 and chosen):
                break
            chosen.append(first + i)
        return sorted(chosen)


def marked_glyph(glyphs: Glyphs) -> str:
    """Return the mark of a trace that the user marked."""
    return "+" if glyphs.ascii_only else "✓"


def new_glyph(glyphs: Glyphs) -> str:
    """Return the glyph of a trace that has just arrived."""
    return "*" if glyphs.ascii_only else "•"


def _grouped(groups: Sequence[TraceGroup]) -> np.ndarray:
    parts = [_NOTHING]
    for number, group in enumerate(groups):
        parts.append(np.array([-1 - number], np.int64))
        if not group.folded:
            parts.append(group.traces)
    return np.concatenate(parts)


def errors_text(origins: int, propagated: int, glyphs: Glyphs) -> str:
    """Format the numbers of origins and of propagated errors: `✖1 ✗3`."""
    parts = []
    if origins:
        parts.append(f"{glyphs.origin}{numbers.short_count(origins)}")
    if propagated:
        parts.append(f"{glyphs.propagated}{numbers.short_count(propagated)}")
    return " ".join(parts)


@lru_cache(maxsize=4096)
def _bar(eighths: int, glyphs: Glyphs) -> str:
    whole, rest = divmod(eighths, 8)
    return glyphs.solid * whole + (glyphs.solid_left[rest - 1] if rest else "")


def bar(share: float, cells: int, glyphs: Glyphs) -> str:
    """Draw a share (0 to 1) as a bar, to an eighth of a cell; a share above 0 is always visible."""
    return _bar(max(round(min(max(share, 0.0), 1.0) * cells * 8), 1 if share > 0 else 0), glyphs)
