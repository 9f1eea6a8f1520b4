"""The list of traces: its columns for any width, and a line per trace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tracetui.analysis.errors import Role as ErrorRole
from tracetui.analysis.errors import roles
from tracetui.model.traces import TraceSet
from tracetui.render import numbers
from tracetui.render.cells import cell_width, cut, fit
from tracetui.render.colours import service_slots
from tracetui.render.line import Line, Role
from tracetui.render.marks import Marks, initials
from tracetui.render.safe_text import safe

_DAY = 86_400_000_000_000
_NAME_LIMIT = 200
_MEASURED_NAMES = 5_000
"""So many names are looked at to find how wide their column should be."""
_GAP = 2
_LEAST_NAME = 20
_LEAST_BAR = 6
_MOST_BAR = 24
_LEAST_SERVICES = 11
_COLOURED = 4
"""With more services in a trace, colour is for those that broke alone: it costs bytes at each move of the cursor."""
_NOTHING = np.zeros(0, np.int64)


class SortKey(StrEnum):
    """What the list is sorted by; the value is the column's heading."""

    START = "start"
    NAME = "trace"
    SERVICES = "services"
    SPANS = "spans"
    ERRORS = "errors"
    DURATION = "duration"


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceColumns:
    """What the list shows of every trace of a set."""

    traces: TraceSet
    spans: np.ndarray
    origins: np.ndarray
    """int64[traces], error spans with no error below them."""
    echoes: np.ndarray
    """int64[traces], errors that were passed on."""
    service_first: np.ndarray
    """int64[traces + 1], slices of the next two."""
    service: np.ndarray
    """int32[pairs], the services of each trace in the order in which they first stand in it."""
    service_role: np.ndarray
    """uint8[pairs] of `analysis.errors.Role`: whether an error began in the service, or passed through it."""
    label: np.ndarray
    """int64[traces] into `labels`."""
    labels: list[tuple[int, str, str]]
    """Service, its name and the operation's, safe to show."""
    values: dict[SortKey, np.ndarray]
    """int64[traces], what each column is sorted by."""
    services: list[str]
    """Safe to show."""
    slots: list[int]

    def sorted(self, traces: np.ndarray, key: SortKey, descending: bool) -> np.ndarray:
        """The traces (int64[m]) in the order of a column; equal ones slowest first."""
        values = self.values[key][traces]
        order = np.lexsort((-self.traces.trace_duration[traces], -values if descending else values))
        result: np.ndarray = traces[order]
        return result


class Group(NamedTuple):
    """Traces under a heading. The key tells groups apart."""

    key: int
    heading: Line
    traces: np.ndarray
    folded: bool


