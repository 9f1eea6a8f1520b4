"""Base class of the envelopes, and their common parts: the head of a text, lines of chunks, line prefixes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED

_EXAMINED: Final = 32
"""Number of lines at the beginning of a text that are checked for a common prefix."""
_HEAD_BYTES: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 20
"""Largest size of a first line that the head has in full."""
_SCANNED: Final = 1 << 20
_MAX_TOKENS: Final = 128
"""Number of strings and brackets, within `_SCANNED` bytes, that are searched for the keys of the first object.

A log line is a single string, however long, and often precedes the key that identifies the envelope.
"""
_OBJECTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[dict[str, msgspec.Raw]])
_TOKEN: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|[{}\[\]"]', re.DOTALL)
"""A string and the colon after it, a bracket, or the quote of an unterminated string."""
_OPENING: Final = (b"{", b"[")

_Entry = TypeVar("_Entry")

NO_FIELDS: Final[Mapping[str, Any]] = {}


class InnerLine(NamedTuple):
    """An unwrapped line of text, or a piece of one."""

    number: int
    """Number of the line or entry in the source, from 1."""
    text: bytes
    stream: str = ""
    """Name of the stream, if the envelope has one: lines of several streams may be interleaved."""
    ends: bool = True
    """False if the stream's next piece continues this line."""
    lost: str = ""
    """Reason why the text is missing, for display."""
    when: str = ""
    """Time of the line as the envelope spells it; empty if there is none."""
    fields: Mapping[str, Any] = NO_FIELDS
    """Other fields of the envelope, such as labels, by name."""


class Part(NamedTuple):
    """Part of a large text that is a text in the same envelope."""

    number: int
    """Number of its first line or entry in the whole text, from 1."""
    text: Callable[[], bytes]


class Head:
    """Beginning of a text, with at least the whole first line unless that is very long."""

    def __init__(self, text: Buffer, start: int = 0) -> None:
        self.data = text[start : start + _HEAD_BYTES]
        self._text, self._start = text, start
        if len(self.data) == _HEAD_BYTES and b"\n" not in self.data:
            end = text.find(b"\n", start, start + _LONGEST_LINE)
            if end >= 0:
                self.data = text[start : end + 1]

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of the first JSON object, if the text begins with one or with a list of objects."""
        text = self.data.lstrip()
        if text[:1] not in (b"{", b"["):
            return frozenset()
        try:
            value = _OBJECTS.decode(text.partition(b"\n")[0])
        except MALFORMED:
            return _first_keys(self._text, self._start + len(self.data) - len(text))
        return frozenset(value if isinstance(value, dict) else value[0] if value else ())

    @cached_property
    def is_json(self) -> bool:
        """True if the text begins like a JSON object or a list of objects."""
        return bool(self.keys)

    @cached_property
    def lines(self) -> list[bytes]:
        """First non-blank lines; the last one may be cut off."""
        return [line for line in self.data.split(b"\n", _EXAMINED)[:_EXAMINED] if line.strip()]


def _first_keys(text: Buffer, at: int) -> frozenset[str]:
    """Collect the top-level keys of the first object of an incomplete JSON text, as far as it goes."""
    keys = set[str]()
    # within a list the object is one level deeper
    depth = -(text[at : at + 1] == b"[")
    for token in islice(_TOKEN.finditer(text, at, at + _SCANNED), _MAX_TOKENS):
        if token[1] is not None:
            if depth == 1 and token[2]:
                keys.add(token[1].decode("utf-8", "replace"))
        elif token[0] in _OPENING:
            depth += 1
        else:
            depth -= 1
            if depth <= 0 or token[0] == b'"':
                break
    return frozenset(keys)


class Envelope(ABC):
    """Wrapping that a log driver, a log store or a tool puts around the lines of a program's output.

    An envelope does not interpret the lines. `detect` recognises it by the first bytes of a text; it must be cheap for
    texts without an envelope. `unwrap` receives the text in chunks that may be cut anywhere, and yields its lines:
    oldest first, each with its number in the text and the name of its stream, a split line in pieces. It holds at most
    one line of the text at a time, or one JSON value if the text is one. A line that it cannot parse is passed on
    unchanged, so that damage costs no other line. It keeps no state between calls and raises nothing: an exception is a
    bug.
    """

    name: str
    """Name for display: "Docker json-file log"."""
    unit: str = "line"
    """Unit that `InnerLine.number` counts."""
    by_lines: bool = True
    """True if each line can be unwrapped on its own, so that the text may be split between lines."""

    @abstractmethod
    def detect(self, head: Head) -> bool:
        """Test whether a text with this beginning is in this envelope."""

    @abstractmethod
    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines of the text."""

    def split(self, text: Buffer, start: int) -> Sequence[Part]:  # noqa: ARG002
        """Divide an intact text into parts that can be unwrapped on their own, oldest first; empty if it cannot be."""
        return ()


