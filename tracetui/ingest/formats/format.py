"""Contract of a format: detection of its records and their decoding.

There are three kinds: objects of JSON, told by their keys; records of text, told by how a line begins them; and tables,
told by the columns of their first line. `formats.registry` lists every format in the order in which they are tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Raw

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.decoding import MalformedError

Piece = bytes | Raw
KeySet = frozenset[str]


class Collected(Protocol):
    """What is kept of a source until it has been read to its end."""

    sink: SpanSink
    zipkin: list[tuple[Piece, DecodeContext]]
    documents: list[tuple[Piece, DecodeContext]]


@dataclass(frozen=True, slots=True, eq=False)
class JsonFormat:
    """Objects of JSON.

    name: as people call it.
    keys: an object with all keys of one of these sets is of this format.
    spellings: the same in any spelling (`words.plain`), of an object that has no set of `keys` of any format.
    take: takes such an object in. Raises MalformedError.
    signs: sets of keys, in any spelling, that hardly anything else has. An object with one of them that is of no format
        is shown as nearest to this one.
    """

    name: str
    take: Callable[[Piece, DecodeContext, Collected], None]
    keys: tuple[KeySet, ...] = ()
    spellings: tuple[KeySet, ...] = ()
    signs: tuple[KeySet, ...] = ()


def key_sets(*texts: str) -> tuple[KeySet, ...]:
    """Sets of keys, each written as one text."""
    return tuple(frozenset(text.split()) for text in texts)


@dataclass(frozen=True, slots=True, eq=False)
class TextFormat:
    """Records of text that are no JSON.

    begins: a pattern (`re.MULTILINE`) of the first line of a record, which may have a logger's prefix; b"" where only
        a block tells.
    hint: a text that each such line contains.
    block: a pattern of the beginning of an object that no JSON is, in brackets over several lines.
    read: adds the spans of a record to the sink, given the match in its first line and a cursor there, which it leaves
        behind the record. It goes on by a line at least.
    read_block: the same, given the text of a block. Raises MalformedError where that is no span.
    needs: texts that every record has.
    signs: texts that hardly anything else has; one that has such a one and lacks any of `needs` is shown as nearest.
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

    columns: those that a table must have, in their exact spelling.
    take: takes rows in, each as long as the header.
    """

    name: str
    columns: tuple[str, ...]
    take: Callable[[Sequence[str], Sequence[Sequence[str]], DecodeContext], None]


class Lines(Protocol):
    """A cursor over the lines of a source."""

    @property
    def line(self) -> bytes | None:
        """The line at the cursor, without its end; None after the last."""

    def advance(self) -> None:
        """Go on to the next line."""

    def copy(self) -> Lines:
        """A cursor at the same line, to look ahead with."""


Format = JsonFormat | TextFormat | TableFormat


def read_by(
    read: Callable[[dict[str, Any], DecodeContext, SpanSink], None],
) -> Callable[[Piece, DecodeContext, Collected], None]:
    """Make a `JsonFormat.take` of a function that reads a decoded object."""

    def take(piece: Piece, context: DecodeContext, collected: Collected) -> None:
        value = lenient_json.loads(piece)
        if not isinstance(value, dict):
            raise MalformedError("not a JSON object")
        read(value, context, collected.sink)

    return take
