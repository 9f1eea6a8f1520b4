"""What is kept of a source until it has been read to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tracetui.ingest.failures import leave_out
from tracetui.ingest.formats import jaeger_documents, zipkin_v1
from tracetui.ingest.formats.format import Piece
from tracetui.ingest.formats.nearest import Nearest
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.place import Place

Progress = Callable[[float], None]
"""Is told which share of a source (0 to 1) is read."""


@dataclass(slots=True)
class Held:
    """Spans that are decoded together at the end of a source, because one needs the others."""

    progress: Progress
    wrappers: int = 0
    """How many objects are open around the one that is looked at."""
    zipkin: list[tuple[Piece, Place]] = field(default_factory=list)
    documents: list[tuple[Piece, Place]] = field(default_factory=list)
    sink: SpanSink = field(default_factory=SpanSink)
    unknown: dict[Nearest, tuple[int, Place]] = field(default_factory=dict)
    """Objects that are of no format but near to one: how many, and where the first is."""

    def note_unknown(self, nearest: Nearest, place: Place) -> None:
        """Count an object that comes near to a format."""
        count, first = self.unknown.get(nearest, (0, place))
        self.unknown[nearest] = count + 1, first

    def finish(self, place: Place) -> None:
        """Decode what was kept, and warn of what was counted."""
        for decode in (self._decode_documents, self._decode_zipkin, self.sink.finish):
            try:
                decode()
            except Exception as error:
                leave_out(place, error)
        for nearest, (count, first) in self.unknown.items():
            more = f" ({count:,} objects left out)" if count > 1 else ""
            first.warn(f"{nearest}{more}" if not len(place.intake) else f"left out: {nearest.of_object}{more}")

    def _decode_documents(self) -> None:
        if self.documents:
            jaeger_documents.decode_documents(self.documents)

    def _decode_zipkin(self) -> None:
        if self.zipkin:
            _, first = self.zipkin[0]
            zipkin_v1.decode_spans([piece for piece, _ in self.zipkin], Place(first.intake, first.file))
