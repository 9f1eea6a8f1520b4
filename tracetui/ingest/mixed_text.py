"""Text with span records among other output: console output or logs of programs.

A record is a JSON value on a line, perhaps after a logger's prefix; an indented object in brackets over several lines;
or a record of one of the `TextFormat`s. Other lines are ignored, unless they name the ids of a span.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tracetui.ingest.data_without_spans import COLOUR, LARGE_DATA, names_spans
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import PROGRESS_STEP, DeferredSpans
from tracetui.ingest.embedded_json import JSON_BEGINS, PYTHON, QUOTED, embedded_values
from tracetui.ingest.formats.registry import TEXT_FORMATS
from tracetui.ingest.json_blocks import CLOSING
from tracetui.ingest.json_lines import count_lines
from tracetui.ingest.record_errors import skip_record
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MalformedError

_OPENING: Final = re.compile(rb"(?P<indent>[ \t]*)(?P<bracket>[{\[])[ \t]*\r?")
_LINE_END: Final = re.compile(rb"[ \t]*\r?\n")
_AFTER_CLOSING: Final = re.compile(rb"[ \t]*,?[ \t]*\r?(?:\n|\Z)")
_NOT_INDENTED: Final = re.compile(rb"[^\s}\]]")
_RECORDS: Final = [
    (text_format, re.compile(text_format.begins, re.MULTILINE)) for text_format in TEXT_FORMATS if text_format.begins
]
_BLOCK: Final = rb"^[ \t]*[{\[][ \t]*\r?\n(?=[ \t]+[\w\"'{\[])"
_BLOCKS: Final = [(text_format, re.compile(text_format.block)) for text_format in TEXT_FORMATS if text_format.block]
_SPAN_KEY: Final = re.compile(
    rb'"(?:trace_?id|span_?id|resource_?spans|scope_?spans|spancontext|operationname)"\s*:', re.IGNORECASE
)
_PREFIXED: Final = re.compile(rb"[\s:=][{\[]\r?\n[ \t]+[\"']?\w[\w.]*[\"']?: ")
_MEMBER_FOLLOWS: Final = re.compile(rb"\r?\n[ \t]+(?:[\"']?[\w.]+[\"']?\s*:|[{\[])")
_NOT_BLANK: Final = re.compile(rb"\S")
_BRACE: Final = ord("{")
_LIST: Final = re.compile(rb"\[\s*[{\[\]]")
_MAX_TRIES: Final = 8
_MAX_LONG_TRIES: Final = 2
_BUDGET_FACTOR: Final = 16
_MAX_FAILURES: Final = 50_000
"""Limit for the false JSON beginnings before the first span; then the rest is skipped."""
_RECOVERY_COST: Final = 10
"""Number of false beginnings that count as much as the recovery of one damaged record."""

DecodeRecord = Callable[[bytes, DecodeContext], bool]
"""Decodes a JSON value; False for other text."""


def _line_search(pattern: bytes) -> Callable[[Buffer, int], bool]:
    """Build a test for a line that begins with a pattern, from a position of a text on.

    A search for `^` is slow, as it is tried at each byte; a search for the line end before it is fast.
    """
    if not pattern.startswith(b"^"):
        anywhere = re.compile(pattern, re.MULTILINE)
        return lambda data, start: anywhere.search(data, start) is not None
    first = re.compile(pattern[1:], re.MULTILINE)
    later = re.compile(rb"\n(?:%b)" % pattern[1:], re.MULTILINE)
    return lambda data, start: (first.match(data, start) or later.search(data, start)) is not None


_has_block: Final = _line_search(_BLOCK)
_BEGINNINGS: Final = [
    (text_format, _line_search(text_format.begins)) for text_format in TEXT_FORMATS if text_format.begins
]


class LineCursor:
    """Cursor over the lines of a source; `formats.format.Lines`."""

    def __init__(self, data: Buffer, at: int, end: int, number: int = 1) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.number = number
        self._stop = -1
        self._cached_line: bytes | None = None

    @property
    def line(self) -> bytes | None:
        """Line at the cursor, without its end; None after the last."""
        if self._stop < 0:
            if self.at >= self.end:
                return None
            stop = self.data.find(b"\n", self.at, self.end)
            self._stop = self.end if stop < 0 else stop
            self._cached_line = self.data[self.at : self._stop]
        return self._cached_line

    def advance(self) -> None:
        """Move to the next line."""
        if self.line is not None:
            self.move(self._stop + 1)
            self.number += 1

    def move(self, at: int) -> None:
        self.at, self._stop, self._cached_line = at, -1, None

    def copy(self) -> LineCursor:
        """Return a cursor at the same line, to look ahead."""
        return LineCursor(self.data, self.at, self.end, self.number)


class MixedText:
    """Decodes the records of a text and skips the output in between."""

    def __init__(
        self,
        context: DecodeContext,
        deferred: DeferredSpans,
        decode_record: DecodeRecord,
        recover: Callable[[bytes, DecodeContext], None],
    ) -> None:
        """decode_record: decodes a JSON value. recover: decodes the intact parts of a damaged one, with warnings."""
        self._context = context
        self._deferred = deferred
        self._decode_record = decode_record
        self._recover_damaged = recover
        self._failures = 0
        self._unclosed: set[bytes] = set()
        """Closing lines that do not occur in the rest of the text."""
        self._scan_budget = 0
        """Bytes that may still be scanned in vain: a bound on the total time."""

    def read(self, data: Buffer, begin: int, end: int) -> None:
        """Decode every record between two positions at line beginnings."""
        number = count_lines(data, begin) + 1
        if data.find(b"\x1b[", begin, end) >= 0:
            # JSON contains no colour codes
            data = COLOUR.sub(b"", data[begin:end])
            begin, end = 0, len(data)
        self._scan_budget = _BUDGET_FACTOR * (end - begin)
        self._failures = 0
        spans = len(self._context.intake)
        at, reported = begin, number
        while at < end and not self._context.intake.is_full():
            if self._failures > _MAX_FAILURES and not self._found_any(spans):
                self._context.line(number).warn("only damaged JSON before this line, no spans; the rest was skipped")
                return
            stop = data.find(b"\n", at, end)
            stop = end if stop < 0 else stop
            line = data[at:stop].strip()
            if len(line) > 1 and (line[0] == _BRACE or _LIST.match(line)) and self._decode_line(line, number):
                at, number = stop + 1, number + 1
            elif line:
                cursor = LineCursor(data, at, end, number)
                self._read_record(cursor)
                at, number = cursor.at, cursor.number
            else:
                at, number = stop + 1, number + 1
            if number - reported >= PROGRESS_STEP:
                reported = number
                self._deferred.progress((at - begin) / (end - begin))

    def _found_any(self, before: int) -> bool:
        """Test whether spans were found; `before`: number of spans in the intake at the start."""
        self._deferred.sink.finish()
        self._failures = 0
        return len(self._context.intake) > before or bool(self._deferred.zipkin or self._deferred.documents)

    def _recover(self, text: bytes, context: DecodeContext) -> None:
        self._failures += _RECOVERY_COST
        self._recover_damaged(text, context)

    def _decode_line(self, line: bytes, number: int) -> bool:
        """Decode a line that is a JSON value. -> False if it is not one"""
        context = self._context.line(number)
        try:
            return self._decode_record(line, context)
        except Exception as error:
            skip_record(context, error)
            return True

    def _read_record(self, cursor: LineCursor) -> None:
        """Decode the record at the cursor, or skip the line if none begins there."""
        line, before = cursor.line or b"", cursor.at
        context = self._context.line(cursor.number)
        try:
            opening = _OPENING.fullmatch(line)
            if not (
                self._read_block(cursor, opening, context) if opening else self._read_prefixed(cursor, line, context)
            ):
                self._read_line(cursor, line, context)
        except Exception as error:
            skip_record(context, error)
        if cursor.at == before:
            cursor.advance()

    def _read_line(self, cursor: LineCursor, line: bytes, context: DecodeContext) -> None:
        for text_format, pattern in _RECORDS:
            found = pattern.search(line) if text_format.hint in line else None
            if found is not None and text_format.read is not None:
                text_format.read(found, cursor, context, self._deferred.sink)
                return
        text = line.strip()
        if text:
            self._decode_json_in(text, context)

    def _decode_json_in(self, text: bytes, context: DecodeContext) -> None:
        """Decode a JSON value on a line, perhaps after a prefix."""
        at = 0
        # each try at a long text copies and decodes it
        for tried in range(_MAX_TRIES if len(text) <= LARGE_DATA else _MAX_LONG_TRIES):
            found = JSON_BEGINS.search(text, at)
            if found is None:
                break
            at = found.start()
            if self._decode_record(text[at:], context) or (not tried and self._decode_embedded(text, context)):
                return
            self._failures += 1
            at += 1
        if self._decode_printed(text, context) or (not at and self._decode_embedded(text, context)):
            return
        printed = any(pattern.match(text) for _, pattern in _BLOCKS)
        if (text[:1] == b"{" and len(text) > 1 and not printed) or _SPAN_KEY.search(text):
            self._recover(text, context)
        else:
            context.skip_line()

    def _decode_embedded(self, text: bytes, context: DecodeContext) -> bool:
        """Decode the values of a line that are in other notations or have text after them. -> False without any"""
        return any(self._decode_record(value, context) for value in embedded_values(text))

    def _read_prefixed(self, cursor: LineCursor, line: bytes, context: DecodeContext) -> bool:
        """Decode a JSON value over several lines that begins after a prefix. -> False if there is none"""
        if line[-1:] not in (b"{", b"[") or self._scan_budget <= 0:
            return False
        begin = cursor.at + len(line) - 1
        if not _MEMBER_FOLLOWS.match(cursor.data, begin + 1):
            return False
        opening = _OPENING.match(line, len(line) - 1)
        end, after = self._end_of_block(cursor, opening) if opening else (-1, -1)
        if end < 0:
            return False
        self._scan_budget -= end - begin
        block = cursor.data[begin:end]
        if not (self._decode_record(block, context) or self._decode_printed(block, context)):
            return False
        cursor.number += cursor.data[begin:after].count(b"\n")
        cursor.move(after)
        return True

    def _read_block(self, cursor: LineCursor, opening: re.Match[bytes], context: DecodeContext) -> bool:
        """Decode an object over several lines. -> False if it is not one"""
        data, begin = cursor.data, cursor.at
        end, after = self._end_of_block(cursor, opening)
        next_opening = _next_opening(data, opening, begin, end if end >= 0 else cursor.end)
        if end < 0 or next_opening >= 0:
            # cut off by the next object, or by a line that is not indented
            after = end = next_opening if next_opening >= 0 else _end_of_indented(cursor, opening["indent"])
            is_decoded = self._decode_cut(data[begin:end], context)
        else:
            is_decoded = self._decode_block(data[begin:end], len(opening["indent"]), context)
        if is_decoded:
            cursor.number += data[begin:after].count(b"\n")
            cursor.move(after)
        return is_decoded

    def _end_of_block(self, cursor: LineCursor, opening: re.Match[bytes]) -> tuple[int, int]:
        """Find the end of the opened object. -> its position and that of the next line; -1 if there is none"""
        closing = b"\n" + opening["indent"] + CLOSING[opening["bracket"]]
        at = -1 if closing in self._unclosed else cursor.data.find(closing, cursor.at, cursor.end)
        while at >= 0:
            end = at + len(closing)
            stop = _AFTER_CLOSING.match(cursor.data, end, cursor.end)
            if stop:
                return end, stop.end()
            at = cursor.data.find(closing, end, cursor.end)
        self._unclosed.add(closing)
        return -1, -1

    def _decode_cut(self, text: bytes, context: DecodeContext) -> bool:
        """Decode the intact parts of an object that is cut off. -> False if it seems to hold no span"""
        if _SPAN_KEY.search(text):
            self._recover(text, context)
            return True
        for text_format, pattern in _BLOCKS:
            if pattern.match(text.lstrip()) and any(need in text for need in text_format.needs):
                context.warn(f"skipped: cut off, {text_format.name} ({len(text):,} bytes)")
                return True
        return False

    def _decode_block(self, block: bytes, indent: int, context: DecodeContext) -> bool:
        """Decode an object over several lines. -> False if it is not one, and its lines are to be read one at a time"""
        if self._decode_record(block, context) or self._decode_printed(block, context):
            return True
        own, others = _split_other_output(block, indent)
        if others and (self._decode_record(own, context) or self._decode_printed(own, context)):
            other_output = b"\n".join(others)
            cursor = LineCursor(other_output, 0, len(other_output))
            while (line := cursor.line) is not None:
                before = cursor.at
                self._read_line(cursor, line, context)
                if cursor.at == before:
                    cursor.advance()
            return True
        if self._scan_budget > 0 and _has_beginning(block, 0):
            self._scan_budget -= len(block)
            return False
        if _SPAN_KEY.search(block):
            self._recover(block, context)
        return True

    def _decode_printed(self, text: bytes, context: DecodeContext) -> bool:
        """Decode an object that is not JSON, if it is of a known format."""
        for text_format, pattern in _BLOCKS:
            if text_format.read_block is not None and pattern.match(text.lstrip()):
                try:
                    text_format.read_block(text, context, self._deferred.sink)
                except MalformedError:
                    continue
                return True
        return False


def has_records(data: Buffer, start: int) -> bool:
    """Test whether a text that is not one JSON value seems to hold a record."""
    if _has_block(data, start) or _has_beginning(data, start):
        return True
    return names_spans(data, start) and any(
        pattern.search(data, start) for pattern in (_SPAN_KEY, QUOTED, PYTHON, _PREFIXED)
    )


def _has_beginning(data: Buffer, start: int) -> bool:
    """Test whether a line begins a record of a `TextFormat`."""
    return any(data.find(text_format.hint, start) >= 0 and begins(data, start) for text_format, begins in _BEGINNINGS)


def _next_opening(data: Buffer, opening: re.Match[bytes], begin: int, end: int) -> int:
    """Find the next object opened with the same indentation; -1 if there is none before `end`."""
    wanted = b"\n" + opening["indent"] + opening["bracket"]
    at = data.find(wanted, begin, end)
    while at >= 0:
        if _LINE_END.match(data, at + len(wanted)):
            return at + 1
        at = data.find(wanted, at + 1, end)
    return -1


def _end_of_indented(cursor: LineCursor, indent: bytes) -> int:
    """Find the first line that is not indented more than this."""
    ahead = cursor.copy()
    ahead.advance()
    while ahead.line is not None and ahead.line.startswith(indent) and ahead.line[len(indent) :][:1] in (b" ", b"\t"):
        ahead.advance()
    return min(ahead.at, cursor.end)


def begins_mixed(data: Buffer, start: int) -> bool:
    """Test whether a text with records begins with a non-JSON bracket, or continues after its first object."""
    if PYTHON.match(data, start) or any(pattern.match(data, start) for _, pattern in _BLOCKS):
        return True
    opening = _OPENING.match(data, start)
    if opening is None or data[opening.end() : opening.end() + 1] != b"\n":
        return data[start : start + 1] == b"[" and not JSON_BEGINS.match(data, start) and has_records(data, start)
    closing = b"\n" + opening["indent"] + CLOSING[opening["bracket"]]
    at = data.find(closing, start)
    stop = _AFTER_CLOSING.match(data, at + len(closing)) if at >= 0 else None
    return bool(stop and _NOT_BLANK.search(data, stop.end()))


def _split_other_output(block: bytes, indent: int) -> tuple[bytes, list[bytes]]:
    """Separate lines of another thread, which are not indented like the block. -> the block, those lines"""
    first, *inner, last = block.split(b"\n")
    other_output = [line for line in inner if _NOT_INDENTED.match(line[indent:])]
    own = [line for line in inner if not _NOT_INDENTED.match(line[indent:])]
    return b"\n".join([first, *own, last]), other_output
