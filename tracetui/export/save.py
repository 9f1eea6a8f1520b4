"""Save traces to a file, with format and compression chosen by its name."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from tracetui.atomic_file import PRIVATE, atomic_file, is_stream, open_stream
from tracetui.export.exporter import Exporter, Losses
from tracetui.export.registry import exporter_of
from tracetui.model.errors import UsageError
from tracetui.model.traces import TraceSet


def save(
    traces: TraceSet,
    path: Path,
    exporter: Exporter | None = None,
    *,
    replace: bool = False,
    streams: bool = False,
    on_wait: Callable[[], object] = lambda: None,
) -> list[str]:
    """Write all traces of a set, by default in the format of the file name's suffix. -> descriptions of the lost parts

    The file is written completely or not at all; with `streams`, devices and pipes are written directly, and `on_wait`
    is called if a pipe has no reader for a while. Raises
    UsageError if the file cannot be written, has an unknown suffix, or exists and must not be replaced.
    """
    losses = Losses()
    try:
        exporter = exporter or exporter_of(path)
        # readers of this directory may lack access to the traces on the server
        target = (
            open_stream(path, on_wait) if streams and is_stream(path) else atomic_file(path, PRIVATE, replace=replace)
        )
        with target as plain, _compressed(plain, path.suffix.lower()) as file:
            for piece in exporter.encode(traces, losses):
                file.write(piece)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    except ValueError as error:
        # a zero byte in a name
        raise UsageError(f"cannot write {path}: {error}") from None
    return describe_losses(traces, losses)


def describe_losses(traces: TraceSet, losses: Losses) -> list[str]:
    """Describe the lost parts: those of this format, and those that no format can store."""
    counts = {
        "duplicate record{} of spans": sum(traces.duplicates.values()),
        **losses,
        "log record{}": len(traces.log_lines),
        "warning{} about the input": len(traces.load_warnings),
    }
    return [f"{count:,} {what.replace('{}', 's' * (count > 1))}" for what, count in counts.items() if count]


@contextmanager
def _compressed(file: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Compress a file according to its suffix. The same content gives the same bytes."""
    if suffix == ".gz":
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif suffix == ".zst":
        with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as packed:
            yield cast("BinaryIO", packed)
    else:
        yield file
