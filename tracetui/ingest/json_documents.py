"""JSON values that contain spans: recognised by their keys, and dispatched to their format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Annotated, Any, Final

import msgspec
from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import PROGRESS_STEP, DeferredSpans
from tracetui.ingest.diagnostics import bare_value, is_server_response, object_with, server_errors
from tracetui.ingest.formats import jaeger_json
from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.format import JsonFormat
from tracetui.ingest.formats.nearest_format import nearest_json
from tracetui.ingest.formats.registry import JAEGER, JAEGER_DOCUMENT, JSON_FORMATS, ZIPKIN
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.nesting import NESTED_TOO_DEEPLY
from tracetui.ingest.json_tables import TABLE_KEYS, rows_of_table
from tracetui.ingest.processes.worker import decode_shares, processes_for
from tracetui.ingest.record_errors import skip_record
from tracetui.ingest.source_bytes import Buffer
from tracetui.ingest.unknown_json import (
    LOG_RECORD_KEYS,
    NotTracesError,
    UnknownEntries,
    unsupported_kind,
    values_with_spans,
)
from tracetui.model.intake import Intake
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS, RAW_MEMBERS, MalformedError, reason
from tracetui.model.json_decoding import decode as decode_json

BLANK = b" \t\r\n"
_DATA_FIRST = re.compile(rb'\s*\{\s*"data"\s*:\s*\[\s*')
_COMPARED: Final = 256
_TRAILING: Final = re.compile(r"trailing characters \(byte (\d+)\)")
_SHARED_KEYS: Final = ("resourceSpans", "resourceLogs", "resourceMetrics", "spans")
_MAX_WRAPPERS = 32
"""Limit for the objects around an object with spans. Each is scanned as a whole, so more would be slow."""


class _JaegerResponse(msgspec.Struct):
    data: list[Raw]
    errors: Raw = Raw(b"null")


_JAEGER_RESPONSE = msgspec.json.Decoder(_JaegerResponse)


_ShapeDecoder = Callable[[Buffer | Raw, dict[str, Raw], DecodeContext, DeferredSpans], None]


def decode_value(value: Buffer | Raw, context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode a JSON value of any known shape. Raises MalformedError if any part of it is not JSON."""
    deferred.wrappers = 0
    try:
        _dispatch(value, context, deferred)
    except NotTracesError as error:
        context.skip_value(str(error), is_log_record=error.is_log_record)
    except MALFORMED as error:
        raise MalformedError(reason(error).removeprefix("JSON is malformed: ")) from None


def can_share(line: bytes) -> bool:
    """Test whether lines like this one can be decoded independently; Zipkin's spans need their other halves."""
    try:
        members = _members(line) if line[:1] == b"{" else {}
        if "_source" in members:
            members = _members(members["_source"])
    except MalformedError:
        return False
    keys = members.keys()
    return not keys.isdisjoint(_SHARED_KEYS) or any(keys >= known for known in JAEGER_DOCUMENT.keys)


def decode_in_parallel(
    cuts: Sequence[int],
    context: DecodeContext,
    deferred: DeferredSpans,
    decode: Callable[[int, int, DecodeContext, DeferredSpans], None],
) -> None:
    """Decode each stretch between two cuts in a separate process; results keep their order."""

    def share(begin: int, end: int) -> Callable[[Intake], None]:
        def decode_share(intake: Intake) -> None:
            # another process cannot report its progress
            own_deferred = deferred if intake is context.intake else DeferredSpans(lambda _: None)
            at = replace(context, intake=intake)
            decode(begin, end, at, own_deferred)
            # before the results of other processes follow
            own_deferred.decode_documents()
            if own_deferred is not deferred:
                own_deferred.finish(at)

        return decode_share

    decode_shares([share(begin, end) for begin, end in pairwise(cuts) if begin < end], context.intake)


def _first_byte(value: Buffer | Raw) -> bytes:
    view = memoryview(value)
    for at in range(min(len(view), 1 << 16)):
        byte = bytes(view[at : at + 1])
        if byte not in BLANK:
            return byte
    return b""


def _dispatch(value: Buffer | Raw, context: DecodeContext, deferred: DeferredSpans) -> None:
    first = _first_byte(value)
    if first == b"[":
        _decode_list(RAW_ITEMS.decode(value), context, deferred)
    elif first == b"{":
        beginning = None if isinstance(value, Raw) else _DATA_FIRST.match(value)
        if beginning is not None:
            response = _JAEGER_RESPONSE.decode(value)
            first = bytes(memoryview(response.data[0])[:_COMPARED]) if response.data else b"]"
            if value[beginning.end() : beginning.end() + len(first)] != first:
                context.warn("the list data is repeated; the first and the last one were read")
                _decode_list(_first_list(value[beginning.end() :]), context.at("data"), deferred)
            _decode_list(response.data, context.at("data"), deferred)
            server_errors(response.errors, context)
        else:
            _decode_object(value, context, deferred)
    else:
        raise NotTracesError(bare_value(value))


