"""Save traces as OTLP JSON, a batch of spans per line, compressed if the file name ends with .gz."""

from __future__ import annotations

import dataclasses
import gzip
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from tracetui.atomic_file import PRIVATE, atomic_file
from tracetui.export.otlp import ExactAttributes, saved_trace
from tracetui.model.errors import UsageError
from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

_GZIP = ".gz"


def save(traces: TraceSet, path: Path, *, replace: bool = False) -> list[str]:
    """Write all traces of a set. -> descriptions of the lost parts

    The file is written completely or not at all. Raises UsageError if it cannot be written, or exists and must not be
    replaced.
    """
    attributes = ExactAttributes()
    try:
        path = path.expanduser()
        if not replace and path.exists():
            raise UsageError(f"{path} is there already; choose another name")
        # readers of this directory may lack access to the traces on the server
        with atomic_file(path, PRIVATE) as plain, _packed(plain, path.suffix == _GZIP) as file:
            for trace in range(traces.trace_count):
                file.write(_lines(traces, trace, attributes))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    except (RuntimeError, ValueError) as error:
        # an unknown home directory; a zero byte in a name
        raise UsageError(f"cannot write {path}: {error}") from None
    return _not_saved(traces, attributes.lost)


def _lines(traces: TraceSet, trace: int, attributes: ExactAttributes) -> bytes:
    at = traces.spans_of(trace)
    input_order = np.argsort(traces.order[at.start : at.stop], kind="stable") + at.start
    spans = (_without_logs(traces.span(int(span))) for span in input_order)
    warnings = traces.trace_warnings.get(trace, ())
    return saved_trace(spans, warnings, attributes=attributes, keep_order=_has_ties(traces, at))


def _has_ties(traces: TraceSet, spans: range) -> bool:
    """Test whether siblings begin at the same time, within their parent: then their input order matters."""
    at = slice(spans.start, spans.stop)
    parent = traces.parent[at]
    start = np.maximum(traces.start[at], np.where(parent >= 0, traces.start[parent], 0))
    order = np.lexsort((start, parent))
    together = (np.diff(parent[order]) == 0) & (np.diff(start[order]) == 0)
    return bool(together.any())


def _without_logs(span: Span) -> Span:
    if not any(event.is_log for event in span.events):
        return span
    return dataclasses.replace(span, events=tuple(event for event in span.events if not event.is_log))


def _not_saved(traces: TraceSet, nested: int) -> list[str]:
    counts = {
        "duplicate record{} of spans": sum(traces.duplicates.values()),
        "value{} nested too deeply": nested,
        "line{} of logs": len(traces.log_lines),
        "warning{} about the input": len(traces.load_warnings),
    }
    return [f"{count:,} {what.format('s' * (count > 1))}" for what, count in counts.items() if count]


def _packed(file: BinaryIO, wanted: bool) -> AbstractContextManager[BinaryIO]:
    return cast("BinaryIO", gzip.open(file, "wb")) if wanted else nullcontext(file)
