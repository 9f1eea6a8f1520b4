"""Common parts of the OTLP encodings, detection of requests, and files of length-prefixed requests.

Such files are written by the OpenTelemetry collector's file exporter. A record is a length (4 bytes, big-endian) and
a request in protobuf or JSON, which may be compressed with zstd.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from itertools import islice

import zstandard

from tracetui.ingest.buffers import ZSTD
from tracetui.ingest.formats.error_rule import decide_status
from tracetui.ingest.limits import decoding_cost, decoding_limit, unpacked_limit
from tracetui.model.span import FLAG_SHIFT, STATUS_SHIFT, Flag, Kind, Link, Status, Value, pack_state

JAEGER_WARNINGS = "@jaeger@warnings"
"""Attribute in which Jaeger's v3 API sends its warnings on a span."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types in use. Elsewhere fields are given as whole tags: `number << 3 | wire type`."""

NO_END = 1 << 62
"""End of a message that extends to the end of the data."""

SCOPE_SPANS = frozenset({2 << 3 | BYTES, 1000 << 3 | BYTES})
"""Tags of ScopeSpans in ResourceSpans: the current one, and that of `instrumentation_library_spans`."""

_SPAN_WIRES = dict(enumerate((2, 2, 2, 2, 2, 0, 1, 1, 2, 0, 2, 0, 2, 0, 2, 5), start=1))
_TRIED_SPANS = 16
_TRIED_RECORDS = 16
_TRIED_EMPTY = 1_000
_PIECE = 1 << 20
_LARGEST = 1 << 30


# --- Spans in either encoding -----------------------------------------------------------------------------------------


def state_of_otlp(attributes: dict[str, Value], native: int) -> int:
    """Compute the packed state of a span from its attributes and its packed kind and status."""
    kind = Kind(native & 7)
    status, error = decide_status(kind, Status(native >> STATUS_SHIFT), attributes)
    flags = Flag.SOURCE_WARNING if attributes.get(JAEGER_WARNINGS) else Flag.NONE
    return pack_state(kind, status, error, flags)


def link_with_kind(trace_id: str, span_id: str, attributes: dict[str, Value]) -> Link:
    """Build a link; its kind in Jaeger is in an attribute of OpenTelemetry's OpenTracing mapping."""
    kind = attributes.get("opentracing.ref_type")
    if kind in ("child_of", "follows_from"):
        del attributes["opentracing.ref_type"]
        return Link(trace_id, span_id, str(kind).upper(), attributes)
    return Link(trace_id, span_id, "", attributes)


def dropped_warnings(attributes: int, events: int, links: int) -> list[str]:
    """List the warnings for a span whose SDK dropped parts to stay within its limits."""
    counts = {"attribute": attributes, "event": events, "link": links}
    return [
        f"{count} {what}{'s' if count > 1 else ''} dropped by the SDK" for what, count in counts.items() if count > 0
    ]


def mark_missing_times(starts: list[int], ends: list[int], durations: list[int], states: list[int]) -> None:
    """Flag spans without a start or an end, which are 0 in OTLP. An end without a start is copied to `starts`."""
    if min(starts) > 0 and min(ends) > 0:
        return
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start > 0 and end > 0:
            continue
        durations[i] = 0
        if end <= 0:
            states[i] |= Flag.NO_DURATION << FLAG_SHIFT
        if start <= 0:
            starts[i] = max(end, 0)
            states[i] |= (Flag.START_REPAIRED if end <= 0 else Flag.START_REPAIRED | Flag.END_KNOWN) << FLAG_SHIFT


def hex_id(text: str, digits: int) -> str:
    """Convert an id to hex. Text that has the length of a base64 id and decodes is converted; other text stays."""
    unpadded = (digits * 4 + 5) // 6
    padding = -unpadded % 4
    if len(text) not in (unpadded, unpadded + padding):
        return text
    bare = text.rstrip("=")
    try:
        data = base64.b64decode(bare + "=" * padding, validate=True)
    except (ValueError, binascii.Error):
        return text
    # hex of that length can also be valid base64, but rarely with zeros in the unused bits of the last digit
    return data.hex() if base64.b64encode(data).decode().rstrip("=") == bare else text


# --- Protobuf ---------------------------------------------------------------------------------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a varint. -> the number, and the position after it. Raises IndexError if the data ends before."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits at byte {at - 10}")


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields of the message between two positions: tag, start and end of the content.

    For a varint the second is the number itself. `end` may be beyond truncated data; then a field of bytes may also
    end there, and others may be missing. Raises ValueError if the bytes are not a message.
    """
    size = len(data)
    limit = min(end, size)
    while at < limit:
        begin = at
        try:
            tag, at = varint(data, at)
            wire = tag & 7
            start = at
            if wire == BYTES:
                length, start = varint(data, at)
                at = start + length
            elif wire == VARINT:
                start, at = varint(data, at)
            elif wire == FIXED64:
                at += 8
            elif wire == FIXED32:
                at += 4
            else:
                raise ValueError(f"wire type {wire} at byte {begin}")
        except IndexError:
            if end > size:
                return
            at = end + 1
        if at > end:
            raise ValueError(f"the field at byte {begin} is longer than its message")
        if tag < 8:
            raise ValueError(f"a field without a number at byte {begin}")
        if at > size and wire != BYTES:
            return
        yield tag, start, at


def looks_like_request(data: bytes | memoryview) -> bool:
    """Test whether the bytes hold OTLP spans, unlike requests with logs, metrics or nothing."""
    return wrappers(bytes(data)) is not None


def wrappers(data: bytes) -> int | None:
    """Count the messages around a request: 0, or 1 for Tempo's v2 API. None if it is not a request."""
    for count in (0, 1):
        try:
            for start, stop in islice(_span_ranges(data, 0, NO_END, count + 2), _TRIED_SPANS):
                if _is_span(data, start, stop):
                    return count
        except ValueError:
            continue
    return None


