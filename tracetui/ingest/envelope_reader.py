"""Read the spans among the lines of a log in one of the registered envelopes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, NamedTuple

from tracetui.ingest.decode_context import DecodeContext, LineNumbers
from tracetui.ingest.deferred_spans import PROGRESS_STEP, DeferredSpans
from tracetui.ingest.envelopes import find_envelope
from tracetui.ingest.envelopes.envelope import Envelope, InnerLine, Part
from tracetui.ingest.envelopes.streams import Streams
from tracetui.ingest.json_blocks import begins_json
from tracetui.ingest.json_documents import can_share, decode_in_parallel
from tracetui.ingest.json_lines import count_lines, line_cuts
from tracetui.ingest.processes.worker import processes_for
from tracetui.ingest.record_errors import skip_record
from tracetui.ingest.source_bytes import Buffer

_CHUNK: Final = 1 << 20
_SAMPLE: Final = 1 << 20
"""Bytes examined to decide whether lines can be decoded independently."""
_BEFORE_CUT: Final = 1 << 17
"""Bytes before a cut that are searched for the beginning of a line that continues after it; pieces have 16 KiB."""
_AFTER_CUT: Final = 1 << 22
"""Bytes after a position that are searched for a place to cut."""


class TextReader(NamedTuple):
    """Decoders of the texts in a log."""

    value: Callable[[bytes, DecodeContext, DeferredSpans], None]
    """Decodes a JSON value, or its intact parts with warnings."""
    whole: Callable[[bytes, DecodeContext, DeferredSpans], str]
    """Decodes an intact JSON value. -> '', or its fault"""
    text: Callable[[bytes, DecodeContext, DeferredSpans], None]
    """Decodes lines of a stream that are not intact JSON values."""


@dataclass(frozen=True, slots=True)
class _LogReader:
    """Decodes what `Streams` finds in one stretch of a log; a `StreamReader`."""

    read: TextReader
    context: DecodeContext
    deferred: DeferredSpans
    unit: str
    before: int
    """Number of lines of the source before this stretch."""
    kept: _EnvelopeValues | None = None
    """Collects values that are decoded together at the end."""

    def _at(self, number: int) -> DecodeContext:
        return DecodeContext(self.context.intake, self.context.file, f"{self.unit} {number + self.before}", in_log=True)

    def value(self, number: int, text: bytes) -> None:
        if self.kept is not None:
            self.kept.add(number, text)
            return
        context = self._at(number)
        try:
            self.read.value(text, context, self.deferred)
        except Exception as error:
            skip_record(context, error)

    def block(self, number: int, text: bytes) -> bool:
        context = self._at(number)
        try:
            return not self.read.whole(text, context, self.deferred)
        except Exception as error:
            skip_record(context, error)
            return True

    def text(self, numbers: list[int], lines: list[bytes]) -> None:
        numbers = [number + self.before for number in numbers]
        context = replace(self.context, lines=LineNumbers(self.unit, numbers))
        try:
            self.read.text(b"\n".join(lines), context, self.deferred)
        except Exception as error:
            skip_record(context, error)

    def lost(self, number: int, reason: str) -> None:
        self._at(number).warn(reason)


def decode_enveloped(
    data: Buffer, start: int, envelope: Envelope, context: DecodeContext, deferred: DeferredSpans, read: TextReader
) -> None:
    """Decode the spans in an enveloped log, several stretches of a large one in parallel."""
    _EnvelopedLog(data, start, envelope, read).decode(context, deferred)


@dataclass(frozen=True, slots=True)
class _EnvelopedLog:
    data: Buffer
    start: int
    envelope: Envelope
    read: TextReader

    def decode(self, context: DecodeContext, deferred: DeferredSpans) -> None:
        data, envelope = self.data, self.envelope
        processes = processes_for(len(data))
        if processes > 1 and envelope.by_lines and _can_share(data, self.start, envelope):
            cuts = line_cuts(data, self.start, processes)
            inner = [_cut_between_lines(data, cut, envelope) for cut in cuts[1:-1]]
            decode_in_parallel([cuts[0], *inner, cuts[-1]], context, deferred, self._decode_stretch)
        elif len(data) > _SAMPLE and (parts := envelope.split(data, self.start)):
            self._decode_parts(parts, context, deferred, processes)
        elif processes > 1 and not envelope.by_lines:
            self._decode_document(context, deferred, processes)
        else:
            self._decode_stretch(self.start, len(data), context, deferred)

    def _decode_stretch(self, begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> None:
        before = count_lines(self.data, begin) if begin else 0
        self._unwrap(self._reader(context, deferred, before), begin, end)

    def _decode_parts(
        self, parts: Sequence[Part], context: DecodeContext, deferred: DeferredSpans, processes: int
    ) -> None:
        """Decode the parts of a log, several of them in parallel."""

        def lines(begin: int, end: int) -> Iterator[InnerLine]:
            for part in parts[begin:end]:
                for line in self.envelope.unwrap((part.text(),)):
                    yield line._replace(number=line.number + part.number - 1) if part.number > 1 else line

        def decode_part(begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> None:
            streams = Streams(self._reader(context, deferred), find_envelope)
            for i in range(begin, end):
                deferred.progress((i - begin) / (end - begin))
                for line in lines(i, i + 1):
                    streams.add(line)
            streams.finish()

        cuts = [0]
        if processes > 1 and _are_separate(lines(0, 1)):
            for i in range(1, processes):
                first = max(len(parts) * i // processes, cuts[-1] + 1)
                # where no stream is within a line
                between = (cut for cut in range(first, len(parts)) if not _unfinished(lines(cut - 1, cut), set()))
                cuts += islice(between, 1)
        cuts.append(len(parts))
        decode_in_parallel(cuts, context, deferred, decode_part)

    def _decode_document(self, context: DecodeContext, deferred: DeferredSpans, processes: int) -> None:
        """Decode a log that is unwrapped as a whole, its values by several processes."""
        kept = _EnvelopeValues()
        self._unwrap(replace(self._reader(context, deferred), kept=kept), self.start, len(self.data))

        def decode_part(begin: int, end: int, context: DecodeContext, deferred: DeferredSpans) -> None:
            reader = self._reader(context, deferred)
            for i in range(begin, end):
                if not (i - begin) % PROGRESS_STEP:
                    deferred.progress((i - begin) / (end - begin))
                reader.value(*kept[i])

        if len(kept):
            shares = processes if can_share(kept[0][1]) else 1
            decode_in_parallel([len(kept) * i // shares for i in range(shares + 1)], context, deferred, decode_part)

    def _reader(self, context: DecodeContext, deferred: DeferredSpans, before: int = 0) -> _LogReader:
        return _LogReader(self.read, context, deferred, self.envelope.unit, before)

    def _unwrap(self, reader: _LogReader, begin: int, end: int) -> None:
        streams = Streams(reader, find_envelope)
        add = streams.add
        for line in self.envelope.unwrap(_chunks(self.data, begin, end, reader.deferred.progress)):
            add(line)
        streams.finish()


class _EnvelopeValues:
    """Texts in one block of memory that forked processes share; they would copy many small objects."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q", [0])
        self._numbers = array("q")

    def add(self, number: int, text: bytes) -> None:
        self._text += text
        self._ends.append(len(self._text))
        self._numbers.append(number)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> tuple[int, bytes]:
        return self._numbers[index], bytes(memoryview(self._text)[self._ends[index] : self._ends[index + 1]])


