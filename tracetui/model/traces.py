"""Trace set: traces as columns of spans."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from tracetui.model.errors import LoadWarning
from tracetui.model.ids import canonical_trace_id, span_text, span_texts
from tracetui.model.log_lines import NO_LOGS, LogLines
from tracetui.model.operations import Operations, exact_operations, operations_by_shape
from tracetui.model.service_slots import service_slots
from tracetui.model.skewed_spans import skewed_spans
from tracetui.model.span import Event, Flag, Kind, Link, Span, Status, Value
from tracetui.model.span_bytes import SpanBytes
from tracetui.model.tables import Resource
from tracetui.model.times import MAX_START_NS
from tracetui.model.tree import subtree_maximum

_T = TypeVar("_T")

_FLAG_TEXTS = {
    Flag.CYCLE_CUT: "parent cycle, cut here at the earliest span",
    Flag.SAME_ID: "another span of this trace has the same id",
    Flag.START_REPAIRED: "no start time; shown at its parent's start",
    Flag.NEGATIVE_DURATION: "negative duration; shown as 0",
    Flag.NO_DURATION: "no duration: the span has not ended, or its end is unknown",
    Flag.SHORTENED: "attributes, events or links above the size limit were skipped",
    Flag.OUT_OF_RANGE: "a time out of range; cut to the limit",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceSet:
    """Spans as columns; immutable.

    Trace `t` is the slice `first[t]:first[t + 1]`, in pre-order. The subtree of span `i` is the slice
    `i:subtree_end[i]`, so its first child, if any, is `i + 1`, and the next sibling of a child is at its `subtree_end`.
    Roots and siblings are sorted by start.

    Times are int64 nanoseconds since the Unix epoch, durations int64 nanoseconds.
    """

    trace: np.ndarray
    """int32[n], trace of each span."""
    parent: np.ndarray
    """int32[n], position of the parent, -1 for a root (orphans are roots)."""
    subtree_end: np.ndarray
    """int32[n], position after the last span of the subtree."""
    depth: np.ndarray
    """int32[n], 0 for a root."""
    start: np.ndarray
    duration: np.ndarray
    order: np.ndarray
    """int64[n], position of each span in the input, which breaks ties of equal times."""
    key: np.ndarray
    """uint64[n], span id as a number (see `model.ids`)."""
    name: np.ndarray
    """int32[n] into `names`."""
    resource: np.ndarray
    """int32[n] into `resources`."""
    kind: np.ndarray
    """uint8[n], `Kind`."""
    status: np.ndarray
    """uint8[n], `Status`."""
    error: np.ndarray
    """bool[n], true if the span counts as an error."""
    flags: np.ndarray
    """uint16[n], `Flag` bits."""
    message: np.ndarray
    """int32[n] into `messages`: status message; 0 for none."""
    raw_at: np.ndarray
    """int64[n], position of the span's attributes in `span_bytes`; events and then links follow."""
    attribute_bytes: np.ndarray
    event_bytes: np.ndarray
    link_bytes: np.ndarray
    noted_peer: np.ndarray
    """int32[n] into `peers`: a `model.peers.Note`, or the call target if the decoder recognised it."""
    first: np.ndarray
    """int64[traces + 1]."""
    names: list[str]
    peers: list[str]
    services: list[str]
    messages: list[str]
    resources: list[Resource]
    trace_ids: list[str]
    """Id of each trace as the source wrote it."""
    span_bytes: SpanBytes
    odd_ids: dict[int, str]
    """Span ids in an unusual spelling, by span."""
    missing_parents: dict[int, str]
    """Missing parent id, by orphan."""
    source_warnings: dict[int, list[str]]
    trace_warnings: dict[int, list[str]]
    load_warnings: list[LoadWarning]
    duplicates: dict[int, int] = field(default_factory=dict)
    """Number of records that were merged into others of the same span, by trace."""
    log_lines: LogLines = NO_LOGS
    """Log records of the spans."""
    skew: dict[int, int] = field(default_factory=dict)
    """Shift in nanoseconds by span, for spans moved to correct clock skew."""
    exact_names: bool = False
    """True if every span name is a separate operation, including ids."""
    known_operations: list[Operations] = field(default_factory=list)
    """Cache of `operations` with at most one entry, shared by all selections of a set."""
    known_slots: list[list[int]] = field(default_factory=list)
    """Cache of `service_slots`, likewise."""

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.trace)

    @property
    def trace_count(self) -> int:
        return len(self.trace_ids)

    @cached_property
    def results(self) -> dict[object, Any]:
        """Cache of analysis results, by the function that computed them.

        Entries refer to the set weakly, so that it is freed as soon as it is replaced.
        """
        return {}

    @cached_property
    def end(self) -> np.ndarray:
        """int64[n], `start + duration`."""
        ends: np.ndarray = self.start + self.duration
        return ends

    @cached_property
    def service(self) -> np.ndarray:
        """int32[n] into `services`."""
        if not self.resources:
            return np.zeros(0, np.int32)
        column: np.ndarray = np.array([r.service for r in self.resources], np.int32)[self.resource]
        return column

    @cached_property
    def exact_operation(self) -> np.ndarray:
        """int64[n], one number per (service, span name): `service * len(names) + name`."""
        numbers: np.ndarray = self.service.astype(np.int64) * len(self.names) + self.name
        return numbers

    @property
    def operations(self) -> Operations:
        """Shapes of the names, or with `exact_names` the names themselves."""
        if self.exact_names:
            return exact_operations(self)
        if not self.known_operations:
            self.known_operations.append(operations_by_shape(self))
        return self.known_operations[0]

    @property
    def service_slots(self) -> list[int]:
        """Number of each service that determines its colour, the same in every selection."""
        if not self.known_slots:
            self.known_slots.append(service_slots(self))
        return self.known_slots[0]

    @cached_property
    def shape(self) -> np.ndarray:
        """int32[n] into `shapes`: operation of each span without its service."""
        return self.operations.column(self)

    @property
    def shapes(self) -> list[str]:
        """Names with `{id}` for ids; see `model.operation_shape`."""
        return self.operations.texts

    @cached_property
    def operation(self) -> np.ndarray:
        """int64[n], the grouping key: one number per (service, shape), `service * len(shapes) + shape`."""
        numbers: np.ndarray = self.service.astype(np.int64) * len(self.shapes) + self.shape
        return numbers

    def operation_label(self, operation: int) -> tuple[str, str]:
        """Return service and shape of a number in `operation`."""
        service, shape = divmod(operation, len(self.shapes))
        return self.services[service], self.shapes[shape]

    @cached_property
    def trace_start(self) -> np.ndarray:
        """int64[traces], earliest start of each trace's spans."""
        return self._per_trace(np.minimum, self.start)

    @cached_property
    def trace_duration(self) -> np.ndarray:
        """int64[traces], greatest end minus earliest start over all spans of each trace."""
        durations: np.ndarray = self._per_trace(np.maximum, self.end) - self.trace_start
        return durations

    @cached_property
    def no_start(self) -> np.ndarray:
        """bool[n], true if the source gives no start; `start` is that of the parent, or of the trace for a root."""
        missing: np.ndarray = (self.flags & int(Flag.START_REPAIRED)) > 0
        return missing

    @cached_property
    def no_duration(self) -> np.ndarray:
        """bool[n], true if the source gives neither an end nor a duration; `duration` is 0."""
        missing: np.ndarray = (self.flags & int(Flag.NO_DURATION)) > 0
        return missing

    def known_durations(self, spans: np.ndarray) -> np.ndarray:
        """Return the known durations of these spans, for statistics: int64[m]."""
        durations: np.ndarray = self.duration[spans[~self.no_duration[spans]]]
        return durations

    @cached_property
    def reached_end(self) -> np.ndarray:
        """int64[n], `end`; for a span without an end the greatest end in its subtree."""
        if not self.no_duration.any():
            return self.end
        reached: np.ndarray = np.where(self.no_duration, subtree_maximum(self.parent, self.end), self.end)
        return reached

    @cached_property
    def root_missing(self) -> np.ndarray:
        """bool[traces], true if the main root is an orphan, so that the span of the request itself is missing."""
        missing: np.ndarray = (self.flags[self.main_root] & int(Flag.ORPHAN)) > 0
        return missing

    @cached_property
    def response_time(self) -> np.ndarray:
        """int64[traces] nanoseconds, duration of the main root.

        A root without an end extends to the greatest end below it. If the root is missing, the duration of the trace is
        used instead.
        """
        root = self.main_root
        times: np.ndarray = np.where(self.root_missing, self.trace_duration, self.reached_end[root] - self.start[root])
        return times

    @cached_property
    def trace_errors(self) -> np.ndarray:
        """int64[traces], number of error spans."""
        return self._per_trace(np.add, self.error.astype(np.int64))

    @cached_property
    def trace_warning_counts(self) -> np.ndarray:
        """int64[traces], number of warning flags on spans and of warnings about the trace as a whole."""
        flagged = self.flags & int(Flag.warnings())
        counts = self._per_trace(np.add, np.bitwise_count(flagged).astype(np.int64))
        for trace, texts in self.trace_warnings.items():
            counts[trace] += len(texts)
        counts += self.skewed
        return counts

    @cached_property
    def skewed(self) -> np.ndarray:
        """bool[traces], true if the trace has clock skew; see `model.skewed_spans`."""
        found = np.zeros(self.trace_count, bool)
        found[self.trace[skewed_spans(self)]] = True
        return found

    @cached_property
    def main_root(self) -> np.ndarray:
        """int32[traces], the earliest root that is not an orphan, else the earliest root."""
        roots = np.flatnonzero(self.parent < 0)
        orphan = (self.flags[roots] & Flag.ORPHAN) > 0
        order = roots[np.lexsort((roots, orphan, self.trace[roots]))]
        return order[np.searchsorted(self.trace[order], np.arange(self.trace_count))].astype(np.int32)

    def _per_trace(self, function: np.ufunc, column: np.ndarray) -> np.ndarray:
        if not self.trace_count:
            return np.zeros(0, np.int64)
        result: np.ndarray = function.reduceat(column, self.first[:-1])
        return result

    def spans_of(self, trace: int) -> range:
        """Return the positions of a trace's spans."""
        return range(int(self.first[trace]), int(self.first[trace + 1]))

    def trace_name(self, trace: int) -> str:
        """Return `service operation` of the main root."""
        root = int(self.main_root[trace])
        return f"{self.service_name(root)} {self.operation_name(root)}"

    def service_name(self, span: int) -> str:
        return self.services[int(self.service[span])]

    def operation_name(self, span: int) -> str:
        """Return the exact name of the span; `shape_name` is the name by which it is grouped."""
        return self.names[int(self.name[span])]

    def shape_name(self, span: int) -> str:
        return self.shapes[int(self.shape[span])]

    def name_of_all(self, spans: range) -> str:
        """Name spans of one operation: by their exact name if it is the same for all, else by shape."""
        names = self.name[spans.start : spans.stop : spans.step]
        return self.operation_name(spans.start) if (names == names[0]).all() else self.shape_name(spans.start)

    def span_id(self, span: int) -> str:
        """Return the id as the source wrote it."""
        return self.odd_ids.get(span) or span_text(int(self.key[span]))

    def span_ids(self, spans: np.ndarray) -> list[str]:
        """Return `span_id` of these spans: int64[m]."""
        ids = span_texts(self.key[spans])
        if self.odd_ids:
            ids = [self.odd_ids.get(span) or text for span, text in zip(spans.tolist(), ids, strict=True)]
        return ids

    def parent_id(self, span: int) -> str | None:
        """Return the id of the parent, even if that is missing; None for a span without a parent."""
        parent = int(self.parent[span])
        return self.span_id(parent) if parent >= 0 else self.missing_parents.get(span)

    def _raw(self, span: int, part: int) -> bytes:
        sizes = (self.attribute_bytes, self.event_bytes, self.link_bytes)
        at = int(self.raw_at[span]) + sum(int(size[span]) for size in sizes[:part])
        return self.span_bytes.read(at, int(sizes[part][span]))

    def raw_attributes(self, span: int) -> bytes:
        """Return the raw attributes, to be searched before decoding."""
        return self.span_bytes.read(int(self.raw_at[span]), int(self.attribute_bytes[span]))

    def attributes(self, span: int) -> dict[str, Value]:
        return self.resources[int(self.resource[span])].codec.attributes(self.raw_attributes(span))

    def resource_attributes(self, span: int) -> dict[str, Value]:
        resource = self.resources[int(self.resource[span])]
        return resource.codec.attributes(resource.raw)

    def events(self, span: int) -> list[Event]:
        """Return the events and log records of a span."""
        events, lines = self.own_events(span), self.log_events(span)
        return sorted([*events, *lines], key=lambda event: event.time_ns) if lines else events

    def own_events(self, span: int) -> list[Event]:
        """Return the events of a span, without log records."""
        return self._moved(self.resources[int(self.resource[span])].codec.events(self._raw(span, 1)), span)

    def log_events(self, span: int) -> list[Event]:
        """Return the log records of a span."""
        return self._moved(self.log_lines.events(span), span)

    def _moved(self, events: list[Event], span: int) -> list[Event]:
        """Return events with times corrected for clock skew, within the limits that apply to starts."""
        moved = self.skew.get(span, 0)
        if not moved and all(0 <= event.time_ns <= MAX_START_NS for event in events):
            return events
        return [replace(event, time_ns=min(max(event.time_ns + moved, 0), MAX_START_NS)) for event in events]

    def event_times(self, span: int) -> np.ndarray:
        """Return the times of the events and log records of a span, unsorted: int64[m]."""
        times = np.zeros(0, np.int64)
        if self.event_bytes[span]:
            codec = self.resources[int(self.resource[span])].codec
            # sources may contain any number as a time
            found = (event.time_ns for event in codec.events(self._raw(span, 1)))
            times = np.array([min(max(ns, 0), MAX_START_NS) for ns in found], np.int64)
        if len(self.log_lines):
            times = np.concatenate((times, self.log_lines.times(span)))
        moved: np.ndarray = times + self.skew.get(span, 0)
        return moved

    def log_error_times(self, span: int) -> np.ndarray:
        """Return the times of the log records with the severity of an error: int64[m]."""
        times = self.log_lines.error_times(span)
        return times + self.skew.get(span, 0) if len(times) else times

    def links(self, span: int) -> list[Link]:
        return self.resources[int(self.resource[span])].codec.links(self._raw(span, 2))

    def warnings_of(self, span: int) -> list[str]:
        """Describe the flags of the span, then the warnings of its source."""
        flags = Flag(int(self.flags[span]))
        texts = [text for flag, text in _FLAG_TEXTS.items() if flags & flag]
        if flags & Flag.ORPHAN:
            texts.insert(0, f"orphan: its parent {self.missing_parents.get(span, '')} is not in the trace")
        if flags & Flag.SKEW_ADJUSTED:
            by = f" by {self.skew[span] / 1e6:+,.3f} ms" if span in self.skew else ""
            texts.append(f"moved{by} to correct clock skew")
        return texts + self.source_warnings.get(span, [])

    def span(self, span: int) -> Span:
        """Build a complete span."""
        resource = self.resources[int(self.resource[span])]
        return Span(
            trace_id=self.trace_ids[int(self.trace[span])],
            span_id=self.span_id(span),
            parent_id=self.parent_id(span),
            service=self.services[resource.service],
            name=self.operation_name(span),
            start_ns=int(self.start[span]),
            duration_ns=int(self.duration[span]),
            kind=Kind(int(self.kind[span])),
            status=Status(int(self.status[span])),
            status_message=self.messages[int(self.message[span])],
            error=bool(self.error[span]),
            attributes=self.attributes(span),
            resource=self.resource_attributes(span),
            scope_name=resource.scope_name,
            scope_version=resource.scope_version,
            events=tuple(self.events(span)),
            links=tuple(self.links(span)),
            flags=Flag(int(self.flags[span])),
            warnings=tuple(self.warnings_of(span)),
        )

    @cached_property
    def _trace_numbers(self) -> dict[str, int]:
        return {canonical_trace_id(text): trace for trace, text in enumerate(self.trace_ids)}

    def find_trace(self, trace_id: str) -> int | None:
        """Find a trace by an id in any spelling; None for none."""
        return self._trace_numbers.get(canonical_trace_id(trace_id))

    def select(self, traces: np.ndarray) -> TraceSet:
        """Select only these traces (ascending positions, or a mask), with the same tables and bytes."""
        if traces.dtype == bool:
            traces = np.flatnonzero(traces)
        if len(traces) == self.trace_count:
            return self
        # derived from all spans, so that operations and colours are the same in every selection
        _ = self.operations, self.service_slots
        sizes = np.diff(self.first)[traces]
        first = np.zeros(len(traces) + 1, np.int64)
        np.cumsum(sizes, out=first[1:])
        shift = self.first[:-1][traces] - first[:-1]
        spans = np.arange(int(first[-1])) + np.repeat(shift, sizes)
        shift_of_span = np.repeat(shift, sizes).astype(np.int32)
        parent = self.parent[spans]
        new_trace = np.full(self.trace_count, -1)
        new_trace[traces] = np.arange(len(traces))
        new_span = np.full(len(self) + 1, -1, np.int64)
        new_span[spans] = np.arange(len(spans))

        def kept(table: dict[int, _T], new: np.ndarray) -> dict[int, _T]:
            return {int(new[i]): value for i, value in table.items() if new[i] >= 0}

        per_span = (
            "start duration order key name resource kind status error flags message depth"
            " raw_at attribute_bytes event_bytes link_bytes noted_peer"
        )
        return replace(
            self,
            **{column: getattr(self, column)[spans] for column in per_span.split()},
            trace=new_trace[self.trace[spans]].astype(np.int32),
            parent=np.where(parent >= 0, parent - shift_of_span, -1).astype(np.int32),
            subtree_end=(self.subtree_end[spans] - shift_of_span).astype(np.int32),
            first=first,
            trace_ids=[self.trace_ids[t] for t in traces.tolist()],
            odd_ids=kept(self.odd_ids, new_span),
            missing_parents=kept(self.missing_parents, new_span),
            source_warnings=kept(self.source_warnings, new_span),
            log_lines=self.log_lines.select(new_span),
            skew=kept(self.skew, new_span),
            trace_warnings=kept(self.trace_warnings, new_trace),
            duplicates=kept(self.duplicates, new_trace),
        )
