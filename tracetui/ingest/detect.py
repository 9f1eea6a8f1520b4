"""Format detection by content, never by name, and dispatch to the format's decoder."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from tracetui.ingest.archive_reader import MAX_NESTED, Budget, read_members
from tracetui.ingest.archives import find_archive, unread_archive
from tracetui.ingest.archives.archive import Archive
from tracetui.ingest.csv_tables import decode_table
from tracetui.ingest.data_without_spans import COLOUR, LARGE_DATA, is_noise, names_spans, text_size
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import DeferredSpans, ProgressCallback, and_similar
from tracetui.ingest.envelope_reader import TextReader, decode_enveloped
from tracetui.ingest.envelopes import find_envelope
from tracetui.ingest.formats import otlp_protobuf
from tracetui.ingest.formats.length_prefixed_otlp import RecordReader, looks_like_records
from tracetui.ingest.formats.otlp_detection import is_protobuf
from tracetui.ingest.json_documents import BLANK, SPAN_KEY
from tracetui.ingest.json_lines import json_line
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_tables import decode_json_table
from tracetui.ingest.json_text import (
    decode_embedded,
    decode_json,
    decode_log_text,
    decode_mixed,
    decode_text,
    decode_value_lines,
    decode_whole_value,
)
from tracetui.ingest.json_value_limit import within_limits
from tracetui.ingest.mixed_text import has_records
from tracetui.ingest.piped_tables import decode_piped_table
from tracetui.ingest.record_errors import CallbackError, skip_record
from tracetui.ingest.source_bytes import Buffer, content_size, decompress, format_size, is_compressed
from tracetui.ingest.unknown_format import describe_markup, describe_unknown, is_nameless_row, table_file
from tracetui.model.intake import WithoutSpans

_Arguments = ParamSpec("_Arguments")
_Decoded = TypeVar("_Decoded")
_NOT_BLANK: Final = re.compile(rb"[^%b]" % re.escape(BLANK))
_OPENING: Final = (b"{", b"[")
_LINE_TABLES = (decode_json_table, decode_piped_table)
"""Decoders of tables whose lines may look like those of an envelope."""
_MEMORY_FULL = "the spans fill the available memory; load less at a time"


def decode(
    data: Buffer,
    context: DecodeContext,
    progress: ProgressCallback = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Decode all spans in the bytes of a source. Unreadable parts are skipped with a warning; it raises nothing.

    go_on: checked while compressed bytes are unpacked; once False, the bytes unpacked so far are decoded.
    """
    try:
        _decode_source(data, context, _with_errors_passed(progress), _with_errors_passed(go_on), None, 0)
    except CallbackError as callback:
        raise callback.error from None


def _decode_source(
    data: Buffer,
    context: DecodeContext,
    progress: ProgressCallback,
    go_on: Callable[[], bool],
    budget: Budget | None,
    depth: int,
) -> bool:
    """Decode a file, or the files of an archive. -> True if the format is known

    budget: limit of the archive that contains it; depth: number of archives around it.
    """
    if context.intake.is_full():
        context.warn(f"skipped: {_MEMORY_FULL}")
        return True
    deferred, before, archive = DeferredSpans(progress), len(context.intake), None
    context.intake.begin_source(context.file)
    try:
        content = decompress(data, context, go_on, limit=budget.limit if budget else sys.maxsize)
        if not len(content) and content is not data and names_spans(data):
            # a damaged first line that begins like compressed data
            content = data
        if budget and content is not data:
            budget.spend(len(content))
        archive = find_archive(content)
        if archive is None:
            _decode_content(content, context, deferred)
        elif depth == MAX_NESTED:
            context.warn(f"{archive.name} nested too deeply; unpack it first")
        else:
            _decode_archive(content, archive, context, progress, go_on, budget or Budget.of(len(data)), depth)
    except Exception as error:
        skip_record(context, error)
    deferred.finish(context, before)
    found = context.intake.without_spans.pop(context.file, WithoutSpans())
    is_empty = len(context.intake) == before
    _warn_about_other_content(found, context, len(context.intake) - before, deferred)
    try:
        # warnings about this source come before those of the next one
        context.intake.decide()
    except Exception as error:
        skip_record(context, error)
    if archive is None and context.intake.is_full():
        context.warn(f"the rest was skipped: {_MEMORY_FULL}")
    return not (is_empty and (deferred.is_unknown or found.values or found.log_lines))


def _warn_about_other_content(found: WithoutSpans, context: DecodeContext, spans: int, deferred: DeferredSpans) -> None:
    """Warn about content without spans, if the source holds no spans or little else.

    Lines without spans are normal in a log, and so are values among text or log records. Among spans alone they may be
    spans that another program writes.
    """
    position, what = found.first
    if spans:
        if found.values and not found.texts and found.values < spans:
            noun = "value holds" if found.values == 1 else "values hold"
            context.at(position).warn(f"skipped: {found.values:,} JSON {noun} no spans, the first is {what}")
    elif found.values:
        context.at(position).warn(f"no traces: {what}{and_similar(found.values)}")
    elif found.log_lines and not deferred.unknown:
        count = f"{found.log_lines:,} {'line' if found.log_lines == 1 else 'lines'}"
        context.warn(f"a log without spans: {count}, none in a known format")
    elif found.signals:
        hint = "; --logs shows log lines at the spans that wrote them" if "logs" in found.signals else ""
        context.warn(f"no spans, only OTLP {' and '.join(found.signals)}{hint}")