def _chunks(data: Buffer, begin: int, end: int, progress: Callable[[float], None]) -> Iterator[bytes]:
    for at in range(begin, end, _CHUNK):
        progress((at - begin) / (end - begin))
        yield data[at : min(at + _CHUNK, end)]


def _can_share(data: Buffer, start: int, envelope: Envelope) -> bool:
    """Test whether the first lines hold JSON values that can be decoded independently, none over several lines."""
    end = data.rfind(b"\n", start, start + _SAMPLE)
    return _are_separate(envelope.unwrap((data[start:end],) if end >= 0 else ()))


def _are_separate(lines: Iterable[InnerLine]) -> bool:
    """Test whether lines hold JSON values that can be decoded independently, none over several lines."""
    first = None
    pieces: dict[str, bytes] = {}
    for line in lines:
        text = pieces.pop(line.stream, b"") + line.text
        if not line.ends:
            pieces[line.stream] = text
        elif begins_json(text):
            if text.rstrip()[-1:] not in (b"}", b"]"):
                return False
            first = first or text.strip()
    return first is not None and can_share(first)


def _cut_between_lines(data: Buffer, cut: int, envelope: Envelope) -> int:
    """Find the first position from `cut` on at the end of a source line where no stream is within a line."""
    at = data.rfind(b"\n", 0, max(cut - _BEFORE_CUT, 0)) + 1
    within = set[str]()
    while at < min(cut + _AFTER_CUT, len(data)):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end + 1
        _unfinished(envelope.unwrap((data[at:end],)), within)
        at = end
        if at >= cut and not within:
            return at
    return cut


def _unfinished(lines: Iterable[InnerLine], within: set[str]) -> set[str]:
    """Update the set of streams that are within a line."""
    for line in lines:
        within.discard(line.stream)
        if not line.ends:
            within.add(line.stream)
    return within
