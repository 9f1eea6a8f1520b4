"""What is in the bytes of a source: told by the bytes themselves, never by a name, and handed to its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import msgspec
from msgspec import Raw

from tracetui.ingest import lenient
from tracetui.ingest.answers import bare_value, is_answer, object_with, server_errors, shown_start
from tracetui.ingest.buffers import Buffer, unpacked
from tracetui.ingest.formats import jaeger_documents, jaeger_json, otlp_json, otlp_protobuf, zipkin_v1
from tracetui.ingest.formats.otlp_records import Records, looks_like_records
from tracetui.ingest.formats.words import plain
from tracetui.ingest.lines import json_line, line_cuts, lines
from tracetui.ingest.mend import next_value
from tracetui.ingest.parallel import decode_shares, processes_for
from tracetui.ingest.place import Place
from tracetui.ingest.salvage import salvage
from tracetui.model.intake import Intake

Piece = bytes | Raw
Progress = Callable[[float], None]
"""Is told which share of a source (0 to 1) is read."""

_BLANK = b" \t\r\n"
_ITEMS = msgspec.json.Decoder(list[Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_DATA_FIRST = re.compile(rb'\s*\{\s*"data"\s*:\s*\[')
_STEP = 256


class _Data(msgspec.Struct):
    data: list[Raw]
    errors: Raw = Raw(b"null")


_JAEGER_ANSWER = msgspec.json.Decoder(_Data)


@dataclass(slots=True)
class _Held:
    """Spans that are decoded together at the end of a source, because one needs the others."""

    progress: Progress
    zipkin: list[tuple[Piece, Place]] = field(default_factory=list)
    documents: list[tuple[Piece, Place]] = field(default_factory=list)

    def finish(self) -> None:
        if self.documents:
            jaeger_documents.decode_documents(self.documents)
        if self.zipkin:
            first = self.zipkin[0][1]
            zipkin_v1.decode_spans([piece for piece, _ in self.zipkin], Place(first.intake, first.file))


_Take = Callable[[Buffer | Raw, dict[str, Raw], Place, _Held], None]


class NotTracesError(Exception):
    """A value holds no spans; the text says what it is."""


def decode(
    data: Buffer,
    place: Place,
    progress: Progress = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Take in everything a source's bytes hold. What cannot be read is left out with a warning; nothing is raised.

    go_on: asked while compressed bytes are unpacked; where it says no, what came before counts.
    """
    data = lenient.in_utf8(unpacked(data, place, go_on))
    start = _skip_blank(data, 0)
    if start == len(data):
        place.warn("nothing in it" if data else "the file is empty")
        return
    held = _Held(progress)
    if data[:1] == b"\n" and otlp_protobuf.looks_like_request(bytes(data)):
        _protobuf(data, place)
    elif data[start : start + 1] in (b"{", b"["):
        _json(data, start, place, held)
    elif looks_like_records(memoryview(data)):
        _records(data, place, held)
    elif data[start : start + 1] == b"<":
        place.warn("a web page, not traces; was a login page saved instead of the answer?")
    elif not _lines(data, start, place, held) and not _within(data, start, place, held):
        place.warn(f"neither JSON, OTLP protobuf nor the collector's records; starts with {shown_start(data[:64])}")
    held.finish()
    # what is wrong with this source is said before the next one is read
    place.intake.decide()


def _skip_blank(data: Buffer, at: int) -> int:
    while data[at : at + 1] and data[at : at + 1] in _BLANK:
        at += 1
    return at


def _protobuf(data: Buffer, place: Place) -> None:
    try:
        otlp_protobuf.decode_request(bytes(data), place)
    except ValueError as error:
        place.warn(f"OTLP protobuf: {error}")


def _records(data: Buffer, place: Place, held: _Held) -> None:
    records = Records(memoryview(data))
    for offset, payload in records:
        at = place.at(f"record at byte {offset:,}")
        if payload.lstrip()[:1] in (b"{", b"["):
            _value(payload, at, held)
        else:
            _protobuf(payload, at)
    for offset, warning in records.warnings:
        place.at(f"byte {offset:,}").warn(warning)