def _decode_archive(
    data: Buffer,
    archive: Archive,
    context: DecodeContext,
    progress: ProgressCallback,
    go_on: Callable[[], bool],
    budget: Budget,
    depth: int,
) -> None:
    def read(content: Buffer, at: DecodeContext, budget: Budget, begin: float, end: float) -> bool:
        return _decode_source(
            content, at, lambda share: progress(begin + share * (end - begin)), go_on, budget, depth + 1
        )

    read_members(data, archive, context, budget, read, go_on)


def _with_errors_passed(callback: Callable[_Arguments, _Decoded]) -> Callable[_Arguments, _Decoded]:
    """Wrap a callback so that its exceptions reach the caller and do not count as faults of a record."""

    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Decoded:
        try:
            return callback(*args, **kwargs)
        except Exception as error:
            raise CallbackError(error) from None

    return call


def _decode_content(data: Buffer, context: DecodeContext, deferred: DeferredSpans) -> None:
    data = _without_end(data, context)
    data = lenient_json.to_utf8(data)
    start = _skip_blank(data, 0)
    if data[start : start + 2] == b"\x1b[":
        # a coloured first line hides its format
        data = COLOUR.sub(b"", data[start:])
        start = _skip_blank(data, 0)
    if start == len(data):
        deferred.is_unknown = True
        context.warn("the file is blank" if data else "the file is empty")
    elif data[:1] == b"\n" and otlp_protobuf.looks_like_request(bytes(data)):
        _decode_protobuf(data, context)
    elif table_file(data) or (data[start : start + 1] == b"[" and is_nameless_row(data, start)):
        deferred.is_unknown = True
        context.warn(describe_unknown(data, start))
    elif any(decode(data, start, context, deferred.sink, deferred.progress) for decode in _LINE_TABLES):
        pass
    elif (envelope := find_envelope(data, start)) is not None:
        if data[start : start + 1] in _OPENING and json_line(data, start, first=True) is None:
            data = within_limits(data, context)
        decode_enveloped(
            data,
            start,
            envelope,
            replace(context, in_log=True),
            deferred,
            TextReader(decode_text, decode_whole_value, decode_log_text),
        )
    elif is_noise(data) and not looks_like_records(memoryview(data)):
        deferred.is_unknown = True
        context.warn(describe_unknown(data, start))
    elif data[start : start + 1] in _OPENING:
        if _has_no_span_keys(data, start):
            context.warn(f"no traces: {format_size(len(data))} of JSON without a key that spans have")
        else:
            decode_json(data, start, context, deferred)
    elif looks_like_records(memoryview(data)):
        _decode_records(data, context, deferred)
    elif len(data) > LARGE_DATA and not names_spans(data, start):
        deferred.is_unknown = True
        context.warn(describe_unknown(data, start))
    elif data[start : start + 1] == b"<" and not (names_spans(data, start) and has_records(data, start)):
        deferred.is_unknown = True
        context.warn(describe_markup(data, start))
    elif decode_table(data, start, context, deferred.sink, deferred.progress) or decode_value_lines(
        data, start, context, deferred
    ):
        pass
    elif has_records(data, start):
        decode_mixed(data, start, context, deferred)
    elif not decode_embedded(data, start, context, deferred):
        deferred.is_unknown = True
        context.warn(describe_unknown(data, start))


def _without_end(data: Buffer, context: DecodeContext) -> Buffer:
    """Drop many bytes at the end of a JSON text that cannot belong to it: zeros, blanks, noise."""
    size = content_size(lambda begin, end: data[begin:end], len(data))
    end = text_size(data, size)
    if end == len(data):
        return data
    what = "binary data" if end < size else "zeros or blanks"
    context.warn(f"skipped: {format_size(len(data) - end)} of {what} at the end")
    return data[:end]


def cannot_hold_spans(data: Buffer) -> bool:
    """Test whether the beginning of a stream (many MiB) is noise, or text that never names a span."""
    if is_compressed(data) or find_archive(data) is not None or unread_archive(data):
        return False
    data = lenient_json.to_utf8(data)
    if looks_like_records(memoryview(data)) or (data[:1] == b"\n" and otlp_protobuf.looks_like_request(bytes(data))):
        return False
    return is_noise(data) or not names_spans(data)


def _has_no_span_keys(data: Buffer, start: int) -> bool:
    """Test whether a large text has no key of a span, so that it need not be decoded."""
    much = len(data) - start > LARGE_DATA
    return much and SPAN_KEY.search(data, start) is None and not has_records(data, start)


def _skip_blank(data: Buffer, at: int) -> int:
    found = _NOT_BLANK.search(data, at)
    return found.start() if found else len(data)


def _decode_protobuf(data: Buffer, context: DecodeContext) -> None:
    try:
        otlp_protobuf.decode_request(bytes(data), context)
    except ValueError as error:
        context.warn(f"OTLP protobuf: {error}")


def _decode_records(data: Buffer, context: DecodeContext, deferred: DeferredSpans) -> None:
    records = RecordReader(memoryview(data))
    for offset, payload in records:
        _decode_record(payload, context.at(f"record at byte {offset:,}"), deferred)
    if records.cut is not None:
        offset, payload = records.cut
        _decode_record(payload, context.at(f"record at byte {offset:,}"), deferred)
    for offset, warning in records.warnings:
        context.at(f"byte {offset:,}").warn(warning)


def _decode_record(payload: bytes, context: DecodeContext, deferred: DeferredSpans) -> None:
    try:
        if payload.lstrip()[:1] in (b"{", b"[") and not is_protobuf(payload):
            decode_text(payload, context, deferred)
        else:
            _decode_protobuf(payload, context)
    except Exception as error:
        skip_record(context, error)
