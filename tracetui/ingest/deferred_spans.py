"""Spans and warnings of a source that are deferred to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    zipkin: list[Piece] = field(default_factory=list)
    zipkin_context: DecodeContext | None = None
    """Context of the first of them."""
    documents: list[tuple[Piece, DecodeContext]] = field(default_factory=list)
    sink: SpanSink = field(default_factory=SpanSink)
    unknown: dict[NearestFormat, tuple[int, DecodeContext]] = field(default_factory=dict)
    """Objects of unknown formats that resemble a known one: their number and the position of the first."""
    is_unknown: bool = False
    """True if the source is of an unknown kind."""

    def add_zipkin(self, pieces: Iterable[Piece], context: DecodeContext) -> None:
        """Defer spans of Zipkin. context: that of the first one"""
        self.zipkin.extend(pieces)
        self.zipkin_context = self.zipkin_context or context

    def note_unknown(self, nearest: NearestFormat, context: DecodeContext) -> None:
        """Count an object that resembles a known format."""
        count, first = self.unknown.get(nearest, (0, context))
        self.unknown[nearest] = count + 1, first

    def finish(self, context: DecodeContext, before: int = 0) -> None:
        """Decode the deferred spans and issue the counted warnings.

        before: number of spans in the intake before this source.
        """
        for decode in (self.decode_documents, self._decode_zipkin, self.sink.finish):
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

    def decode_documents(self) -> None:
        """Decode the documents collected so far."""
        documents, self.documents = self.documents, []
        if documents:
            jaeger_documents.decode_documents(documents)

    def _decode_zipkin(self) -> None:
        first = self.zipkin_context
        if first is not None:
            zipkin_v1.decode_spans(self.zipkin, DecodeContext(first.intake, first.file))


def and_similar(count: int) -> str:
    """Return the end of a warning that describes the first of several similar things."""
    return f" (and {count - 1:,} more like it)" if count > 1 else ""
