"""JSON texts: one value, one per line, with other output in between, or damaged."""

from __future__ import annotations

from functools import partial

from tracetui.ingest.csv_tables import decode_table
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import DeferredSpans
from tracetui.ingest.json_documents import can_share, decode_in_parallel, decode_value
from tracetui.ingest.json_lines import json_line, line_cuts
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.damaged_json import next_value
from tracetui.ingest.json_repair.nesting import NESTED_TOO_DEEPLY, TOO_DEEP, prune
from tracetui.ingest.json_repair.recovery import recover
from tracetui.ingest.json_value_limit import within_limits
from tracetui.ingest.mixed_text import MixedText, begins_mixed
from tracetui.ingest.processes.worker import processes_for
from tracetui.ingest.source_bytes import Buffer, format_size
from tracetui.ingest.unknown_format import describe_unknown
from tracetui.model.intake import Intake
from tracetui.model.json_decoding import MalformedError

_TRIAL_BYTES = 8 << 20
"""Size of the beginning of a large damaged value that must hold an intact span, or else the rest is not searched."""


def decode_mixed(data: Buffer, start: int, context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode the records of a text with other output in between; warn if there are none."""
    spans, warnings = len(context.intake), len(context.intake.warnings)
    _mixed_reader(context, deferred).read(data, start, len(data))
    deferred.sink.finish()
    nothing = len(context.intake) == spans and len(context.intake.warnings) == warnings
    if nothing and not (deferred.unknown or context.without_spans.values or deferred.zipkin or deferred.documents):
        context.warn(describe_unknown(data, start))


def _mixed_reader(context: DecodeContext, deferred: DeferredSpans) -> MixedText:
    return MixedText(
        context,
        deferred,
        lambda text, at: not decode_whole_value(text, at, deferred),
        lambda text, at: _recover(text, 0, at, deferred, "not a JSON value"),
    )


def decode_log_text(data: bytes, context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode the output of a log stream other than whole JSON values."""
    if not decode_table(data, 0, context, deferred.sink, deferred.progress):
        _mixed_reader(context, deferred).read(data, 0, len(data))


def decode_json(data: Buffer, start: int, context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode one JSON value, one per line, or several without line ends between them."""
    if decode_value_lines(data, start, context, deferred, first=True):
        return
    problem = decode_whole_value(data, context, deferred)
    if problem and begins_mixed(data, start):
        decode_mixed(data, start, context, deferred)
    elif problem and not decode_value_lines(data, start, context, deferred):
        _recover(data, start, context, deferred, problem)


def decode_value_lines(
    data: Buffer, start: int, context: DecodeContext, deferred: DeferredSpans, *, first: bool = False
) -> bool:
    """Decode one JSON value per line, if the first line (or the first of several) is one."""
    line = json_line(data, start, first=first)
    if line is None:
        return False
    processes = processes_for(len(data))
    if processes > 1 and can_share(line):
        cuts = line_cuts(data, start, processes)
        decode_in_parallel(cuts, context, deferred, partial(_decode_line_range, data))
    else:
        _decode_line_range(data, start, len(data), context, deferred)
    return True


def _decode_line_range(data: Buffer, begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> None:
    _mixed_reader(context, deferred).read(data, begin, end)


def decode_text(text: bytes, context: DecodeContext, deferred: DeferredSpans) -> None:
    """Decode a line or record that is one JSON value, or its intact parts."""
    problem = decode_whole_value(text, context, deferred)
    if problem:
        _recover(text, 0, context, deferred, problem)


def decode_whole_value(data: Buffer, context: DecodeContext, deferred: DeferredSpans) -> str:
    """Decode one JSON value within limits. -> '', or its fault"""
    limited = within_limits(data, context)
    if limited is not data:
        problem = _decode_repaired(limited, context, deferred)
        if problem:
            _recover(limited, 0, context, deferred, problem)
        return ""
    return _decode_repaired(data, context, deferred)


def _decode_repaired(data: Buffer, context: DecodeContext, deferred: DeferredSpans) -> str:
    """Decode one JSON value, repaired where that needs no search. -> '', or its fault"""
    problem = _decode_strictly(data, context, deferred)
    if not problem:
        return ""
    repaired = lenient_json.repair_text(bytes(data))
    if repaired != data[:]:
        problem = _decode_strictly(repaired, context, deferred)
    if problem == NESTED_TOO_DEEPLY:
        shallow = prune(repaired)
        if shallow is not repaired:
            problem = _decode_strictly(shallow, context, deferred)
            if not problem:
                context.warn(TOO_DEEP)
    return problem


def _decode_strictly(data: Buffer, context: DecodeContext, deferred: DeferredSpans) -> str:
    """Decode a JSON value if it is valid throughout. -> '', or its fault"""
    try:
        decode_value(data, context, deferred)
    except MalformedError as error:
        return str(error)
    return ""


def decode_embedded(data: Buffer, start: int, context: DecodeContext, deferred: DeferredSpans) -> bool:
    """Decode JSON that follows other text, such as the headers of a response."""
    if next_value(data, start) is None:
        return False
    _recover(within_limits(data, context), start, context, deferred, "")
    return True


def _recover(data: Buffer, start: int, context: DecodeContext, deferred: DeferredSpans, problem: str) -> None:
    """Decode the intact parts of damaged JSON; of a large text only if it seems to hold an intact span."""
    if len(data) - start > 2 * _TRIAL_BYTES and not _holds_intact_span(data, start):
        context.warn(f"skipped: damaged JSON without an intact span in {format_size(_TRIAL_BYTES)}")
        return
    recover(
        lenient_json.repair_text(bytes(data)),
        start,
        context,
        partial(decode_value, context=context, deferred=deferred),
        problem,
    )


def _holds_intact_span(data: Buffer, start: int) -> bool:
    """Test whether a span can be recovered from the first value that seems to contain any."""
    begin = next_value(data, start)
    begin = start if begin is None else begin
    tried, here = DeferredSpans(lambda _: None), DecodeContext(Intake(), "")
    decode_part = partial(decode_value, context=here, deferred=tried)
    recover(lenient_json.repair_text(bytes(data[begin : begin + _TRIAL_BYTES])), 0, here, decode_part, "")
    tried.finish(here)
    return len(here.intake) > 0
