"""Writing traces to a file that opens again: OTLP JSON, a batch of spans a line, in gzip where the name ends so."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

from tracetui.atomic_file import PRIVATE, atomic_file
from tracetui.ingest.formats.encode.otlp import otlp_json_lines
from tracetui.model.problems import UsageError
from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

_GZIP = ".gz"


def save(traces: TraceSet, path: Path, *, replace: bool = False) -> None:
    """Write all traces of a set. What OTLP cannot carry is left out, as `otlp_json_lines` says.

    The file is there whole or not at all. Raises UsageError where it cannot be written, or is there already and must
    not be replaced.
    """
    path = path.expanduser()
    if not replace and path.exists():
        raise UsageError(f"{path} is there already; choose another name")
    try:
        # whoever may read the traces on the server is not whoever may read this directory
        with atomic_file(path, PRIVATE) as plain, _packed(plain, path.suffix == _GZIP) as file:
            for trace in range(traces.trace_count):
                file.write(otlp_json_lines(_spans(traces, trace)))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _spans(traces: TraceSet, trace: int) -> Iterator[Span]:
    return map(traces.span, traces.spans_of(trace))


def _packed(file: BinaryIO, wanted: bool) -> AbstractContextManager[BinaryIO]:
    return cast("BinaryIO", gzip.open(file, "wb")) if wanted else nullcontext(file)
