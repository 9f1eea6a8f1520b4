"""Definition of a format: detection and decoding of its records.

There are three kinds: JSON objects, recognised by their keys; text records, recognised by their first line; and tables,
recognised by the columns in their first line. `formats.registry` lists all formats in the order of the checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_value_limit import MORE_VALUES, first_values, is_table_by_columns
from tracetui.model.json_decoding import MalformedError

Piece = bytes | Raw
KeySet = frozenset[str]


class DeferredParts(Protocol):
    """Collects the parts of a source that are decoded together at its end."""

    sink: SpanSink
    documents: list[tuple[Piece, DecodeContext]]

    def add_zipkin(self, pieces: Iterable[Piece], context: DecodeContext) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class JsonFormat:
    """Format of JSON objects.

    name: name for users.
    keys: an object with all keys of one of these sets is of this format.
    spellings: the same in any spelling (`field_names.plain`), checked after the `keys` of all formats.
    decode: decodes such an object. Raises MalformedError.
    signs: sets of keys, in any spelling, that are typical of this format. An unknown object with one of them is
        reported as similar to this format.
    """

    name: str
    decode: Callable[[Piece, DecodeContext, DeferredParts], None]
    keys: tuple[KeySet, ...] = ()
    spellings: tuple[KeySet, ...] = ()
    signs: tuple[KeySet, ...] = ()


def key_sets(*texts: str) -> tuple[KeySet, ...]:
    """Build sets of keys, each from one text."""
    return tuple(frozenset(text.split()) for text in texts)


@dataclass(frozen=True, slots=True, eq=False)
class TextFormat:
    """Format of text records that are not JSON.

    begins: pattern (`re.MULTILINE`) of the first line of a record, which may have a logger's prefix; b"" if records
        are recognised by `block` only.
    hint: text that each such line contains.
    block: pattern of the beginning of an object in brackets over several lines that is not JSON.
    read: adds the spans of a record to the sink, given the match in its first line and a cursor there, which it moves
        past the record, by at least one line.
    read_block: the same, given the text of a block. Raises MalformedError if it is not a span.
    needs: texts that every record contains.
    signs: typical texts; input that contains one of them but lacks any of `needs` is reported as similar.
    """

    name: str
    begins: bytes = b""
    hint: bytes = b""
    read: Callable[[re.Match[bytes], Lines, DecodeContext, SpanSink], None] | None = None
    block: bytes = b""
    read_block: Callable[[bytes, DecodeContext, SpanSink], None] | None = None
    needs: tuple[bytes, ...] = ()
    signs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TableFormat:
    """Tables of comma-separated values whose first line names the columns.

    columns: required columns in their exact spelling.
    spellings: sets of columns in any spelling, of which a table of this format has one.
    decode: decodes rows, each as long as the header. Spans may be left in the sink. If it raises, the rows are decoded
        again one at a time, so it adds nothing before it has read all of them.
    """

    name: str
    decode: Callable[[Sequence[str], Sequence[Sequence[Any]], DecodeContext, SpanSink], None]
    columns: tuple[str, ...] = ()
    spellings: tuple[KeySet, ...] = ()

    def recognises(self, header: Sequence[str]) -> bool:
        """Test whether a table with this header is of this format."""
        names = {plain(name) for name in header}
        if self.spellings and not any(names.issuperset(map(plain, wanted)) for wanted in self.spellings):
            return False
        return set(header).issuperset(self.columns)


class Lines(Protocol):
    """Cursor over the lines of a source."""

    @property
    def line(self) -> bytes | None:
        """Line at the cursor, without its end; None after the last."""

    def advance(self) -> None:
        """Move to the next line."""

    def copy(self) -> Lines:
        """Return a cursor at the same line, to look ahead."""


Format = JsonFormat | TextFormat | TableFormat


def read_by(
    read: Callable[[dict[str, Any], DecodeContext, SpanSink], None],
) -> Callable[[Piece, DecodeContext, DeferredParts], None]:
    """Build a `JsonFormat.decode` from a function that reads a decoded object."""

    def decode(piece: Piece, context: DecodeContext, collected: DeferredParts) -> None:
        limited = piece if is_table_by_columns(piece) else first_values(piece)
        if limited is not piece:
            context.warn(f"a span with {MORE_VALUES}")
        value = lenient_json.loads(limited)
        if not isinstance(value, dict):
            raise MalformedError("not a JSON object")
        read(value, context, collected.sink)

    return decode