def _json(data: Buffer, start: int, place: Place, held: _Held) -> None:
    """One JSON value, or one a line, or several without a line each."""
    if _lines(data, start, place, held, first=True):
        return
    trouble = _whole(data, place, held)
    if trouble and not _lines(data, start, place, held):
        salvage(lenient.sound(bytes(data)), start, place, partial(_value, place=place, held=held), trouble)


def _lines(data: Buffer, start: int, place: Place, held: _Held, *, first: bool = False) -> bool:
    """Take the source as one JSON value a line, if there is a line (or the first of several) that is one."""
    line = json_line(data, start, first=first)
    if line is None:
        return False
    processes = processes_for(len(data))
    if processes > 1 and _can_share(line):
        cuts = line_cuts(data, start, processes)
        _decode_apart(cuts, place, held, partial(_take_lines, data))
    else:
        _take_lines(data, start, len(data), place, held)
    return True


def _can_share(line: bytes) -> bool:
    """Whether lines like this one are decoded each on its own; Zipkin's spans need their other halves."""
    return line[:1] == b"{" and bool(
        _members(line).keys() & {"resourceSpans", "resourceLogs", "resourceMetrics", "spans"}
    )


def _decode_apart(
    cuts: Sequence[int], place: Place, held: _Held, take: Callable[[int, int, Place, _Held], None]
) -> None:
    """Have each stretch between two cuts taken in by a process of its own, in their order."""

    def share(begin: int, end: int) -> Callable[[Intake], None]:
        def decode_share(intake: Intake) -> None:
            # how far a process of its own is, is not known here
            here = held if intake is place.intake else _Held(lambda _: None)
            take(begin, end, Place(intake, place.file, place.position), here)
            if here is not held:
                here.finish()

        return decode_share

    decode_shares([share(begin, end) for begin, end in pairwise(cuts) if begin < end], place.intake)


def _take_lines(data: Buffer, begin: int, end: int, place: Place, held: _Held) -> None:
    for number, line in lines(data, begin, end, held.progress):
        _line(line, place.at(f"line {number}"), held)


def _line(line: bytes, place: Place, held: _Held) -> None:
    if line[:1] in (b"{", b"["):
        trouble = _whole(line, place, held)
        if trouble:
            salvage(lenient.sound(line), 0, place, partial(_value, place=place, held=held), trouble)
    elif not _within(line, 0, place, held):
        place.warn(f"left out: not a JSON object ({len(line):,} bytes)")


def _whole(data: Buffer, place: Place, held: _Held) -> str:
    """Take in one JSON value. -> '', or what is wrong with it."""
    try:
        _value(data, place, held)
    except ValueError as error:
        trouble = str(error)
    else:
        return ""
    sound = lenient.sound(bytes(data))
    return trouble if sound == data[:] else _whole(sound, place, held)


def _within(data: Buffer, start: int, place: Place, held: _Held) -> bool:
    """Take in JSON that stands after something else, such as the headers of an answer."""
    if next_value(data, start) is None:
        return False
    salvage(lenient.sound(bytes(data)), start, place, partial(_value, place=place, held=held), "")
    return True


def _value(value: Buffer | Raw, place: Place, held: _Held) -> None:
    """Take in a JSON value of any known shape. Raises ValueError if it is not JSON throughout."""
    try:
        _dispatch(value, place, held)
    except NotTracesError as error:
        place.warn(f"no traces in it: {error}")
    except msgspec.DecodeError as error:
        raise ValueError(str(error).removeprefix("JSON is malformed: ")) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _first_byte(value: Buffer | Raw) -> bytes:
    view = memoryview(value)
    for at in range(min(len(view), 1 << 16)):
        byte = bytes(view[at : at + 1])
        if byte not in _BLANK:
            return byte
    return b""


