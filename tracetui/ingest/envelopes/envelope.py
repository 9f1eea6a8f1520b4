"""The contract of an envelope, and what several of them need: a text's head, lines of chunks, text prefixes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

import msgspec

from tracetui.ingest.buffers import Buffer
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.decoding import MALFORMED

_LOOKED_AT: Final = 32
"""Number of first lines of a text that are checked for a common prefix."""
_HEAD_BYTES: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 20
"""A first line up to this size is in the head whole."""
_SCANNED: Final = 1 << 20
_MOST_TOKENS: Final = 128
"""Strings and brackets among which the keys of the first object are searched, within `_SCANNED` bytes.

A line of the log is one of them, however long, and often comes before the key that tells its envelope.
"""
_OBJECTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[dict[str, msgspec.Raw]])
_TOKEN: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|[{}\[\]"]', re.DOTALL)
"""A string and the colon after it, a bracket, or the quote of a string without an end."""
_OPENING: Final = (b"{", b"[")

_Entry = TypeVar("_Entry")

NO_FIELDS: Final[Mapping[str, Any]] = {}


class InnerLine(NamedTuple):
    """A line of text that was in an envelope, or a piece of one."""

    number: int
    """Number of the line or entry in the source, from 1."""
    text: bytes
    stream: str = ""
    """Name of the stream, if the envelope states it: lines of several streams may be interleaved."""
    ends: bool = True
    """False where the stream's next piece continues this line."""
    lost: str = ""
    """Why the text is not here, in words for people."""
    when: str = ""
    """When it was written, as the envelope has it; empty where it does not say so."""
    fields: Mapping[str, Any] = NO_FIELDS
    """Further fields of the envelope, such as labels, by their names there."""


class Head:
    """The beginning of a text: at least its first line whole, unless that is very long."""

    def __init__(self, text: Buffer, start: int = 0) -> None:
        self.data = text[start : start + _HEAD_BYTES]
        self._text, self._start = text, start
        if len(self.data) == _HEAD_BYTES and b"\n" not in self.data:
            end = text.find(b"\n", start, start + _LONGEST_LINE)
            if end >= 0:
                self.data = text[start : end + 1]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the first JSON object, where the text begins with one or with a list of them."""
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
        """Test whether the text begins like a JSON object or a list of them."""
        return bool(self.keys)

    @cached_property
    def lines(self) -> list[bytes]:
        """The first lines that are not blank; the last one may be cut."""
        return [line for line in self.data.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]


def _first_keys(text: Buffer, at: int) -> frozenset[str]:
    """The keys at the top of the first object of a text that is no whole JSON value, as far as it goes."""
    keys = set[str]()
    # within a list the object is a level deeper
    depth = -(text[at : at + 1] == b"[")
    for token in islice(_TOKEN.finditer(text, at, at + _SCANNED), _MOST_TOKENS):
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

    An envelope knows nothing of what the lines hold. `detect` tells it by the first bytes of a text, and costs a text
    without an envelope next to nothing. `unwrap` turns the text, which comes in chunks cut anywhere, into the lines
    that were in it: oldest first, each with its number in the text and with the stream that wrote it, a line that was
    split as its pieces. It holds no more than a line of the text at a time, or one JSON value where the text is one.
    A line that it does not understand it hands on as it is, so that damage costs no other line. It keeps nothing
    between two calls, and what it raises is a fault in it.
    """

    name: ClassVar[str]
    """As people call it: "Docker json-file"."""
    unit: ClassVar[str] = "line"
    """Unit that `InnerLine.number` counts."""
    by_lines: ClassVar[bool] = True
    """True if every line can be unwrapped by itself, so that the text may be cut between lines."""

    @abstractmethod
    def detect(self, head: Head) -> bool:
        """Tell whether a text that begins so is in this envelope."""

    @abstractmethod
    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines that the text holds."""


class Prefix(Envelope):
    """An envelope that puts something before each line."""

    pattern: ClassVar[re.Pattern[bytes]]
    """Matches the prefix. What the groups whose names begin with `stream` match names the stream, and what those match
    whose names begin with `when` is the time.
    """

    def detect(self, head: Head) -> bool:
        """Tell whether most of the first lines have the prefix."""
        if head.is_json:
            return False
        lines = head.lines
        return bool(lines) and 2 * sum(bool(self.pattern.match(line)) for line in lines) >= len(lines)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines without their prefix; one that has none belongs to the line before it."""
        match = self.pattern.match
        named = [group for group in self.pattern.groupindex if group.startswith("stream")]
        times = [self.pattern.groupindex[group] for group in self.pattern.groupindex if group.startswith("when")]
        stream, width = "", 0
        names: dict[tuple[bytes | None, ...], str] = {}
        for number, line in numbered(chunks):
            found = match(line)
            if found is None:
                # journalctl indents the further lines of a text as wide as the prefix is
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
            yield InnerLine(number, line[width:], stream, when=when.decode("utf-8", "replace"))


def numbered(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a text that are not blank, without their ends, and their numbers from 1."""
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
    """Decode an object, with stand-ins for half surrogate pairs and bytes that are not UTF-8. Raises MALFORMED."""
    try:
        return decoder.decode(text)
    except MALFORMED:
        sound = lenient_json.repair_text(text)
        if sound == text:
            raise
        return decoder.decode(sound)
