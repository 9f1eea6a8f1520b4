"""Results and downloads of log stores: JSON objects, one per line or list item, with the text under one key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from tracetui.ingest.envelopes.envelope import InnerLine, numbered
from tracetui.ingest.json_blocks import CLOSING, Blocks
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.json_decoding import MALFORMED, RAW_ITEMS, MalformedError, is_valid_json, reason

_VALUE: Final = msgspec.json.Decoder(Raw)
_NOT_BLANK: Final = re.compile(rb"\S")
_LINE_END: Final = re.compile(rb"[ \t\r]*+(?:\n|\Z)")
_CONTINUES: Final = (b"{", b"[", b",", b":")
"""Ends of lines after which a value continues."""
OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_JOINT: Final = re.compile(rb"\}(?=\{)")
_JSON_IN_LIST: Final = rb'[\[,]\s*("\{(?:[^"\\]|\\.)*+")'
"""Cell of a row that holds JSON."""
_MAX_FAILURES: Final = 64
"""False ends of an object, such as a brace within a string, after which the search stops."""
SAMPLED: Final = 64
"""Number of entries whose times show the order."""
_FRACTION: Final = re.compile(r"[.,](\d+)")
_SECONDS: Final = 19
_IDENTIFYING: Final = (
    *(
        "cluster",
        "namespace",
        "pod",
        "pod_name",
        "container",
        "container_name",
        "stream",
        "filename",
        "host",
        "hostname",
    ),
    *("instance", "instance_id", "service_name", "service", "app", "job", "unit", "nodename", "logstream"),
    *("k8s_namespace_name", "k8s_pod_name", "k8s_container_name", "revision_name", "task_id"),
)
"""Labels that identify the writer. Others, such as a level or a trace id, differ from line to line."""


class Entry(NamedTuple):
    """Log entry: its time (empty if unknown) and its lines."""

    when: str
    lines: list[InnerLine]


def values(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the top-level JSON values of a text, each with the number of its first line; other text unchanged."""
    indented = _Indented(chunks)
    yield from indented.values()
    blocks = Blocks()
    for number, line in numbered(indented.rest()):
        for block in blocks.add(number + indented.lines, line):
            yield block.number, block.text
    for block in blocks.rest():
        yield block.number, block.text


