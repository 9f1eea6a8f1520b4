"""Zipkin JSON version 2: a list of span objects, as posted to Zipkin and returned by its API.

Times are integer microseconds and tags are texts. Only `traceId` and `id` are required. The schema is
openzipkin/zipkin-api's `zipkin2-api.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tracetui.ingest.decode_context import DecodeContext, UnreadCounts
from tracetui.ingest.formats.deciding_attributes import CACHE_SIZE
from tracetui.ingest.formats.error_rule import (
    ERROR_TAG,
    STATUS_CODE,
    StatusSource,
    decide_status,
    deciding_keys,
    has_unknown_code,
    needles,
)
from tracetui.ingest.formats.field_names import read_kind
from tracetui.ingest.formats.format import Piece
from tracetui.ingest.formats.item_lists import as_object
from tracetui.ingest.formats.zipkin_lenient import (
    Repairs,
    endpoint_of,
    has_ids,
    has_other_names,
    id_field,
    lenient_span,
    read_id,
    span_fields,
    usual_notes,
    usual_tags,
)
from tracetui.ingest.formats.zipkin_span import (
    CODEC,
    NONE,
    UNNAMED,
    UNREADABLE,
    ZipkinSpan,
    is_shared,
    kind_of,
    links_of,
    text_or_json,
)
from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.ingest.processes.worker import ShareDecoder, decode_shares, processes_for
from tracetui.ingest.record_errors import add_each, skip_record
from tracetui.model.ids import TRACE_DIGITS, canonical_trace_id, is_hex, span_keys
from tracetui.model.intake import Intake
from tracetui.model.span import FLAG_SHIFT, NO_DURATION, NO_START, Flag, Status, Value, pack_state
from tracetui.model.span_chunks import CHUNK_SPANS

_LONGEST_REMEMBERED = 2_000
_TOGETHER = 1 << 10
"""Items that are read in one call."""
_SAMPLED = 1 << 10
"""One item in this many is measured to estimate the size of all."""
_SHARED = Flag.SHARED << FLAG_SHIFT
_UNKNOWN_CODE = Flag.SOURCE_WARNING << FLAG_SHIFT
"""Set by `_state` for an unknown status code, and cleared when that is noted."""


class _Ids(Struct, gc=False):
    traceId: str = ""  # noqa: N815


_DecidingTags = msgspec.defstruct(
    "_DecidingTags",
    [(f"tag{at}", str | UnsetType, field(default=UNSET, name=key)) for at, key in enumerate(deciding_keys())],
    frozen=True,
    gc=False,
)
"""Tags that decide whether a span is an error, decoded without all the others."""

_TAGS = frozenset((b'{"', b"{}", b"nu"))
_NOTES = frozenset((b"[{", b""))
"""Beginnings of tags and annotations from nearly every writer."""
SPAN_V2 = msgspec.json.Decoder(ZipkinSpan)
_SPANS_V2 = msgspec.json.Decoder(list[ZipkinSpan])
_IDS = msgspec.json.Decoder(_Ids)
_ID_LIST = msgspec.json.Decoder(list[_Ids])
_DECIDING = msgspec.json.Decoder(_DecidingTags)
_NEEDLES = needles(deciding_keys(), '"')
_LINK = b'"otlp.link.'
_NO_MESSAGES = frozenset({"", "true", "1", "yes", "false", "0"})


# --- Reading --------------------------------------------------------------------------------------------------------


Reader = Callable[[Piece, int, Repairs], Sequence[ZipkinSpan]]
"""Reads the spans of one item, given its index. Unreadable parts are skipped and noted."""


def decode_spans(items: Sequence[Raw | bytes], context: DecodeContext) -> None:
    """Decode the span objects of one document.

    Items that are not spans are skipped and fields of a wrong type repaired, each with a warning.
    """
    decode_items(items, context, read_span)


def decode_items(items: Sequence[Raw | bytes], context: DecodeContext, read: Reader) -> None:
    """Decode the items of one document.

    Trace ids are read first, as some may occur in two lengths; then many items in several processes.
    """
    long_ids = _long_ids(_trace_ids(items))

    def share(begin: int, end: int) -> ShareDecoder:
        return lambda intake: _decode_share(items, begin, end, replace(context, intake=intake), read, long_ids)

    size = sum(memoryview(item).nbytes for item in items[::_SAMPLED]) * _SAMPLED if len(items) > _SAMPLED else 0
    processes = processes_for(size)
    cuts = [len(items) * i // processes for i in range(processes + 1)]
    decode_shares([share(*cut) for cut in pairwise(cuts)], context.intake)


def _decode_share(
    items: Sequence[Piece], begin: int, end: int, context: DecodeContext, read: Reader, long_ids: dict[str, str]
) -> None:
    repairs = Repairs()
    adder = _SpanAdder(context.intake, long_ids)
    for start in range(begin, end, CHUNK_SPANS):
        spans: list[ZipkinSpan] = []
        for first in range(start, min(start + CHUNK_SPANS, end), _TOGETHER):
            block = items[first : min(first + _TOGETHER, end)]
            usual = _usual_spans(block)
            if usual is not None:
                spans += usual
                continue
            for i, item in enumerate(block, first):
                try:
                    spans += read(item, i, repairs)
                except Exception as error:
                    skip_record(context.at(f"[{i}]"), error)
        add_each(adder.add, spans, context)
    adder.unread.warn(context)
    repairs.warn(context)


def _usual_spans(items: Sequence[Piece]) -> list[ZipkinSpan] | None:
    """Read many items at once; None if any is not a usual span of version 2, and must be read by itself."""
    try:
        spans = _SPANS_V2.decode(_joined(items))
    except UNREADABLE:
        return None
    if len(spans) != len(items):
        # some are not JSON by themselves
        return None
    for span in spans:
        is_v2 = span.localEndpoint is not NONE or span.tags is not NONE
        if not (is_v2 and span.traceId and span.id) or span.id[-1] == "=":
            return None
    return spans


def _joined(items: Sequence[Piece]) -> bytes:
    return b"[%b]" % b",".join(items)


def read_span(item: Raw | bytes, index: int, repairs: Repairs) -> Sequence[ZipkinSpan]:
    """Read the span of an item. -> a list of one or none"""
    try:
        span = SPAN_V2.decode(item)
    except UNREADABLE:
        fields = span_fields(item, index, repairs)
        if fields is None:
            return ()
        span = lenient_span(fields, index, repairs)
    return (span,) if (span.traceId and span.id) or has_ids(span, index, repairs) else ()


def _trace_ids(items: Sequence[Raw | bytes]) -> set[str]:
    """Collect the distinct trace ids."""
    found: set[str] = set()
    for first in range(0, len(items), _TOGETHER):
        block = items[first : first + _TOGETHER]
        try:
            found.update(item.traceId for item in _ID_LIST.decode(_joined(block)))
        except Exception:
            for item in block:
                # faults of the item are reported when it is read
                with suppress(Exception):
                    found.add(_trace_id(item))
    return {read_id(text) if text[-1:] == "=" else text for text in found}


def _trace_id(item: Raw | bytes) -> str:
    try:
        trace_id = _IDS.decode(item).traceId
    except UNREADABLE:
        return id_field(as_object(loads_or_none(item)), "traceId")
    return read_id(trace_id) if trace_id[-1:] == "=" else trace_id


# --- Adding to the intake -------------------------------------------------------------------------------------------


class _SpanAdder:
    """Adds the spans of one document to an intake."""

    def __init__(self, intake: Intake, long_ids: dict[str, str]) -> None:
        """`long_ids`: as in `_long_ids`."""
        self._intake = intake
        self._long_ids = long_ids
        self._traces: dict[str, int] = {}
        self._resources: dict[bytes, int] = {}
        self._nameless: set[bytes] = set()
        """Endpoints with an unreadable service."""
        self.unread = UnreadCounts()
        self._peers: dict[bytes, bytes] = {}
        self._decided: dict[tuple[int, Struct], tuple[int, str]] = {}

    def add(self, spans: Sequence[ZipkinSpan]) -> None:
        """Add spans to the intake."""
        keys, _ = span_keys([span.id for span in spans])
        parent_keys, _ = span_keys([span.parentId or "" for span in spans])
        for i in np.flatnonzero(keys == parent_keys).tolist():
            spans[i].parentId = None
        intake = self._intake
        rows = intake.rows
        position = len(intake)
        traces, resources = self._traces, self._resources
        trace_ids = [span.traceId for span in spans]
        endpoints = [bytes(span.localEndpoint) for span in spans]
        rows.trace += [traces[text] if text in traces else self._trace(text) for text in trace_ids]
        rows.span_id += [span.id for span in spans]
        rows.parent_id += [span.parentId or "" for span in spans]
        rows.name += intake.names.many([span.name or UNNAMED for span in spans])
        rows.resource += [resources[raw] if raw in resources else self._resource(raw) for raw in endpoints]
        rows.start_ns += [(span.timestamp or 0) * 1000 for span in spans]
        rows.duration_ns += [(span.duration or 0) * 1000 for span in spans]
        tags = self._usual([bytes(span.tags) for span in spans], _TAGS, usual_tags, "tags")
        rows.attributes += [
            self._attributes(raw, bytes(span.remoteEndpoint)) for raw, span in zip(tags, spans, strict=True)
        ]
        notes = [b"" if span.annotations is NONE else bytes(span.annotations) for span in spans]
        notes = [b"" if raw == b"[]" else raw for raw in notes]
        rows.events += self._usual(notes, _NOTES, usual_notes, "annotations")
        kinds = [span.kind for span in spans]
        number_of = {kind: int(kind_of(kind)) for kind in set(kinds)}
        states = [number_of[kind] for kind in kinds]
        unknown = {kind for kind in number_of if kind and read_kind(kind) is None}
        if unknown:
            for kind in kinds:
                if kind in unknown:
                    self.unread.note(f"kind {kind!r}", "is unknown; read as internal")
        if self._nameless:
            nameless = sum(map(self._nameless.__contains__, endpoints))
            self.unread.note("service name", spans=nameless) if nameless else None
        links = [b""] * len(spans)
        together = b"".join(tags)
        for i in _holding_any(tags, [needle for needle in _NEEDLES if needle in together]):
            states[i], message = self._decide(tags[i], states[i])
            if states[i] & _UNKNOWN_CODE:
                states[i] ^= _UNKNOWN_CODE
                code = CODEC.attributes(tags[i])[STATUS_CODE]
                self.unread.note(f"status code {code!r}", "is unknown; read as unset")
            if message:
                intake.texts.status_messages[position + i] = message
        if _LINK in together:
            for i, raw in enumerate(tags):
                if _LINK in raw:
                    links[i] = links_of(CODEC.attributes(raw))
        for i, span in enumerate(spans):
            start = span.timestamp
            if start is None or start <= 0 or span.duration is None or span.shared:
                if not start or start < 0:
                    states[i] |= NO_START
                if span.duration is None:
                    states[i] |= NO_DURATION
                if span.shared and is_shared(span):
                    states[i] |= _SHARED
        rows.links += links
        rows.state += states
        rows.peer += [0] * len(states)
        intake.flush_if_full()

    def _usual(
        self, raws: list[bytes], known: frozenset[bytes], read: Callable[[bytes], bytes | None], what: str
    ) -> list[bytes]:
        """Convert raw parts to Zipkin's own structure; unreadable ones are noted and become empty."""
        if {raw[:2] for raw in raws} <= known:
            return raws
        found = [read(raw) for raw in raws]
        unread = found.count(None)
        if unread:
            self.unread.note(what, spans=unread)
        return [raw or b"" for raw in found]

    def _trace(self, trace_id: str) -> int:
        number = self._traces[trace_id] = self._intake.traces(self._long_ids.get(trace_id, trace_id))
        return number

    def _resource(self, raw: bytes) -> int:
        if len(self._resources) >= CACHE_SIZE:
            self._resources.clear()
        service, address, port = endpoint_of(raw)
        if not service and has_other_names(raw):
            self._nameless.add(raw)
        attributes = {key: value for key, value in (("host.ip", address), ("network.local.port", port)) if value}
        written = msgspec.json.encode(attributes) if attributes else b""
        number = self._resources[raw] = self._intake.resources(service, written, CODEC)
        return number

    def _attributes(self, tags: bytes, remote: bytes) -> bytes:
        """Join the remote endpoint and the tags, in this order so that tags of the same name win."""
        if tags[:1] != b"{" or tags == b"{}":
            tags = b""
        if remote == b"null":
            return tags
        peer = self._peers.get(remote) or self._peer(remote)
        if peer == b"{":
            return tags
        rest = tags[1:].lstrip()
        return peer + (b"}" if rest in (b"", b"}") else b"," + rest)

    def _peer(self, remote: bytes) -> bytes:
        """Encode the attributes of a remote endpoint as the beginning of a JSON object."""
        if len(self._peers) >= CACHE_SIZE:
            self._peers.clear()
        values = zip(("peer.service", "network.peer.address", "network.peer.port"), endpoint_of(remote), strict=True)
        peer = self._peers[remote] = msgspec.json.encode({key: value for key, value in values if value})[:-1]
        return peer

    def _decide(self, tags: bytes, kind: int) -> tuple[int, str]:
        """Decide about a span by its tags. -> its packed state and its status message"""
        try:
            deciding = _DECIDING.decode(tags)
        except UNREADABLE:
            return _state(CODEC.attributes(tags), kind)
        decided = self._decided.get((kind, deciding))
        if decided is None:
            decided = _state(msgspec.to_builtins(deciding), kind)
            if len(tags) <= _LONGEST_REMEMBERED:
                if len(self._decided) >= CACHE_SIZE:
                    self._decided.clear()
                self._decided[kind, deciding] = decided
        state, message = decided
        if message and b'"otel.status_description"' in tags:
            message = text_or_json(CODEC.attributes(tags).get("otel.status_description")) or message
        return state, message