def _first_list(text: bytes) -> list[Raw]:
    """Return the items of a list that other text follows; [] if they cannot be separated.

    text: the list without its opening bracket.
    """
    text = b"[" + text
    try:
        return RAW_ITEMS.decode(text)
    except msgspec.DecodeError as error:
        # the decoder names the place behind the list
        found = _TRAILING.search(str(error))
    end = text.rfind(b"]", 0, int(found[1])) + 1 if found else 0
    return RAW_ITEMS.decode(text[:end]) if end else []


def _decode_list(items: Sequence[Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode a list of traces, spans, requests, or lists of them; items are recognised by their keys."""
    size = sum(memoryview(item).nbytes for item in items) if len(items) > PROGRESS_STEP else 0
    processes = processes_for(size)
    if processes > 1 and _is_trace(items[0]):
        cuts = [len(items) * i // processes for i in range(processes + 1)]
        decode_in_parallel(cuts, context, deferred, partial(_decode_items, items))
        return
    _decode_items(items, 0, len(items), context, deferred)


def _is_trace(item: Raw) -> bool:
    try:
        return _first_byte(item) == b"{" and "spans" in _members(item)
    except MalformedError:
        return False


def _decode_items(items: Sequence[Raw], begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> None:
    unknown = UnknownEntries(end - begin)
    traces = False
    known = retry = begin
    for i in range(begin, end):
        if context.intake.is_full():
            break
        if i < known:
            continue
        item = items[i]
        at = _indexed(context, i)
        if not i % PROGRESS_STEP:
            deferred.progress((i - begin) / (end - begin))
        try:
            if traces:
                # after a Jaeger trace another one is likely: skip the detection by keys
                try:
                    jaeger_json.decode_trace(item, at)
                    continue
                except MalformedError:
                    pass
            traces = False
            decoder = _decode_item(item, at, deferred)
            traces = decoder is _DECODERS[JAEGER]
            if decoder is _DECODERS[ZIPKIN] and i >= retry:
                known = _defer_zipkin(items, i + 1, end, at, deferred)
                # one of the next items is of another format: it would be found again from each item before it
                retry = known + PROGRESS_STEP
        except (NotTracesError, MalformedError, *MALFORMED) as error:
            unknown.add(error)
        except Exception as error:
            skip_record(at, error)
    unknown.warn(context)


def _defer_zipkin(items: Sequence[Raw], begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> int:
    """Defer the items from `begin` on that are clearly spans of Zipkin, many at a time. -> the first other one"""
    while begin < end:
        deferred.progress(begin / end)
        block = items[begin : min(begin + PROGRESS_STEP, end)]
        try:
            _ZIPKIN_SPANS.decode(b"[%b]" % b",".join(block))
        except MALFORMED:
            break
        deferred.add_zipkin(block, context)
        begin += len(block)
    return begin


def _indexed(context: DecodeContext, index: int) -> DecodeContext:
    return DecodeContext(context.intake, context.file, f"{context.position}[{index}]", context.in_log)


def _decode_item(item: Raw, context: DecodeContext, deferred: DeferredSpans) -> _ShapeDecoder | None:
    first = _first_byte(item)
    if first == b"{":
        return _decode_object(item, context, deferred)
    if first == b"[":
        _decode_inner_list(RAW_ITEMS.decode(item), context, deferred)
        return None
    raise NotTracesError(bare_value(item))


def _decode_inner_list(items: Sequence[Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode the objects of a list in a list, as Zipkin writes traces."""
    unknown = UnknownEntries(len(items))
    for i, item in enumerate(items):
        at = _indexed(context, i)
        try:
            if _first_byte(item) == b"{":
                _decode_object(item, at, deferred)
        except (NotTracesError, MalformedError, *MALFORMED) as error:
            unknown.add(error)
        except Exception as error:
            skip_record(at, error)
    unknown.warn(context)


def _decode_object(value: Buffer | Raw, context: DecodeContext, deferred: DeferredSpans) -> _ShapeDecoder:
    if deferred.wrappers >= _MAX_WRAPPERS:
        raise MalformedError(NESTED_TOO_DEEPLY)
    deferred.wrappers += 1
    try:
        return _decode_known(value, context, deferred)
    finally:
        deferred.wrappers -= 1


def _decode_known(value: Buffer | Raw, context: DecodeContext, deferred: DeferredSpans) -> _ShapeDecoder:
    members = _members(value)
    if len(members) == 1 and members.keys() <= _BULK_ACTIONS and _first_byte(*members.values()) == b"{":
        _skip(value, members, context, deferred)
        return _skip
    shape = _shape_of(_SHAPE_KEYS.intersection(members))
    if shape is not None:
        shape(value, members, context, deferred)
        return shape
    names = {plain(key) for key in members}
    for keys, decode in _SHAPES_IN_ANY_SPELLING:
        if names >= keys:
            decode(value, members, context, deferred)
            return decode
    unsupported = unsupported_kind(members.keys())
    if unsupported:
        raise NotTracesError(unsupported)
    for keys, decode in _WRAPPERS:
        if members.keys() >= keys:
            decode(value, members, context, deferred)
            return decode
    if _decode_within(members, context, deferred):
        return _skip
    nearest = nearest_json(members)
    if nearest is not None:
        deferred.note_unknown(nearest, context)
        return _skip
    raise NotTracesError(object_with(members), is_log_record=not LOG_RECORD_KEYS.isdisjoint(names))


@lru_cache(maxsize=256)
def _shape_of(members: frozenset[str]) -> _ShapeDecoder | None:
    """Find the decoder for an object with these known keys, which most objects of a source share."""
    return next((decode for keys, decode in _SHAPES if members >= keys), None)


def _decode_within(members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans) -> bool:
    """Decode the spans in members of an unknown object, such as a log record. -> False if there are none"""
    found, damaged = False, list[str]()
    for key, value in values_with_spans(members):
        at = replace(context.at(key), in_log=True)
        try:
            _dispatch(value, at, deferred)
            found = True
        except NotTracesError:
            continue
        except (MalformedError, *MALFORMED) as error:
            damaged.append(f"{key}: damaged JSON ({reason(error)})")
    if damaged and not found:
        context.warn(f"skipped: {damaged[0]}")
    return found or bool(damaged)


def _members(value: Buffer | Raw) -> dict[str, Raw]:
    try:
        return decode_json(RAW_MEMBERS.decode, value)
    except MalformedError:
        # half a surrogate pair in a key, or one that is not UTF-8
        return decode_json(RAW_MEMBERS.decode, lenient_json.repair_text(bytes(memoryview(value))))


def _format_decoder(format_: JsonFormat) -> _ShapeDecoder:
    decode_piece = format_.decode

    def decode(value: Buffer | Raw, _: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
        decode_piece(value if isinstance(value, (bytes, Raw)) else bytes(value), context, deferred)

    return decode


def _decode_jaeger_response(
    _: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans
) -> None:
    data, errors = members["data"], members.get("errors")
    first = _first_byte(data)
    if errors is not None and is_server_response(members):
        server_errors(errors, context)
    if first == b"[":
        _decode_list(RAW_ITEMS.decode(data), context.at("data"), deferred)
    elif first == b"{":
        _decode_object(data, context.at("data"), deferred)
    elif errors is None or not (is_server_response(members) or bytes(errors) == b"null"):
        raise NotTracesError(object_with(members))


def _decode_table(
    value: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans
) -> None:
    """Decode a table: rows that are lists of cells, or objects as in ClickHouse's `FORMAT JSON`."""
    rows = rows_of_table(members)
    if rows is None and "data" not in members:
        raise NotTracesError(object_with(members))
    if rows is None:
        _decode_jaeger_response(value, members, context, deferred)
    else:
        _decode_list(rows, context.at("data" if "data" in members else "rows"), deferred)


def _decode_numbered_rows(
    _: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans
) -> None:
    """Decode ClickHouse's `FORMAT JSONObjectEachRow`: `{"row_1": {...}, "row_2": {...}}`."""
    _decode_list(list(members.values()), context, deferred)


def _member_decoder(key: str) -> _ShapeDecoder:
    def decode(_: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
        _dispatch(members[key], context.at(key), deferred)

    return decode


def _decode_hits(_: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
    hits = members["hits"]
    if _first_byte(hits) == b"{":
        hits = _members(hits).get("hits", Raw(b"[]"))
    if _first_byte(hits) != b"[":
        raise NotTracesError("a search response without hits")
    _decode_list(RAW_ITEMS.decode(hits), context.at("hits"), deferred)


def _skip(_: Buffer | Raw, __: dict[str, Raw], ___: DecodeContext, ____: DeferredSpans) -> None:
    """Skip an object that holds no spans, such as the action line of a bulk request."""


def _decode_error_response(_: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, __: DeferredSpans) -> None:
    if not is_server_response(members):
        raise NotTracesError(object_with(members))
    for key in ("error", "errors"):
        server_errors(members.get(key, Raw(b"null")), context)


def _signal_decoder(name: str) -> _ShapeDecoder:
    """Build a decoder that counts logs and metrics, which collectors write to the same files as traces."""

    def decode(_: Buffer | Raw, members: dict[str, Raw], context: DecodeContext, deferred: DeferredSpans) -> None:
        if not _decode_within(members, context, deferred):
            context.without_spans.signals[name] = None

    return decode


_BULK_ACTIONS = frozenset(("index", "create", "update", "delete"))
"""Keys of the action lines between the documents of an Elasticsearch or OpenSearch bulk request."""


_DECODERS = {format_: _format_decoder(format_) for format_ in JSON_FORMATS}
_SHAPES: list[tuple[frozenset[str], _ShapeDecoder]] = [
    *((keys, _DECODERS[format_]) for format_ in JSON_FORMATS for keys in format_.keys),
    (frozenset({"_source"}), _member_decoder("_source")),
    (frozenset({"hits"}), _decode_hits),
]
"""Keys that identify the kind of an object, in the order in which they are checked."""


def _only(format_: JsonFormat) -> msgspec.json.Decoder[list[msgspec.Struct]]:
    """Build a decoder that fails for a list of other objects than those with the keys of this format.

    It also fails for objects with a key by which formats that are checked before may be recognised.
    """
    (keys,) = format_.keys
    before = JSON_FORMATS[: JSON_FORMATS.index(format_)]
    others = {max(other - keys, key=len) for one in before for other in one.keys}
    fields: list[Any] = [(f"key{i}", Raw, msgspec.field(name=key)) for i, key in enumerate(keys)]
    # no value is of this type
    impossible = Annotated[int, msgspec.Meta(gt=0, lt=0)]
    fields += [(f"other{i}", impossible, msgspec.field(name=key, default=0)) for i, key in enumerate(sorted(others))]
    return msgspec.json.Decoder(list[msgspec.defstruct("_Only", fields, gc=False)])  # type: ignore[misc]


_ZIPKIN_SPANS = _only(ZIPKIN)
_SHAPE_KEYS = frozenset(key for keys, _ in _SHAPES for key in keys)
_SHAPES_IN_ANY_SPELLING = [
    (frozenset(map(plain, keys)), _DECODERS[format_]) for format_ in JSON_FORMATS for keys in format_.spellings
]
"""The same for other spellings (`trace_id`), for decoders that accept any spelling."""
_WRAPPERS: list[tuple[frozenset[str], _ShapeDecoder]] = [
    *((frozenset(keys), _decode_table) for keys in TABLE_KEYS),
    (frozenset({"data"}), _decode_jaeger_response),
    (frozenset({"responses"}), _member_decoder("responses")),
    (frozenset({"rawResponse"}), _member_decoder("rawResponse")),
    (frozenset({"result"}), _member_decoder("result")),
    (frozenset({"row"}), _member_decoder("row")),
    (frozenset({"row_1"}), _decode_numbered_rows),
    (frozenset({"traces"}), _member_decoder("traces")),
    (frozenset({"trace"}), _member_decoder("trace")),
    (frozenset({"doc"}), _member_decoder("doc")),
    (frozenset({"batch"}), _member_decoder("batch")),
    (frozenset({"spans"}), _member_decoder("spans")),
    (frozenset({"progress"}), _skip),
    (frozenset({"resourceLogs"}), _signal_decoder("logs")),
    (frozenset({"resourceMetrics"}), _signal_decoder("metrics")),
    (frozenset({"resourceProfiles"}), _signal_decoder("profiles")),
    (frozenset({"error"}), _decode_error_response),
    (frozenset({"errors"}), _decode_error_response),
]
"""Objects around or instead of spans, by keys that a span may also have."""


def _any_key(keys: Iterable[str]) -> re.Pattern[bytes]:
    """Build a pattern for a member with one of these keys, in any spelling that `plain` or JSON allows."""
    words = sorted({plain(key) for key in keys})
    spelled = "|".join('[^a-z0-9"]*'.join(word) for word in words)
    return re.compile(rf'"[^a-z0-9"]*(?:{spelled})|\\'.encode(), re.IGNORECASE)


SPAN_KEY: Final = _any_key(
    [max(keys, key=len) for keys, _ in (*_SHAPES, *_SHAPES_IN_ANY_SPELLING, *_WRAPPERS)] + sorted(_BULK_ACTIONS)
)
"""Matches every JSON text in which `decode_value` finds something: one key of each shape, and all escapes."""