class _Indented:
    """Beginning of a text, as long as it consists of valid multi-line values. They are found without splitting it
    into lines.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._text = bytearray()
        self.lines = 0
        """Number of lines consumed."""

    def values(self) -> Iterator[tuple[int, bytes]]:
        """Yield the values and the numbers of their first lines."""
        while (closing := self._closing()) is not None:
            text = self._value(closing)
            if not text:
                return
            value = text.lstrip()
            yield self.lines + 1 + text[: len(text) - len(value)].count(b"\n"), value
            if self._text:
                self.lines += text.count(b"\n")

    def rest(self) -> Iterator[bytes]:
        """Yield the remaining text."""
        yield bytes(self._text)
        yield from self._chunks

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        self._text += chunk or b""
        return chunk is not None

    def _closing(self) -> bytes | None:
        """Return the line that would end the next value; None if there is no value, or it is on a single line."""
        begin = 0
        while not (found := _NOT_BLANK.search(self._text, begin)):
            begin = len(self._text)
            if not self._more():
                return None
        begin = at = found.start()
        closing = CLOSING.get(bytes(found[0]))
        if closing is None:
            return None
        while (end := self._text.find(b"\n", at)) < 0:
            at = len(self._text)
            if not self._more():
                return None
        if not self._text[begin:end].rstrip().endswith(_CONTINUES):
            return None
        return b"\n" + self._text[self._text.rfind(b"\n", 0, begin) + 1 : begin] + closing

    def _value(self, closing: bytes) -> bytes:
        """Take the value that ends with this line, or the whole text; nothing if that is not valid JSON."""
        end = self._end(closing)
        if end < 0:
            # most often the text is a single value, and its end need not be searched
            while self._more():
                pass
            text = bytes(self._text)
            if is_valid_json(text):
                self._text.clear()
                return text
            end = self._end(closing)
        text = bytes(memoryview(self._text)[:end]) if end >= 0 else b""
        if not is_valid_json(text):
            return b""
        del self._text[:end]
        return text

    def _end(self, closing: bytes) -> int:
        """Find the end of the next such line in the text so far; -1 if there is none."""
        at = self._text.find(closing)
        while at >= 0:
            line_end = _LINE_END.match(self._text, at + len(closing))
            if line_end:
                return line_end.end()
            at = self._text.find(closing, at + 1)
        return -1


def items(text: bytes) -> list[bytes | Raw]:
    """Return the items of a JSON list, or the value itself. Raises MalformedError."""
    if text.lstrip()[:1] != b"[":
        return [text]
    try:
        # without copies of the items
        return [*RAW_ITEMS.decode(text)]
    except MALFORMED as error:
        raise MalformedError(reason(error)) from None


def concatenated(text: bytes) -> list[bytes]:
    """Split JSON objects that follow each other with nothing in between; return other text unchanged."""
    if b"}{" not in text:
        return [text]
    found = []
    at = failures = 0
    for end in (*(match.end() for match in _JOINT.finditer(text)), len(text)):
        try:
            _VALUE.decode(text[at:end])
        except MALFORMED:
            failures += 1
            if failures > _MAX_FAILURES:
                return [text]
        else:
            found.append(text[at:end])
            at, failures = end, 0
    return found if at == len(text) else [text]


def entries(
    chunks: Iterable[bytes], read: Callable[[int, bytes], Iterable[Entry]], keys: Sequence[bytes]
) -> Iterator[Entry]:
    """Yield the entries in the JSON objects of a text: one object per line, list item or document.

    read: takes an object and the number of its first line; raises MalformedError or one of MALFORMED for other kinds
        of objects.
    keys: the keys under which the text of a damaged object is searched.
    """
    number = 1
    for _, text in values(chunks):
        try:
            found = items(text)
        except MalformedError:
            found = [text]
        found.reverse()
        while found:
            item = bytes(found.pop())
            try:
                read_entries = list(read(number, item))
            except (*MALFORMED, MalformedError) as error:
                parts = concatenated(item)
                if len(parts) > 1:
                    found.extend(reversed(parts))
                    continue
                read_entries = [Entry("", _harvest(number, item, keys, error))]
            yield from read_entries
            number += max(sum(len(entry.lines) for entry in read_entries), 1)


def _harvest(number: int, text: bytes, keys: Sequence[bytes], error: Exception) -> list[InnerLine]:
    """Recover the texts of a damaged object under these keys or in the cells of a row. Other values are unchanged."""
    if b'"' not in text:
        return [InnerLine(number, text)]
    if not is_valid_json(text):
        under_keys = rb'"(?:%b)"\s*:\s*("(?:[^"\\]|\\.)*+")' % b"|".join(keys)
        texts = [
            text_of_json(found[1])
            for pattern in (under_keys, _JSON_IN_LIST)
            for found in re.finditer(pattern, text, re.DOTALL)
        ]
        if texts:
            return [
                InnerLine(number, b"", lost=f"damaged JSON ({reason(error)}); only its intact parts were read"),
                *(InnerLine(number + i, inner) for i, inner in enumerate(texts)),
            ]
    return [InnerLine(number, text)]


def oldest_first(entries: Iterable[Entry]) -> Iterator[InnerLine]:
    """Yield the lines of entries, oldest first. The times of the first ones show whether the newest comes first."""
    rest = iter(entries)
    waiting: list[Entry] = []
    first, differ = "", False
    for entry in rest:
        waiting.append(entry)
        first = first or entry.when
        differ = differ or entry.when not in ("", first)
        if len(waiting) >= SAMPLED and (differ or not first):
            break
    if is_newest_first(entry.when for entry in waiting):
        waiting.extend(rest)
        waiting.reverse()
    for entry in chain(waiting, rest):
        for line in entry.lines:
            yield InnerLine(*line[:5], entry.when, line.fields) if entry.when else line


def is_newest_first(times: Iterable[str]) -> bool:
    """Test whether the first of these times is later than the last. Empty ones are unknown."""
    known = [time for time in times if time]
    return bool(known) and _moment(known[-1]) < _moment(known[0])


def _moment(when: str) -> tuple[int, str, str]:
    """Build a sort key for times of one writer: numbers by length, others by second and fraction."""
    if when.isdecimal():
        return len(when), when, ""
    fraction = _FRACTION.search(when, _SECONDS)
    return 0, when[:_SECONDS], fraction[1] if fraction else ""


def record_of(number: int, fields: dict[str, Any], text: str, time: str, names: Sequence[str]) -> Entry:
    """Build the entry of a log record.

    fields: all fields of the record. text, time: keys of its text and time. names: keys that identify its writer.
    Raises MalformedError if there is no text.
    """
    line = fields.get(text)
    if line is None:
        raise MalformedError(f"it has no {text}")
    others = {key: value for key, value in fields.items() if key != text}
    stream = " ".join(_words_in(fields.get(name) for name in names))
    # some writers keep the line break
    inner = text_bytes(line).removesuffix(b"\n")
    return Entry(str(fields.get(time) or ""), [InnerLine(number, inner, stream, fields=others)])


def _words_in(values: Iterable[Any]) -> Iterator[str]:
    """Yield the names of the writer of a line, from values that are names or objects with names."""
    for value in values:
        if isinstance(value, str):
            yield value
        for key, item in value.items() if isinstance(value, dict) else ():
            if isinstance(item, dict):
                yield from (item[name] for name in ("name", "path") if isinstance(item.get(name), str))
            elif key in _IDENTIFYING or key == "name":
                yield str(item)


def text_bytes(value: Any) -> bytes:
    """Return the bytes of a decoded string, the JSON of other values, nothing for null."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return b"" if value is None else msgspec.json.encode(value)


def text_of_json(value: Raw | bytes) -> bytes:
    """Return the text of a JSON string; other values as JSON, null as empty."""
    raw = bytes(memoryview(value))
    if raw[:1] != b'"':
        return b"" if raw == b"null" else raw
    return str(lenient_json.loads(raw)).encode("utf-8", "replace")


def stream_of(labels: Mapping[str, Any]) -> str:
    """Name the stream of a line by the labels of its writer."""
    return named_stream(labels) or " ".join(map(str, labels.values()))


def named_stream(labels: Mapping[str, Any]) -> str:
    """Name the writer of a line by the labels that distinguish writers."""
    return " ".join(str(value) for key, value in labels.items() if key.lower().lstrip("@") in _IDENTIFYING)