def _dispatch(value: Buffer | Raw, place: Place, held: _Held) -> None:
    first = _first_byte(value)
    if first == b"[":
        _take_list(_ITEMS.decode(value), place, held)
    elif first == b"{":
        if not isinstance(value, Raw) and _DATA_FIRST.match(value):
            answer = _JAEGER_ANSWER.decode(value)
            _take_list(answer.data, place.at("data"), held)
            server_errors(answer.errors, place)
        else:
            _take_object(value, place, held)
    else:
        raise NotTracesError(bare_value(value))


def _take_list(items: Sequence[Raw], place: Place, held: _Held) -> None:
    """A list of traces, spans, requests, or lists of them; what an item is, is seen from its keys."""
    size = sum(memoryview(item).nbytes for item in items) if len(items) > _STEP else 0
    processes = processes_for(size)
    if processes > 1 and _is_trace(items[0]):
        cuts = [len(items) * i // processes for i in range(processes + 1)]
        _decode_apart(cuts, place, held, partial(_take_items, items))
        return
    _take_items(items, 0, len(items), place, held)


def _is_trace(item: Raw) -> bool:
    return _first_byte(item) == b"{" and {"spans"} <= _members(item).keys()


def _take_items(items: Sequence[Raw], begin: int, end: int, place: Place, held: _Held) -> None:
    strangers = 0
    reason = ""
    traces = False
    for i in range(begin, end):
        item = items[i]
        at = _indexed(place, i)
        if not i % _STEP:
            held.progress((i - begin) / (end - begin))
        if traces:
            # what the keys of one trace have told need not be asked of the next
            try:
                jaeger_json.decode_trace(item, at)
                continue
            except ValueError:
                traces = False
        try:
            traces = _take_item(item, at, held) is _jaeger_trace
        except (NotTracesError, ValueError) as error:
            strangers += 1
            reason = reason or str(error)
    if strangers:
        some = f"{strangers} of {end - begin} entries" if strangers < end - begin else f"all {end - begin} entries"
        place.warn(f"{some} left out: {reason}")


def _indexed(place: Place, index: int) -> Place:
    return Place(place.intake, place.file, f"{place.position}[{index}]")


def _take_item(item: Raw, place: Place, held: _Held) -> _Take | None:
    first = _first_byte(item)
    if first == b"{":
        return _take_object(item, place, held)
    if first == b"[":
        for i, inner in enumerate(_ITEMS.decode(item)):
            if _first_byte(inner) == b"{":
                _take_object(inner, _indexed(place, i), held)
        return None
    raise NotTracesError(bare_value(item))


def _take_object(value: Buffer | Raw, place: Place, held: _Held) -> _Take:
    members = _members(value)
    if len(members) == 1 and members.keys() <= _BULK_ACTIONS and _first_byte(*members.values()) == b"{":
        _other_signal(value, members, place, held)
        return _other_signal
    for keys, take in _SHAPES:
        if members.keys() >= keys:
            take(value, members, place, held)
            return take
    names = {plain(key) for key in members}
    for keys, take in _SHAPES_IN_ANY_SPELLING:
        if names >= keys:
            take(value, members, place, held)
            return take
    raise NotTracesError(object_with(members))


def _members(value: Buffer | Raw) -> dict[str, Raw]:
    try:
        return _MEMBERS.decode(value)
    except msgspec.DecodeError:
        # half a surrogate pair in a key
        return _MEMBERS.decode(lenient.without_lone_surrogates(bytes(memoryview(value))))


def _as_piece(value: Buffer | Raw) -> Piece:
    return value if isinstance(value, (bytes, Raw)) else bytes(value)


def _jaeger_trace(value: Buffer | Raw, _: dict[str, Raw], place: Place, __: _Held) -> None:
    jaeger_json.decode_trace(_as_piece(value), place)


def _jaeger_answer(_: Buffer | Raw, members: dict[str, Raw], place: Place, held: _Held) -> None:
    data, errors = members["data"], members.get("errors")
    first = _first_byte(data)
    if errors is not None and is_answer(members):
        server_errors(errors, place)
    if first == b"[":
        _take_list(_ITEMS.decode(data), place.at("data"), held)
    elif first == b"{":
        _take_object(data, place.at("data"), held)
    elif errors is None or not (is_answer(members) or bytes(errors) == b"null"):
        raise NotTracesError(object_with(members))


def _otlp(value: Buffer | Raw, _: dict[str, Raw], place: Place, __: _Held) -> None:
    otlp_json.decode_request(_as_piece(value), place)


def _otlp_resource(value: Buffer | Raw, _: dict[str, Raw], place: Place, __: _Held) -> None:
    otlp_json.decode_request(b'{"resourceSpans":[%b]}' % bytes(memoryview(value)), place)


def _inner(key: str) -> _Take:
    def take(_: Buffer | Raw, members: dict[str, Raw], place: Place, held: _Held) -> None:
        _dispatch(members[key], place.at(key), held)

    return take


def _zipkin_span(value: Buffer | Raw, _: dict[str, Raw], place: Place, held: _Held) -> None:
    held.zipkin.append((_as_piece(value), place))


def _document_span(value: Buffer | Raw, _: dict[str, Raw], place: Place, held: _Held) -> None:
    held.documents.append((_as_piece(value), place))


def _hits(_: Buffer | Raw, members: dict[str, Raw], place: Place, held: _Held) -> None:
    hits = members["hits"]
    if _first_byte(hits) == b"{":
        hits = _members(hits).get("hits", Raw(b"[]"))
    if _first_byte(hits) != b"[":
        raise NotTracesError("a search answer without hits")
    _take_list(_ITEMS.decode(hits), place.at("hits"), held)


def _other_signal(_: Buffer | Raw, __: dict[str, Raw], ___: Place, ____: _Held) -> None:
    """Logs and metrics lie beside traces in the collector's files; they are no trouble and no traces."""


def _error_answer(_: Buffer | Raw, members: dict[str, Raw], place: Place, __: _Held) -> None:
    if not is_answer(members):
        raise NotTracesError(object_with(members))
    for key in ("error", "errors"):
        server_errors(members.get(key, Raw(b"null")), place)


_BULK_ACTIONS = frozenset(("index", "create", "update", "delete"))
"""The lines between the documents of a bulk request to Elasticsearch or OpenSearch each have one of these alone."""


_SHAPES: list[tuple[set[str], _Take]] = [
    ({"resourceSpans"}, _otlp),
    ({"resource_spans"}, _otlp),
    ({"batches"}, _otlp),
    ({"ResourceSpans"}, _otlp),
    ({"scopeSpans"}, _otlp_resource),
    ({"scope_spans"}, _otlp_resource),
    ({"ScopeSpans"}, _otlp_resource),
    ({"traceID", "spans"}, _jaeger_trace),
    ({"spans", "processes"}, _jaeger_trace),
    ({"spanID", "operationName"}, _document_span),
    ({"traceID", "spanID"}, _document_span),
    ({"_source"}, _inner("_source")),
    ({"traceId", "id"}, _zipkin_span),
    ({"hits"}, _hits),
    ({"data"}, _jaeger_answer),
    ({"result"}, _inner("result")),
    ({"trace"}, _inner("trace")),
    ({"doc"}, _inner("doc")),
    ({"resourceLogs"}, _other_signal),
    ({"resourceMetrics"}, _other_signal),
    ({"resourceProfiles"}, _other_signal),
    ({"error"}, _error_answer),
    ({"errors"}, _error_answer),
]
"""The keys that tell what an object is, in the order in which they are looked for."""
_SHAPES_IN_ANY_SPELLING: list[tuple[set[str], _Take]] = [
    ({"resourcespans"}, _otlp),
    ({"scopespans"}, _otlp_resource),
    ({"traceid", "spans", "processes"}, _jaeger_trace),
    ({"traceid", "spanid", "operationname"}, _document_span),
    ({"traceid", "id", "localendpoint"}, _zipkin_span),
    ({"traceid", "id", "binaryannotations"}, _zipkin_span),
]
"""The same of what is spelled otherwise (`trace_id`), where the decoder reads any spelling."""
