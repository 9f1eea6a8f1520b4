"""Codecs, which decode the raw attributes, events and links of a span on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from tracetui.model.ids import canonical_trace_id, span_key
from tracetui.model.span import Event, Link, Value


class Codec(Protocol):
    """Decodes the raw parts that one wire format stores in a trace set.

    The methods take the bytes stored by the decoder of the same format. They raise nothing: unreadable parts are
    skipped. `b""` means none.
    """

    is_text: bool
    """True if numbers are stored as text."""

    def attributes(self, raw: bytes) -> dict[str, Value]: ...

    def events(self, raw: bytes) -> list[Event]: ...

    def links(self, raw: bytes) -> list[Link]: ...


_LENGTH = 4


class MergedCodec:
    """Decodes raw parts that `merge_codecs` has joined from several records, each with the codec of its format.

    If attributes conflict, the value of the first record wins. Equal events and links are kept once.
    """

    def __init__(self, codecs: Sequence[Codec]) -> None:
        self.codecs = tuple(codecs)
        self.is_text = all(codec.is_text for codec in codecs)

    def attributes(self, raw: bytes) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for codec, part in self._parts(raw):
            for key, value in codec.attributes(part).items():
                found.setdefault(key, value)
        return found

    def events(self, raw: bytes) -> list[Event]:
        found: list[Event] = []
        for codec, part in self._parts(raw):
            unmatched = Counter(map(_moment, found))
            for event in codec.events(part):
                name, time = _moment(event)
                # formats with microseconds truncate or round the nanoseconds of others
                same = next((at for at in ((name, time + by) for by in (0, -1, 1)) if unmatched[at]), None)
                if same is None:
                    found.append(event)
                else:
                    unmatched[same] -= 1
        return sorted(found, key=lambda event: event.time_ns)

    def links(self, raw: bytes) -> list[Link]:
        found: dict[tuple[str, int], Link] = {}
        for codec, part in self._parts(raw):
            for link in codec.links(part):
                found.setdefault((canonical_trace_id(link.trace_id), span_key(link.span_id)), link)
        return list(found.values())

    def _parts(self, raw: bytes) -> Iterator[tuple[Codec, bytes]]:
        at = 0
        for codec in self.codecs:
            start = at + _LENGTH
            at = start + int.from_bytes(raw[at:start], "little")
            if at > start:
                yield codec, raw[start:at]


def merge_codecs(parts: Sequence[bytes]) -> bytes:
    """Join the raw parts of several records into one, each prefixed by its length; b"" if all are empty."""
    if not any(parts):
        return b""
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(_LENGTH, "little"), part)])


def _moment(event: Event) -> tuple[str, int]:
    return event.name, event.time_ns // 1_000