def _holding_any(raws: Sequence[bytes], needles: Sequence[bytes]) -> list[int]:
    """Find the items that contain one of the texts. -> their indices, ascending"""
    if len(needles) <= 1:
        return [i for needle in needles for i, raw in enumerate(raws) if needle in raw]
    first, *others = needles
    return [i for i, raw in enumerate(raws) if first in raw or any(map(raw.__contains__, others))]


def _state(attributes: dict[str, Value], kind: int) -> tuple[int, str]:
    """Decide by tags. -> the packed state, and the text of the tag `error`"""
    status, error = decide_status(kind, Status.UNSET, attributes, StatusSource.ZIPKIN_TAGS)
    state = pack_state(kind, status, error)
    if has_unknown_code(attributes):
        state |= _UNKNOWN_CODE
    return state, _message(attributes.get(ERROR_TAG)) if status == Status.ERROR else ""


def _message(error: Value) -> str:
    return error if isinstance(error, str) and error.strip().lower() not in _NO_MESSAGES else ""


def _long_ids(trace_ids: set[str]) -> dict[str, str]:
    """Map 64-bit trace ids to the 128-bit ids that end with them.

    A trace has both if some services do not support 128-bit ids. Ambiguous 64-bit ids are not mapped.
    """
    long: dict[str, dict[str, str]] = {}
    short = {}
    for text in sorted(trace_ids):
        canonical = canonical_trace_id(text)
        if len(canonical) == TRACE_DIGITS and is_hex(canonical):
            if canonical.startswith("0" * 16):
                short[text] = canonical[16:]
            else:
                long.setdefault(canonical[16:], {})[canonical] = text
    return {text: next(iter(long[low].values())) for text, low in short.items() if len(long.get(low, ())) == 1}
