"""OTLP protobuf: requests of the OpenTelemetry SDKs, and files of collectors.

`TracesData` and `ExportTraceServiceRequest` are identical on the wire. The schema is `trace/v1/trace.proto` of
open-telemetry/opentelemetry-proto. It is read without generated classes: attributes, events and links stay raw bytes.
Fields are given as whole tags, number and wire type in one.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import MutableSequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

from tracetui.ingest.decode_context import DecodeContext, UnreadCounts
from tracetui.ingest.formats.deciding_attributes import CACHE_SIZE, LONGEST_CACHED
from tracetui.ingest.formats.error_rule import deciding_keys, needles
from tracetui.ingest.formats.otlp_detection import SCOPE_SPANS, looks_like_request, wrappers
from tracetui.ingest.formats.otlp_protobuf_values import CODEC, OtlpProtobufCodec, status_of, text_in
from tracetui.ingest.formats.otlp_span_rules import dropped_warnings, mark_missing_times, state_of_otlp
from tracetui.ingest.formats.protobuf_wire import BYTES, FIXED32, FIXED64, NO_END, VARINT, fields, varint
from tracetui.ingest.json_value_limit import MAX_DENSE
from tracetui.ingest.processes.worker import ShareDecoder, decode_shares, processes_for
from tracetui.model.intake import Intake
from tracetui.model.span import FLAG_SHIFT, STATUS_SHIFT, Flag, Kind, Status
from tracetui.model.span_chunks import CHUNK_SPANS

__all__ = ["CODEC", "OtlpProtobufCodec", "decode_request", "looks_like_request"]

_NO_COUNTS: dict[int, int] = {}
_REPEATED = (0x4A, 0x5A, 0x6A)
_DROPPED = (0x50, 0x60, 0x70)
_unsigned = struct.Struct("<Q").unpack_from
_ids = struct.Struct("<2s16s2s8s").unpack_from
_IDS = 28
_TINY = 8
"""Bytes of a span that are too few for an id."""
_MANY_BOUNDS = 1 << 10
"""Numbers that take less memory in an array."""
_SPAN_BEGINS = re.compile(rb"\x12[\x80-\xff]{0,3}[\x00-\x7f]\x0a\x10.{16}\x12\x08", re.DOTALL)
"""Beginning of a field with a span, as every known writer encodes it."""


class _StateDecider:
    """Decides about spans by the few deciding attributes, with a cache for each distinct combination."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, int], int] = {}
        self._keys = frozenset(key.encode() for key in deciding_keys())
        self._needles = needles(deciding_keys())

    def state(self, raw: bytes, native: int) -> int:
        """Compute the packed state of a span with these attributes; `native` is its own kind and status."""
        found = b""
        if any(map(raw.__contains__, self._needles)):
            at, size, keys = 0, len(raw), self._keys
            while at < size:
                length = raw[at + 1]
                start = at + 2
                if length > 0x7F:
                    length, start = varint(raw, at + 1)
                end = start + length
                # a pair that does not begin with its key may be a deciding one
                if length < 2 or raw[start] != 0x0A or raw[start + 2 : start + 2 + raw[start + 1]] in keys:
                    found += raw[at:end]
                at = end
        state = self._known.get((found, native))
        if state is None:
            state = state_of_otlp(CODEC.attributes(found), native)
            if len(found) <= LONGEST_CACHED:
                if len(self._known) >= CACHE_SIZE:
                    self._known.clear()
                self._known[found, native] = state
        return state


_decider = _StateDecider()


# --- Spans ------------------------------------------------------------------------------------------------------------


def decode_request(data: bytes | memoryview, context: DecodeContext) -> None:
    """Decode one request, also in the wrapper of Tempo's v2 API.

    In truncated or damaged data all intact spans are read, with a warning. Raises ValueError with the position if the
    message around all spans is damaged.
    """
    data = bytes(data)
    before = len(context.intake)
    reader = _RequestReader(data, context)
    end = 0
    try:
        if wrappers(data):
            for tag, start, end in fields(data, 0, NO_END):
                if tag == 0x0A:
                    reader.request(start, end)
                elif tag == 0x18 and start:
                    context.warn("Tempo sent only part of the trace")
        else:
            end = reader.request(0, NO_END)
    finally:
        reader.warn()
    if end != len(data):
        missing = f"{end - len(data)} bytes are missing" if end > len(data) else "the rest is missing"
        context.at(f"byte {len(data)}").warn(
            f"cut off: {missing}; {len(context.intake) - before} intact spans before it were read"
        )


