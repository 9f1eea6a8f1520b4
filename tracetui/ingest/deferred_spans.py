"""Spans and warnings of a source that are deferred to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import jaeger_documents, zipkin_v1
from tracetui.ingest.formats.format import Piece
from tracetui.ingest.formats.nearest_format import NearestFormat
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.record_errors import skip_record

PROGRESS_STEP = 256
"""Number of records, or lines, between two reports of the progress."""
ProgressCallback = Callable[[float], None]
"""Receives the share of a source (0 to 1) that has been read."""


@dataclass(slots=True)
class DeferredSpans:
    """Spans that are decoded together at the end of a source, because they depend on each other."""

    progress: ProgressCallback
    wrappers: int = 0
    """Number of objects around the current one."""
    zipkin: list[tuple[Piece, DecodeContext]] = field(default_factory=list)
    documents: list[tuple[Piece, DecodeContext]] = field(default_factory=list)
    sink: SpanSink = field(default_factory=SpanSink)
    unknown: dict[NearestFormat, tuple[int, DecodeContext]] = field(default_factory=dict)
    """Objects of unknown formats that resemble a known one: their number and the position of the first."""
    is_unknown: bool = False
    """True if the source is of an unknown kind."""

    def note_unknown(self, nearest: NearestFormat, context: DecodeContext) -> None:
        """Count an object that resembles a known format."""
        count, first = self.unknown.get(nearest, (0, context))
        self.unknown[nearest] = count + 1, first

    def finish(self, context: DecodeContext, before: int = 0) -> None:
        """Decode the deferred spans and issue the counted warnings.

        before: number of spans in the intake before this source.
        """
        for decode in (self._decode_documents, self._decode_zipkin, self.sink.finish):
            try:
                decode()
            except Exception as error:
                skip_record(context, error)
        is_empty = len(context.intake) == before
        for nearest, (count, at) in self.unknown.items():
            if is_empty:
                DecodeContext(context.intake, context.file).warn(nearest.spans_warning)
            else:
                at.warn(f"skipped: {nearest.object_warning}{and_similar(count)}")

    def _decode_documents(self) -> None:
        if self.documents:
            jaeger_documents.decode_documents(self.documents)

    def _decode_zipkin(self) -> None:
        if self.zipkin:
            _, first = self.zipkin[0]
            zipkin_v1.decode_spans([piece for piece, _ in self.zipkin], DecodeContext(first.intake, first.file))


def and_similar(count: int) -> str:
    """Return the end of a warning that describes the first of several similar things."""
    return f" (and {count - 1:,} more like it)" if count > 1 else ""
