"""OTLP logs as protobuf: `LogsData` or `ExportLogsServiceRequest`, which are identical on the wire.

The schema is `logs/v1/logs.proto` of open-telemetry/opentelemetry-proto. Fields are given as whole tags, number and
wire type in one, as in `formats.otlp_protobuf`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from tracetui.ingest.formats.otlp_protobuf_values import CODEC, any_value
from tracetui.ingest.formats.protobuf_wire import BYTES, NO_END, fields
from tracetui.ingest.logs.ids import trace_id_readings
from tracetui.ingest.logs.otlp_json import as_message, moment, origin
from tracetui.ingest.logs.record import LogContent, LogRecord
from tracetui.ingest.logs.severity import severity_of
from tracetui.model.span import Value

_SCOPE_LOGS: Final = frozenset({2 << 3 | BYTES, 1000 << 3 | BYTES})
"""Tags of ScopeLogs in ResourceLogs: the current one, and the former `instrumentation_library_logs`."""
_TIME, _SEVERITY, _SEVERITY_TEXT, _BODY, _ATTRIBUTES = 0x09, 0x10, 0x1A, 0x2A, 0x32
_TRACE, _SPAN, _OBSERVED, _EVENT_NAME = 0x4A, 0x52, 0x59, 0x62
_WIRES: Final = {1: 1, 2: 0, 3: 2, 5: 2, 6: 2, 7: 0, 8: 5, 9: 2, 10: 2, 11: 1, 12: 2}
"""Wire type of each field of a LogRecord."""
_TRIED: Final = 16
_unsigned = struct.Struct("<Q").unpack_from


class OtlpProtobuf:
    """Form with one request of OTLP logs per message."""

    name = "OTLP protobuf"

    def recognises(self, unit: bytes) -> bool:
        return unit[:1] == b"\n" and holds_logs(unit)

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        return _of_request(unit)


def holds_logs(data: bytes) -> bool:
    """Test whether bytes are a request with logs, not one with spans or metrics or an empty one."""
    try:
        return any(_is_log(data, start, stop) for _, _, start, stop in islice(_record_bounds(data), _TRIED))
    except ValueError:
        return False


def _is_log(data: bytes, at: int, end: int) -> bool:
    found = set()
    for tag, _, _ in fields(data, at, end):
        if _WIRES.get(tag >> 3, tag & 7) != tag & 7:
            return False
        found.add(tag)
    return not found.isdisjoint((_TIME, _OBSERVED))


def _record_bounds(data: bytes) -> Iterator[tuple[tuple[int, int], tuple[int, int], int, int]]:
    """Yield for each log record the positions of its resource and scope, and its own start and end."""
    for tag, at, end in fields(data, 0, NO_END):
        if tag != 0x0A:
            continue
        resource = (0, 0)
        scopes = []
        for inner, start, stop in fields(data, at, end):
            if inner == 0x0A:
                resource = (start, stop)
            elif inner in _SCOPE_LOGS:
                scopes.append((start, stop))
        for start, stop in scopes:
            scope = (0, 0)
            for inner, a, b in fields(data, start, stop):
                if inner == 0x0A:
                    scope = (a, b)
                elif inner == 0x12:
                    yield resource, scope, a, b


def _of_request(data: bytes) -> Iterator[LogRecord]:
    """Yield the log records of a request. Raises ValueError at damage."""
    known: tuple[int, int] | None = None
    service: Value = None
    for resource, scope, start, stop in _record_bounds(data):
        if stop > len(data):
            raise ValueError(f"cut off at byte {len(data):,}")
        if resource != known:
            known, service = resource, _service(data, *resource)
        trace = b""
        for tag, a, b in fields(data, start, stop):
            if tag == _TRACE:
                trace = data[a:b]
        yield LogRecord(partial(_content, data, start, stop, service, scope), trace_id_readings(trace.hex()))


def _service(data: bytes, at: int, end: int) -> Value:
    begin = at
    for tag, _, stop in fields(data, at, end):
        if tag == 0x0A and b"service.name" in data[begin:stop]:
            return CODEC.attributes(data[begin:stop]).get("service.name")
        begin = stop
    return None


def _content(data: bytes, at: int, end: int, service: Value, scope: tuple[int, int]) -> LogContent:
    texts = {_SEVERITY_TEXT: "", _EVENT_NAME: ""}
    times = {_TIME: 0, _OBSERVED: 0}
    attributes = []
    body: Value = None
    number = span = 0
    begin = at
    for tag, start, stop in fields(data, at, end):
        if tag in texts:
            texts[tag] = data[start:stop].decode("utf-8", "replace")
        elif tag in times:
            times[tag] = _unsigned(data, start)[0]
        elif tag == _SEVERITY:
            number = start
        elif tag == _BODY:
            body = any_value(data[start:stop])
        elif tag == _SPAN:
            span = int.from_bytes(data[start:stop], "big") if stop - start == 8 else 0
        elif tag == _ATTRIBUTES:
            attributes.append(data[begin:stop])
        begin = stop
    return LogContent(
        message=as_message(body) or texts[_EVENT_NAME],
        moment=moment(times[_TIME], times[_OBSERVED]),
        span_keys=(span,) if span else (),
        severity=severity_of("severitynumber", number) or severity_of("", texts[_SEVERITY_TEXT]),
        severity_text=texts[_SEVERITY_TEXT],
        attributes=origin(service, _logger(data, *scope)) | CODEC.attributes(b"".join(attributes)),
    )


def _logger(data: bytes, at: int, end: int) -> str:
    """Read the name of a scope."""
    for tag, start, stop in fields(data, at, end):
        if tag == 0x0A:
            return data[start:stop].decode("utf-8", "replace")
    return ""