class _RequestReader:
    """Reads the messages of one request and counts the damaged ones."""

    def __init__(self, data: bytes, context: DecodeContext) -> None:
        self.data = data
        self.context = context
        self.intake = context.intake
        self.traces: dict[bytes, int] = {}
        self.names: dict[bytes, int] = {}
        self.unread = UnreadCounts()
        self._tiny = 0
        """Number of spans of fewer than _TINY bytes."""
        self._damaged = 0
        self._damage = ""
        """Fault of the first damaged message."""

    def warn(self) -> None:
        """Warn about all unreadable parts."""
        self.unread.warn(self.context)
        if self._tiny > MAX_DENSE:
            self.context.warn(f"{self._tiny - MAX_DENSE:,} spans of a few bytes each skipped, after {MAX_DENSE:,}")
        if self._damaged:
            more = f" (and {self._damaged - 1:,} more like it)" if self._damaged > 1 else ""
            self.context.warn(f"damaged protobuf: {self._damage}{more}; damaged parts were skipped")

    def damage(self, error: ValueError) -> None:
        """Note that a message is damaged."""
        self._damage = self._damage or str(error)
        self._damaged += 1

    def request(self, at: int, end: int) -> int:
        """Decode a request, a large one in several processes.

        -> the end of its last part, beyond the data if it is cut off
        """
        stop = at
        starts, stops = array("q"), array("q")
        try:
            for tag, start, stop in fields(self.data, at, end):
                if tag == 0x0A and start < stop:
                    starts.append(start)
                    stops.append(stop)
        finally:
            processes = processes_for(stops[-1] - starts[0]) if starts else 1
            cuts = [len(starts) * i // processes for i in range(processes + 1)]
            decode_shares([self._share(starts[low:high], stops[low:high]) for low, high in pairwise(cuts)], self.intake)
        return stop

    def _share(self, starts: array[int], stops: array[int]) -> ShareDecoder:
        """Return a decoder for some of the resources of a request."""

        def decode(intake: Intake) -> None:
            here = intake is self.intake
            reader = self if here else _RequestReader(self.data, replace(self.context, intake=intake))
            for start, stop in zip(starts, stops, strict=True):
                reader.resource_spans(start, stop)
            if not here:
                reader.warn()

        return decode

    def resource_spans(self, at: int, end: int) -> None:
        """Read the scopes and spans of one resource."""
        service, attributes = "", b""
        # numbers, not tuples of them: a small message takes a few bytes
        starts, stops = array("q"), array("q")
        try:
            for tag, start, stop in fields(self.data, at, end):
                if tag == 0x0A:
                    service, attributes = self.resource(start, stop)
                elif tag in SCOPE_SPANS and start < stop:
                    starts.append(start)
                    stops.append(stop)
        except ValueError as error:
            self.damage(error)
        for start, stop in zip(starts, stops, strict=True):
            self.scope_spans(start, stop, service, attributes)

    def resource(self, at: int, end: int) -> tuple[str, bytes]:
        """Read a resource. -> the service name; the attributes without it, as it has a column of its own"""
        service = ""
        others = bytearray()
        try:
            for tag, _, stop in fields(self.data, at, end):
                if tag == 0x0A:
                    piece = self.data[at:stop]
                    named = CODEC.attributes(piece) if b"service.name" in piece else {}
                    if "service.name" not in named:
                        others += piece
                    elif (name := named["service.name"]) is not None:
                        service = str(name)
                at = stop
        except ValueError as error:
            self.damage(error)
        return service, bytes(others)

    def scope(self, at: int, end: int) -> tuple[str, str]:
        """Read an instrumentation scope. -> its name and version"""
        found = {0x0A: "", 0x12: ""}
        try:
            found |= {tag: text_in(self.data, a, b) for tag, a, b in fields(self.data, at, end) if tag in found}
        except ValueError as error:
            self.damage(error)
        return found[0x0A], found[0x12]

    def _known(self, kind: int, code: int) -> tuple[int, int]:
        """Replace an unknown kind or status code by 0."""
        if kind > Kind.CONSUMER:
            self.unread.note(f"kind {kind}", "is unknown; read as unspecified")
        if code > Status.ERROR:
            self.unread.note(f"status code {code}", "is unknown; read as unset")
        return kind if kind <= Kind.CONSUMER else 0, code if code <= Status.ERROR else 0

    def scope_spans(self, at: int, end: int, service: str, attributes: bytes) -> None:
        scope = "", ""
        starts, stops = array("q"), array("q")
        while True:
            try:
                for tag, start, stop in fields(self.data, at, end):
                    if tag == 0x12:
                        self._tiny += stop - start < _TINY
                        if self._tiny <= MAX_DENSE or stop - start >= _TINY:
                            starts.append(start)
                            stops.append(stop)
                    elif tag == 0x0A:
                        scope = self.scope(start, stop)
                    at = stop
                break
            except ValueError as error:
                self.damage(error)
                # the length of a span may be damaged: search for the next one
                following = _SPAN_BEGINS.search(self.data, at + 1, min(end, len(self.data)))
                if following is None:
                    break
                at = following.start()
        if stops and stops[-1] > len(self.data):
            starts.pop()
            stops.pop()
        # a resource takes many times the size of an empty scope
        resource = self.intake.resources(service, attributes, CODEC, *scope) if starts else 0
        for first in range(0, len(starts), CHUNK_SPANS):
            chunk = slice(first, first + CHUNK_SPANS)
            self.spans([*zip(starts[chunk], stops[chunk], strict=True)], resource)

    def _parsed(self, ranges: list[tuple[int, int]]) -> list[_Parsed]:
        """Parse the intact spans in these ranges."""
        try:
            return [_span(self.data, start, stop) for start, stop in ranges]
        except ValueError:
            pass
        found = []
        for start, stop in ranges:
            try:
                found.append(_span(self.data, start, stop))
            except ValueError as error:
                self.damage(error)
                found += self._spans_within(start, stop)
        return found

    def _spans_within(self, at: int, end: int) -> list[_Parsed]:
        """Find intact spans that begin within a damaged one, as its length may be wrong."""
        found = []
        while begins := _SPAN_BEGINS.search(self.data, at, min(end + _IDS, len(self.data))):
            length, start = varint(self.data, begins.start() + 1)
            at = begins.start() + 1
            if begins.start() < end and start + length <= len(self.data):
                with suppress(ValueError):
                    found.append(_span(self.data, start, start + length))
                    at = start + length
        return found

    def spans(self, ranges: list[tuple[int, int]], resource: int) -> None:
        """Add the spans in these ranges to the intake."""
        intake = self.intake
        position = len(intake)
        parsed = self._parsed(ranges)
        if not parsed:
            return
        traces, ids, parents, names, kinds, starts, ends, statuses, attributes, events, links, dropped = (
            list(column) for column in zip(*parsed, strict=True)
        )
        states = []
        for i, (kind, raw_status, raw) in enumerate(zip(kinds, statuses, attributes, strict=True)):
            code, message = status_of(raw_status)
            if kind > Kind.CONSUMER or code > Status.ERROR:
                kind, code = self._known(kind, code)
            states.append(_decider.state(raw, kind | code << STATUS_SHIFT))
            if message:
                intake.texts.status_messages[position + i] = message
            if dropped[i]:
                intake.texts.warn(position + i, dropped_warnings(*(dropped[i].get(tag, 0) for tag in _DROPPED)))
                states[i] |= Flag.SOURCE_WARNING << FLAG_SHIFT
        durations = [end - start for start, end in zip(starts, ends, strict=True)]
        mark_missing_times(starts, ends, durations, states)
        for raw in dict.fromkeys(traces):
            if raw not in self.traces:
                self.traces[raw] = self.context.trace(raw.hex())
        for raw in dict.fromkeys(names):
            if raw not in self.names:
                self.names[raw] = intake.names(text_in(raw, 0, len(raw)))
        rows = intake.rows
        rows.trace += map(self.traces.__getitem__, traces)
        rows.span_id += map(bytes.hex, ids)
        rows.parent_id += map(bytes.hex, parents)
        rows.name += map(self.names.__getitem__, names)
        rows.resource += [resource] * len(parsed)
        rows.start_ns += starts
        rows.duration_ns += durations
        rows.state += states
        rows.peer += [0] * len(states)
        rows.attributes += attributes
        rows.events += events
        rows.links += links
        intake.flush_if_full()


_Parsed = tuple[bytes, bytes, bytes, bytes, int, int, int, bytes, bytes, bytes, bytes, dict[int, int]]


def _span(data: bytes, at: int, end: int) -> _Parsed:
    """Parse a span.

    -> ids of trace, span and parent, name, kind, start, end, status, attributes, events, links, dropped counts
    """
    parent_id = name = status = b""
    kind = start = finish = 0
    repeated: dict[int, MutableSequence[int]] = {}
    dropped = _NO_COUNTS
    begin = at
    try:
        # fast path for the beginning that every known writer uses
        head, trace_id, middle, span_id = _ids(data, at) if end - at >= _IDS else (b"", b"", b"", b"")
        if head == b"\x0a\x10" and middle == b"\x12\x08":
            at += _IDS
        else:
            trace_id = span_id = b""
        while at < end:
            begin = at
            tag = data[at]
            at += 1
            if tag > 0x7F:
                tag, at = varint(data, begin)
                if tag <= 0x7F:
                    raise ValueError(f"an overlong field number at byte {begin}")
            wire = tag & 7
            if wire == BYTES:
                size = data[at]
                at += 1
                if size > 0x7F:
                    size, at = varint(data, at - 1)
                stop = at + size
                if tag in _REPEATED:
                    # fields of one number are usually adjacent: skip short ones at once
                    while stop < end and data[stop] == tag and data[stop + 1] <= 0x7F:
                        stop += 2 + data[stop + 1]
                    bounds = repeated.get(tag)
                    if bounds is None:
                        repeated[tag] = [begin, stop]
                    elif bounds[-1] == begin:
                        bounds[-1] = stop
                    else:
                        if len(bounds) == _MANY_BOUNDS:
                            repeated[tag] = bounds = array("q", bounds)
                        bounds.extend((begin, stop))
                elif tag == 0x0A:
                    trace_id = data[at:stop]
                elif tag == 0x12:
                    span_id = data[at:stop]
                elif tag == 0x22:
                    parent_id = data[at:stop]
                elif tag == 0x2A:
                    name = data[at:stop]
                elif tag == 0x7A:
                    status = data[at:stop]
                at = stop
            elif wire == FIXED64:
                if tag == 0x39:
                    start = _unsigned(data, at)[0]
                elif tag == 0x41:
                    finish = _unsigned(data, at)[0]
                at += 8
            elif wire == VARINT:
                number = data[at]
                at += 1
                if number > 0x7F:
                    number, at = varint(data, at - 1)
                if tag == 0x30:
                    kind = number
                elif tag in _DROPPED and number:
                    dropped = {**dropped, tag: number}
            elif wire == FIXED32:
                at += 4
            else:
                raise ValueError(f"invalid wire type {wire} at byte {begin}")
            if tag < 8:
                raise ValueError(f"a field without a number at byte {begin}")
    except (IndexError, struct.error):
        at = end + 1
    if at != end:
        raise ValueError(f"the field at byte {begin} is longer than its span")
    attributes, events, links = (_joined(data, repeated[tag]) if tag in repeated else b"" for tag in _REPEATED)
    return trace_id, span_id, parent_id, name, kind, start, finish, status, attributes, events, links, dropped


def _joined(data: bytes, bounds: MutableSequence[int]) -> bytes:
    if len(bounds) == 2:
        return data[bounds[0] : bounds[1]]
    joined = bytearray()
    for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
        joined += data[start:stop]
    return bytes(joined)