@dataclass(frozen=True)
class Prefix(Envelope):
    """Envelope that consists of a prefix on each line."""

    name: str
    pattern: re.Pattern[bytes]
    """Pattern of the prefix. Groups named `stream...` match the name of the stream, groups named `when...` the time, a
    group named `fields` what `fields` reads.
    """
    is_certain: Callable[[Head], bool] = lambda _: True
    """Tests further what begins with lines most of which have the prefix."""
    fields: Callable[[bytes], Mapping[str, Any]] = lambda _: NO_FIELDS
    """Reads the fields in a prefix."""
    refine: Callable[[Iterator[InnerLine]], Iterator[InnerLine]] = lambda lines: lines
    """Changes the lines that remain without the prefix."""

    def detect(self, head: Head) -> bool:
        """Test whether most of the first lines have the prefix."""
        if head.is_json:
            return False
        lines = head.lines
        have_prefix = bool(lines) and 2 * sum(bool(self.pattern.match(line)) for line in lines) >= len(lines)
        return have_prefix and self.is_certain(head)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines without their prefix; a line without one continues the line before it."""
        return self.refine(self._without_prefix(chunks))

    def _without_prefix(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        match = self.pattern.match
        named = [group for group in self.pattern.groupindex if group.startswith("stream")]
        times = [self.pattern.groupindex[group] for group in self.pattern.groupindex if group.startswith("when")]
        has_fields = "fields" in self.pattern.groupindex
        stream, width = "", 0
        names: dict[tuple[bytes | None, ...], str] = {}
        for number, line in numbered(chunks):
            found = match(line)
            if found is None:
                # journalctl indents continuation lines by the width of the prefix
                yield InnerLine(number, line[width:] if line[:width].isspace() else line, stream)
                continue
            width = found.end()
            if named:
                key = found.group(*named) if len(named) > 1 else (found[named[0]],)
                known = names.get(key)
                if known is None:
                    known = names[key] = " ".join(part.decode("utf-8", "replace") for part in key if part)
                stream = known
            when = next((time for group in times if (time := found[group])), b"")
            fields = self.fields(found["fields"]) if has_fields and found["fields"] else NO_FIELDS
            yield InnerLine(number, line[width:], stream, when=when.decode("utf-8", "replace"), fields=fields)


def numbered(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the non-blank lines of a text, without line ends, and their numbers from 1."""
    number = 0
    rest: list[bytes] = []
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join([*rest, whole[0]])
            rest.clear()
            for line in whole:
                number += 1
                if line and not line.isspace():
                    yield number, line[:-1] if line.endswith(b"\r") else line
        if last:
            rest.append(last)
    line = b"".join(rest)
    if line.strip():
        yield number + 1, line.removesuffix(b"\r")


def decode_entry(decoder: msgspec.json.Decoder[_Entry], text: bytes) -> _Entry:
    """Decode an object, with unpaired surrogates and bytes that are not UTF-8 replaced. Raises MALFORMED."""
    try:
        return decoder.decode(text)
    except MALFORMED:
        sound = lenient_json.repair_text(text)
        if sound == text:
            raise
        return decoder.decode(sound)
