"""Interface for reading the raw attributes, events and links of a span when it is looked at."""

from __future__ import annotations

from typing import Protocol

from tracetui.model.span import Event, Link, Value


class Codec(Protocol):
    """Reads the raw parts that one wire format leaves in a trace set.

    Every method takes what the same format's decoder stored, and must not raise on it: what cannot be read is
    left out. `b""` means none.
    """

    def attributes(self, raw: bytes) -> dict[str, Value]: ...

    def events(self, raw: bytes) -> list[Event]: ...

    def links(self, raw: bytes) -> list[Link]: ...
