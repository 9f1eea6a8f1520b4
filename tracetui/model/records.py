"""Span records as columns, before records of the same span are merged."""

from __future__ import annotations

import numpy as np

from tracetui.model.intake import Intake
from tracetui.model.span import ERROR_SHIFT, FLAG_SHIFT, STATUS_SHIFT, UNKNOWN_SERVICE, Flag
from tracetui.model.span_bytes import SpanBytes
from tracetui.model.span_chunks import Chunk
from tracetui.model.tables import Resource

NEVER = np.iinfo(np.int64).max
"""Later than any time: represents a missing start where the earliest counts."""
_COLUMNS = (
    "trace key parent_key start duration kind status error flags name resource peer message"
    " attribute_bytes event_bytes link_bytes raw_at id_from parent_id_from input_order"
).split()
_NAMELESS = ("", "unknown")
"""Placeholder names of spans without a name; the second is Zipkin's."""
_SERVICELESS = ("", UNKNOWN_SERVICE)


class Records:
    """Records of an intake, in input order. Changes to a column do not affect the intake."""

    def __init__(self, intake: Intake) -> None:
        intake.flush()
        self.intake = intake
        column = intake.chunks.column
        self.operation_names = intake.names.texts
        self.service_names = intake.resources.services.texts
        self.trace = column("trace")
        self.key = column("key")
        self.parent_key = column("parent_key")
        self.start = column("start").copy()
        self.duration = column("duration").copy()
        state = column("state")
        self.kind = (state & 7).astype(np.uint8)
        self.status = (state >> STATUS_SHIFT & 3).astype(np.uint8)
        self.error = (state >> ERROR_SHIFT & 1).astype(bool)
        self.flags = (state >> FLAG_SHIFT).astype(np.uint16)
        self.flags[self.start < 0] |= int(Flag.START_REPAIRED)
        self.name = column("name")
        self.resource = column("resource")
        self.peer = column("peer")
        self.attribute_bytes = column("attribute_bytes")
        self.event_bytes = column("event_bytes")
        self.link_bytes = column("link_bytes")
        chunks = list(intake.chunks) or [Chunk.empty()]
        self.pieces: list[bytes | memoryview] = [chunk.raw for chunk in chunks]
        self.span_bytes = SpanBytes(self.pieces)
        self.raw_at = np.concatenate(
            [base + _exclusive_sum(chunk.raw_bytes) for base, chunk in zip(self.span_bytes.starts, chunks, strict=True)]
        )
        self.messages, self.message = _messages(intake.texts.status_messages, len(self))
        self.resources: list[Resource] = intake.resources.entries.copy()
        self.input_order = np.arange(len(self))
        """int64[n], position of each record in the input; that of the first if several were merged."""
        self.id_from = self.parent_id_from = self.input_order
        """int64[n] each, the records that determine the spelling of span id and parent id."""

    def __len__(self) -> int:
        return len(self.trace)

    def keep(self, kept: np.ndarray) -> None:
        """Keep only these records: int64[k], ascending."""
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[kept])

    def copy_columns(self, names: str) -> None:
        """Copy columns that are shared with the intake, so that they can be changed."""
        for name in names.split():
            setattr(self, name, getattr(self, name).copy())

    def parts(self, record: int) -> tuple[bytes, bytes, bytes]:
        """Return the raw attributes, events and links of a record."""
        at, read = int(self.raw_at[record]), self.span_bytes.read
        attributes, events = int(self.attribute_bytes[record]), int(self.event_bytes[record])
        links = int(self.link_bytes[record])
        return read(at, attributes), read(at + attributes, events), read(at + attributes + events, links)

    def service_codes(self) -> np.ndarray:
        """Number the services: int64 per service, equal for names that differ only in case; 0 for no name."""
        return _case_folded_codes(self.service_names, _SERVICELESS)

    def operation_codes(self, used: np.ndarray) -> np.ndarray:
        """Number the operation names in the same way; only those at the positions `used`, the others are 0."""
        names = self.operation_names
        codes = np.zeros(len(names), np.int64)
        codes[used] = _case_folded_codes([names[i] for i in used.tolist()], _NAMELESS)
        return codes

    def service_column(self) -> np.ndarray:
        """int64[n], service of each record."""
        of_resource = np.array([resource.service for resource in self.resources], np.int64)
        column: np.ndarray = of_resource[self.resource] if len(self) else np.zeros(0, np.int64)
        return column


def spelled_with_capitals(texts: list[str], used: np.ndarray) -> np.ndarray:
    """Find the texts that are not all lower case, as Zipkin's are: bool per text."""
    found = np.zeros(len(texts), bool)
    found[used] = [texts[i] != texts[i].lower() for i in used.tolist()]
    return found


def _case_folded_codes(texts: list[str], none: tuple[str, ...]) -> np.ndarray:
    numbers = dict.fromkeys(none, 0)
    return np.array([numbers.setdefault(text.lower(), len(numbers)) for text in texts], np.int64)


def _messages(by_record: dict[int, str], count: int) -> tuple[list[str], np.ndarray]:
    """Collect the distinct status messages. -> messages, '' first; int32[n] into them"""
    column = np.zeros(count, np.int32)
    known: dict[str, int] = {"": 0}
    for record, text in by_record.items():
        column[record] = known.setdefault(text, len(known))
    return list(known), column


def _exclusive_sum(sizes: np.ndarray) -> np.ndarray:
    total = np.cumsum(sizes)
    total -= sizes
    return total