def trace_columns(traces: TraceSet) -> TraceColumns:
    """Make the columns of a set."""
    role = roles(traces)
    count, width = traces.trace_count, max(len(traces.services), 1)
    pairs = traces.trace.astype(np.int64) * width + traces.service
    distinct, first, number = np.unique(pairs, return_index=True, return_inverse=True)
    pair_role = np.zeros(len(distinct), np.uint8)
    for value in (ErrorRole.PROPAGATED, ErrorRole.ORIGIN):
        pair_role[number[role == value]] = value
    order = np.lexsort((first, distinct // width))
    operations, label = np.unique(traces.operation[traces.main_root], return_inverse=True)
    labels = []
    services = [safe(name, _NAME_LIMIT) for name in traces.services]
    for operation in operations.tolist():
        service, name = divmod(operation, len(traces.names))
        labels.append((service, services[service], safe(traces.names[name], _NAME_LIMIT)))
    rank = np.zeros(len(labels), np.int64)
    rank[sorted(range(len(labels)), key=lambda i: labels[i][1:])] = np.arange(len(labels))
    service_first = np.searchsorted(distinct // width, np.arange(count + 1))
    spans = np.diff(traces.first)
    values = (
        traces.trace_start,
        rank[label],
        np.diff(service_first),
        spans,
        traces.trace_errors,
        traces.trace_duration,
    )
    return TraceColumns(
        traces=traces,
        spans=spans,
        origins=np.bincount(traces.trace[role == ErrorRole.ORIGIN], minlength=count),
        echoes=np.bincount(traces.trace[role == ErrorRole.PROPAGATED], minlength=count),
        service_first=service_first,
        service=(distinct % width).astype(np.int32)[order],
        service_role=pair_role[order],
        label=label.astype(np.int64),
        labels=labels,
        values=dict(zip(SortKey, values, strict=True)),
        services=services,
        slots=service_slots(traces.services),
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells of each column, 0 for one that there is no room for."""

    start: int = 0
    name: int = 0
    services: int = 0
    spans: int = 0
    errors: int = 0
    duration: int = 0
    bar: int = 0
    full_services: bool = False
    """Whether services stand by their whole names."""


class TraceRows:
    """The rows of the list, one per trace, or under the headings of groups: a `LineSource`.

    `traces` are positions of the columns' set, in the order in which they are shown.
    """

    def __init__(
        self,
        columns: TraceColumns,
        traces: np.ndarray,
        *,
        marks: Marks,
        local: bool = False,
        marked: Collection[int] = (),
        groups: Sequence[Group] | None = None,
    ) -> None:
        """`marked` is looked at whenever a line is made."""
        self.columns = columns
        self.marks = marks
        self.local = local
        self.marked = marked
        self.groups = groups
        self._rows = traces if groups is None else _grouped(groups)
        shown = traces if groups is None else np.concatenate([_NOTHING, *(group.traces for group in groups)])
        times = columns.traces.trace_start[shown]
        self._longest = int(columns.traces.trace_duration[shown].max(initial=0))
        self._dated = bool(len(times)) and int(times.min()) // _DAY != int(times.max()) // _DAY
        self._zone = numbers.zone(int(times[0]), local) if len(times) else "UTC"
        self._natural = self._natural_layout(shown)

    def __len__(self) -> int:
        return len(self._rows)

    def trace(self, row: int) -> int | None:
        """The trace of a row, None of a heading."""
        if not 0 <= row < len(self._rows):
            return None
        trace = int(self._rows[row])
        return trace if trace >= 0 else None

    def group(self, row: int) -> Group | None:
        """The group whose heading a row is."""
        if self.groups is None or not 0 <= row < len(self._rows) or self._rows[row] >= 0:
            return None
        return self.groups[-1 - int(self._rows[row])]

    def row_of(self, trace: int) -> int | None:
        """The first row of a trace."""
        found = np.flatnonzero(self._rows == trace)
        return int(found[0]) if len(found) else None

    def _natural_layout(self, shown: np.ndarray) -> Layout:
        columns = self.columns
        used = np.unique(columns.label[shown])[:_MEASURED_NAMES].tolist()
        sizes = np.diff(columns.service_first)[shown]
        widths = np.array([cell_width(name) + 2 for name in columns.services], np.int64)
        before = np.concatenate(([0], np.cumsum(widths[columns.service]) if len(columns.service) else _NOTHING))
        full = (before[columns.service_first[1:]] - before[columns.service_first[:-1]])[shown]
        self._colours = int(sizes.max(initial=0)) <= _COLOURED
        self._full_services = int(full.max(initial=0)) - 1
        origins, echoes = (int(column[shown].max(initial=0)) for column in (columns.origins, columns.echoes))
        return Layout(
            start=18 if self._dated else 12,
            name=max(
                (cell_width(columns.labels[i][1]) + 1 + cell_width(columns.labels[i][2]) for i in used), default=0
            ),
            services=4 * int(sizes.max(initial=2)) - 1,
            spans=max(6, len(f"{int(columns.spans[shown].max(initial=0)):,}")),
            errors=max(7, cell_width(_errors_text(origins, echoes, self.marks))),
            duration=numbers.duration_width(self._longest),
        )

    def layout(self, width: int) -> Layout:
        """How wide each column is in a line of `width` cells."""
        return _laid_out(self._natural, self._full_services, width)

    def header(self, width: int, key: SortKey | None, descending: bool) -> Line:
        """The headings, with an arrow at the one that the list is sorted by."""
        layout = self.layout(width)
        arrow = ("v" if descending else "^") if self.marks.ascii_only else "▼" if descending else "▲"
        line = Line([("  ", Role.PLAIN)])
        for column, cells, right in (
            (SortKey.START, layout.start, False),
            (SortKey.NAME, layout.name, False),
            (SortKey.SERVICES, layout.services, False),
            (SortKey.SPANS, layout.spans, True),
            (SortKey.ERRORS, layout.errors, False),
            # above the bar, too: it says the same
            (SortKey.DURATION, layout.duration + (1 + layout.bar if layout.bar else 0), not layout.bar),
        ):
            if not cells:
                continue
            text = f"{column} {self._zone}" if column is SortKey.START else str(column)
            if column is key:
                # on the side where there is room, so that the heading stays where it is
                text = f"{arrow} {column}" if right or column is SortKey.DURATION else f"{text} {arrow}"
                if cell_width(text) > cells:
                    text = f"{arrow}{column}"
            line.add(
                fit(text, cells, "right" if right else "left", self.marks.ellipsis),
                Role.STRONG if column is key else Role.DIM,
            )
            line.add(" " * _GAP)
        return line.cropped(width, "")

    def line(self, row: int, width: int) -> Line:
        group = self.group(row)
        if group is not None:
            line = Line([(f"{self.marks.folded if group.folded else self.marks.opened} ", Role.GUIDE)])
            return line.extend(group.heading).cropped(width, self.marks.ellipsis)
        trace = int(self._rows[row])
        columns, layout, marks = self.columns, self.layout(width), self.marks
        chosen = trace in self.marked
        line = Line([(("+ " if marks.ascii_only else "✓ "), Role.ACCENT) if chosen else ("  ", Role.PLAIN)])
        gap = " " * _GAP
        if layout.start:
            line.add(self._clock(trace) + gap)
        self._add_name(line, trace, layout.name)
        line.add(gap)
        if layout.services:
            self._add_services(line, trace, layout)
            line.add(gap)
        if layout.spans:
            line.add(f"{int(columns.spans[trace]):,}".rjust(layout.spans) + gap)
        if layout.errors:
            origins, echoes = int(columns.origins[trace]), int(columns.echoes[trace])
            text = _errors_text(origins, echoes, marks)
            line.add(fit(text, layout.errors, "left", marks.ellipsis), Role.ERROR if origins else Role.PLAIN)
            line.add(gap)
        duration = int(columns.traces.trace_duration[trace])
        line.add(numbers.duration(duration, marks.ascii_only).rjust(layout.duration))
        if layout.bar:
            line.add(" " + bar(duration / max(self._longest, 1), layout.bar, marks))
        return line.cropped(width, marks.ellipsis).pad(width)

    def _clock(self, trace: int) -> str:
        start = int(self.columns.traces.trace_start[trace])
        return numbers.date_clock(start, self.local)[5:] if self._dated else numbers.clock(start, self.local)

    def _add_name(self, line: Line, trace: int, width: int) -> None:
        _, service, operation = self.columns.labels[int(self.columns.label[trace])]
        ellipsis = self.marks.ellipsis
        room = max(width - 1 - cell_width(operation), min(cell_width(service), width // 2))
        line.add(fit(f"{cut(service, min(room, width), ellipsis)} {operation}", width, "left", ellipsis))

    def _add_services(self, line: Line, trace: int, layout: Layout) -> None:
        columns, marks = self.columns, self.marks
        first, stop = int(columns.service_first[trace]), int(columns.service_first[trace + 1])
        left = layout.services
        pairs, hidden = self._shown_services(first, stop, layout)
        for at in pairs:
            service, role = int(columns.service[at]), int(columns.service_role[at])
            name = columns.services[service] if layout.full_services else initials(columns.services[service])
            sign = (marks.service or " ", marks.origin, marks.echo)[role]
            text = sign + (name if layout.full_services else fit(name, 2))
            if cell_width(text) > left:
                break
            error = Role.ERROR if role == ErrorRole.ORIGIN else Role.ECHO
            # the blank in the same run: each run costs bytes on its way to the terminal
            text = fit(text, min(cell_width(text) + 1, left))
            line.add(text, error if role else Role.service(columns.slots[service]) if self._colours else Role.PLAIN)
            left -= cell_width(text)
        line.add(fit(f"+{hidden}" if hidden else "", left), Role.DIM if hidden else Role.PLAIN)

    def _shown_services(self, first: int, stop: int, layout: Layout) -> tuple[list[int], int]:
        """The pairs that there is room for, in their order, and how many are left out. What broke is not."""
        count = stop - first
        room = (layout.services + 1) // 4
        if layout.full_services or count <= room:
            return list(range(first, stop)), 0
        room = max((layout.services + 1 - len(f"+{count}")) // 4, 0)
        roles = self.columns.service_role
        best = sorted(range(first, stop), key=lambda at: (roles[at] != ErrorRole.ORIGIN, at))
        return sorted(best[:room]), count - room


def _grouped(groups: Sequence[Group]) -> np.ndarray:
    parts = [_NOTHING]
    for number, group in enumerate(groups):
        parts.append(np.array([-1 - number], np.int64))
        if not group.folded:
            parts.append(group.traces)
    return np.concatenate(parts)


@lru_cache(maxsize=256)
def _laid_out(natural: Layout, full_services: int, width: int) -> Layout:
    """The columns that fit, the least important left out first; what room is left goes to names and bars.

    `full_services`: cells that hold the whole names of the services of any trace.
    """
    name = min(natural.name, _LEAST_NAME)
    bare_duration = max(natural.duration, len("▼ duration"))
    services = min(natural.services, 4 * 8 - 1)
    few = min(services, _LEAST_SERVICES)
    tries = (
        (natural.start, services, natural.spans, natural.errors, _LEAST_BAR),
        (natural.start, services, 0, natural.errors, _LEAST_BAR),
        (natural.start, few, 0, natural.errors, _LEAST_BAR),
        (natural.start, few, 0, natural.errors, 0),
        (natural.start, 0, 0, natural.errors, 0),
        (0, 0, 0, natural.errors, 0),
        (0, 0, 0, 0, 0),
    )
    for start, shown_services, spans, errors, least_bar in tries:
        fixed = (start, shown_services, spans, errors)
        duration = natural.duration if least_bar else bare_duration
        left = width - 2 - duration - sum(cells + _GAP for cells in fixed if cells) - _GAP
        left -= least_bar + 1 if least_bar else 0
        if left >= name or not any(fixed):
            break
    name = max(min(natural.name, left), min(left, 8), 1)
    left = max(left - name, 0)
    full = bool(shown_services) and full_services - shown_services <= left - (_MOST_BAR // 2 - _LEAST_BAR)
    if full:
        left -= max(full_services - shown_services, 0)
        shown_services = max(full_services, shown_services)
    elif shown_services:
        more = min(left // 2, max(natural.services - shown_services, 0))
        shown_services += more
        left -= more
    return Layout(
        start=start,
        name=name,
        services=shown_services,
        spans=spans,
        errors=errors,
        duration=duration,
        bar=min(least_bar + left, _MOST_BAR) if least_bar else 0,
        full_services=full,
    )


def _errors_text(origins: int, echoes: int, marks: Marks) -> str:
    parts = []
    if origins:
        parts.append(f"{marks.origin}{numbers.short_count(origins)}")
    if echoes:
        parts.append(f"{marks.echo}{numbers.short_count(echoes)}")
    return " ".join(parts)


@lru_cache(maxsize=4096)
def _bar(eighths: int, marks: Marks) -> str:
    whole, rest = divmod(eighths, 8)
    return marks.solid * whole + (marks.solid_left[rest - 1] if rest else "")


def bar(share: float, cells: int, marks: Marks) -> str:
    """A share of 1 as a bar to an eighth of a cell; however small it is, something of it shows."""
    return _bar(max(round(min(max(share, 0.0), 1.0) * cells * 8), 1 if share > 0 else 0), marks)