def _span_ranges(data: bytes, at: int, end: int, levels: int) -> Iterator[tuple[int, int]]:
    # from the outside in: one or two messages in field 1, then ScopeSpans, then spans in field 2
    for tag, start, stop in fields(data, at, end):
        if levels == 0 and tag == 0x12:
            yield start, stop
        elif (levels == 1 and tag in SCOPE_SPANS) or (levels >= 2 and tag == 0x0A):
            yield from _span_ranges(data, start, stop, levels - 1)


def _is_span(data: bytes, at: int, end: int) -> bool:
    sizes = {}
    for tag, start, stop in fields(data, at, end):
        if _SPAN_WIRES.get(tag >> 3, tag & 7) != tag & 7:
            return False
        sizes[tag] = stop - start
    # a metric may have a name of 16 bytes and a description of 8, but not a kind and times like a span
    return sizes.get(0x0A) == 16 and sizes.get(0x12) == 8 and not sizes.keys().isdisjoint((0x30, 0x39, 0x41))


# --- Records ----------------------------------------------------------------------------------------------------------


class RecordReader:
    """Iterator over the records of a file: the position and uncompressed request of each.

    largest: size limit of a request in bytes. `warnings` collects positions and faults during iteration. `cut`:
    position and request of a truncated last record, after iteration.
    """

    def __init__(self, data: bytes | memoryview, largest: int = _LARGEST) -> None:
        self.warnings: list[tuple[int, str]] = []
        self.cut: tuple[int, bytes] | None = None
        self._data = memoryview(data)
        self._largest = largest

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        at, size = 0, len(self._data)
        while at < size:
            end = at + 4 + int.from_bytes(self._data[at : at + 4], "big")
            if at + 4 > size:
                self.warnings.append((at, f"cut off within the length of a record; {size - at} bytes not read"))
                return
            if end > size:
                self.warnings.append((at, f"cut off within a record: {end - size} of its {end - at - 4} bytes missing"))
            request = self._plain(at, bytes(self._data[at + 4 : end]))
            if end > size:
                self.cut = (at, request) if request else None
            elif request:
                yield at, request
            at = end

    def _plain(self, at: int, payload: bytes) -> bytes:
        if not payload.startswith(ZSTD):
            return payload
        pieces: list[bytes] = []
        size = cost = 0
        largest, most_cost = min(self._largest, unpacked_limit(len(payload))), decoding_limit(len(payload))
        try:
            with zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True) as reader:
                while piece := reader.read(_PIECE):
                    pieces.append(piece)
                    size += len(piece)
                    cost += decoding_cost(piece)
                    if size > largest:
                        self.warnings.append((at, f"record skipped: more than {largest:,} bytes unpacked"))
                        return b""
                    if cost > most_cost:
                        self.warnings.append((at, "record skipped: more values than any traces of its size"))
                        return b""
        except MemoryError as error:
            self.warnings.append((at, f"record skipped: {error}"))
            return b""
        except zstandard.ZstdError as error:
            kept = f"; {size:,} bytes before that were read" if size else ""
            self.warnings.append((at, f"record {'damaged' if size else 'skipped'}: {error}{kept}"))
        return b"".join(pieces)


def records(data: bytes | memoryview) -> RecordReader:
    """Iterate over the records of a file."""
    return RecordReader(data)


_TEXT = bytes([9, 10, 13, *range(32, 127)])


def looks_like_records(data: bytes | memoryview) -> bool:
    """Test whether the bytes begin with length-prefixed requests. The last record may be cut off."""
    data = memoryview(data)
    at = count = 0
    # empty records prove nothing: a file of zeros is full of them
    for _ in range(_TRIED_EMPTY):
        if at + 4 >= len(data) or count >= _TRIED_RECORDS:
            break
        length = int.from_bytes(data[at : at + 4], "big")
        if length > len(data) and not bytes(data[at : at + 4]).translate(None, _TEXT):
            # a word, not the length of a record that is cut off
            return False
        if length and not _looks_like_payload(data[at + 4 : at + 4 + length], length):
            return False
        at += 4 + length
        count += length > 0
    return count > 0


def _looks_like_payload(payload: memoryview, length: int) -> bool:
    start = bytes(payload[:16])
    if start[:1] != b"\x0a":
        return start.startswith(ZSTD) or start.lstrip()[:2] in (b'{"', b"{}", b"{")
    return looks_like_request(payload) if len(payload) < length else _consists_of_resources(bytes(payload))


def is_protobuf(payload: bytes) -> bool:
    """Test whether the payload of a record is protobuf, not JSON.

    If the first message has 91 or 123 bytes, its tag and length look like a line break followed by `[` or `{`.
    """
    return payload[:1] == b"\x0a" and (_consists_of_resources(payload) or looks_like_request(payload))


def _consists_of_resources(payload: bytes) -> bool:
    # a request of any signal consists of fields with number 1
    try:
        return all(tag == 0x0A for tag, _, _ in fields(payload, 0, len(payload)))
    except ValueError:
        return False
