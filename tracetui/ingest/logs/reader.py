"""Read log files and place their records at the spans that wrote them.

A record that names a span of its trace is placed there. Any other is flagged, and placed at the deepest span that was
running at its time, or else at the main root. Records of traces that are not loaded are counted and skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from tracetui.ingest.archive_reader import MAX_NESTED, Budget, read_members
from tracetui.ingest.archives import find_archive
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.envelopes.streams import MAX_STREAMS
from tracetui.ingest.files import Input, inputs
from tracetui.ingest.json_repair.lenient_json import to_utf8
from tracetui.ingest.logs.collection import LONGEST_MESSAGE, CollectedLogs
from tracetui.ingest.logs.fields import FieldReader, holds_spans
from tracetui.ingest.logs.record import LogForm, LogRecord, completed
from tracetui.ingest.logs.registry import FORMS
from tracetui.ingest.logs.trace_index import TraceIndex
from tracetui.ingest.logs.units import LogUnit, units
from tracetui.ingest.source_bytes import Buffer, decompress
from tracetui.model.errors import InputError, LoadWarning
from tracetui.model.intake import Intake
from tracetui.model.log_lines import LogFile
from tracetui.model.traces import TraceSet

_CHECKED_EVERY: Final = 5_000
"""Units between two calls of `go_on`."""
_MAX_NAMING: Final = 8
_MAX_LINES: Final = 1_000
"""Largest number of lines of one record."""
_HEAD: Final = 1 << 16
_HOUR_NS: Final = 3_600_000_000_000


def with_logs(traces: TraceSet, files: Sequence[str], go_on: Callable[[], bool] = lambda: True) -> TraceSet:
    """Add the log records of files to a set. Warnings in the set name everything that could not be read.

    Raises InputError if no file can be read or none has a record with a trace id.
    """
    return with_logs_of_all([traces], files, go_on)[0]


def with_logs_of_all(
    sets: Sequence[TraceSet], files: Sequence[str], go_on: Callable[[], bool] = lambda: True
) -> list[TraceSet]:
    """Add the log records of files to several sets; each goes to the first set that has its trace.

    Warnings in the last set name everything that could not be read. Raises InputError as `with_logs`.
    """
    if not files:
        return list(sets)
    logs = _Logs(sets, go_on)
    for source in inputs(files, lambda name, what: logs.lost.append(LoadWarning(name, "", what))):
        logs.read_source(source)
    if logs.lost and not logs.read:
        raise InputError(str(logs.lost[0]))
    results = []
    warnings = [*logs.lost, *logs.warnings]
    for number, (traces, collected) in enumerate(zip(sets, logs.collected, strict=True)):
        assigned = collected.assigned([(file, added[number]) for file, added in logs.read])
        for (file, _), offset in zip(logs.read, assigned.zone_offsets, strict=True):
            if offset:
                text = f"times without a zone were read as UTC, but most are {_hours(offset)} their traces"
                warnings.append(LoadWarning(file.name, "", text))
        if collected.dropped:
            text = f"not enough memory: {collected.dropped:,} log records of loaded traces skipped"
            warnings.append(LoadWarning("", "", text))
        results.append(replace(traces, log_lines=assigned.lines))
    results[-1] = replace(results[-1], load_warnings=[*results[-1].load_warnings, *warnings])
    return results


class _Logs:
    """Log files that are read for some sets."""

    def __init__(self, sets: Sequence[TraceSet], go_on: Callable[[], bool]) -> None:
        self.collected = [CollectedLogs(traces) for traces in sets]
        self.warnings: list[LoadWarning] = []
        self.lost: list[LoadWarning] = []
        """Files that cannot be read or hold no trace id."""
        self.read: list[tuple[LogFile, list[int]]] = []
        """Counts of each file, and the number of records it added to each set."""
        self._indexes = [TraceIndex(traces) for traces in sets]
        self._go_on = go_on

    def read_source(self, source: Input) -> None:
        """Read a file, or the files of an archive."""
        intake = Intake()
        context = DecodeContext(intake, source.name)
        try:
            data = source.read(self._go_on, context.warn)
            self._read_content(decompress(data, context, self._go_on), context, None, 0)
        except OSError as error:
            self.lost.append(LoadWarning(source.name, "", error.strerror or str(error)))
        self.warnings += intake.warnings

    def _read_content(self, data: Buffer, context: DecodeContext, budget: Budget | None, depth: int) -> None:
        archive = find_archive(data)
        if archive is None:
            self._read_file(to_utf8(data), context.file)
        elif depth == MAX_NESTED:
            context.warn(f"{archive.name} nested too deeply; unpack it first")
        else:

            def read(content: Buffer, at: DecodeContext, left: Budget, *_: float) -> bool:
                inner = decompress(content, at, self._go_on, limit=left.limit)
                if inner is not content:
                    left.spend(len(inner))
                self._read_content(inner, at, left, depth + 1)
                return True

            read_members(data, archive, context, budget or Budget.of(len(data)), read, self._go_on)

    def _read_file(self, data: Buffer, name: str) -> None:
        before = [len(collected) for collected in self.collected]
        reading = _Reading(self._indexes, self.collected)
        reading.read(data, self._go_on)
        if reading.records and not reading.with_trace_id and not reading.stopped:
            self.lost.append(LoadWarning(name, "", f"no trace id in {reading.counts()}; {_describe_searched(data)}"))
            return
        file = LogFile(name, reading.records, reading.with_trace_id, reading.matched, reading.counts())
        added = [len(collected) - known for collected, known in zip(self.collected, before, strict=True)]
        self.read.append((file, added))
        self.warnings += [LoadWarning(name, "", text) for text in reading.warnings()]


def _describe_searched(data: Buffer) -> str:
    """Describe what was searched in a file without trace ids."""
    if holds_spans(data[:_HEAD]):
        return "these look like spans, not logs: give the file as a source, before --logs"
    return "searched for fields such as trace_id, traceparent headers, and ids in text"


def _hours(offset_ns: int) -> str:
    hours = abs(offset_ns) / _HOUR_NS
    return f"{hours:.4g} h {'before' if offset_ns < 0 else 'after'}"


class _Reading:
    """Log file whose records are being added to the sets that have their traces."""

    def __init__(self, indexes: Sequence[TraceIndex], collected: Sequence[CollectedLogs]) -> None:
        self.records = self.with_trace_id = self.matched = 0
        self.stopped = False
        self._indexes = indexes
        self._collected = collected
        self._forms: Counter[str] = Counter()
        self._damaged = self._no_time = 0
        self._first_damaged = 0
        self._open: dict[str, _OpenUnit] = {}
        """Last record of each stream."""
        self._fields = FieldReader()

    def read(self, data: Buffer, go_on: Callable[[], bool]) -> None:
        """Read all records; one that cannot be read costs no other."""
        for count, unit in enumerate(units(data)):
            if not count % _CHECKED_EVERY and not go_on():
                self.stopped = True
                break
            try:
                self._add_unit(unit)
            except Exception as error:
                if isinstance(error, MemoryError):
                    raise
                self._count_damage(unit.number)
        for one in self._open.values():
            self._close(one)

    def counts(self) -> str:
        """Count the records by form, for people."""
        forms = ", ".join(f"{count:,} {name}" for name, count in self._forms.most_common())
        noun = "log record" if self.records == 1 else "log records"
        return f"{self.records:,} {noun}{f' ({forms})' if forms else ''}"

    def warnings(self) -> Iterator[str]:
        """Yield warnings about what could not be read or placed."""
        if self.stopped:
            yield f"stopped after {self.records:,} log records"
        if self._damaged:
            noun = "line" if self._damaged == 1 else "lines"
            yield f"{self._damaged:,} damaged {noun} (the first: {self._first_damaged:,})"
        if self.with_trace_id and not self.matched:
            noun = "record names" if self.with_trace_id == 1 else "records name"
            yield f"{self.with_trace_id:,} {noun} a trace, none of which is loaded"
        if self._no_time:
            noun = "record without a time is" if self._no_time == 1 else "records without a time are"
            yield f"{self._no_time:,} {noun} shown at the start of a span"
        if not self.records and not self.stopped:
            yield "holds no log records"

    def _add_unit(self, unit: LogUnit) -> None:
        if unit.is_lost:
            self._count_damage(unit.number)
            return
        text = unit.text
        for form in FORMS:
            if not form.recognises(text):
                continue
            try:
                records = form.records(text)
                if records is None:
                    continue
                for record in records:
                    self._add_record(record, unit, form)
            except ValueError:
                self._count_damage(unit.number)
                if text[:1] == b"\n":
                    # protobuf, which no other form reads; the records before the damage were added
                    return
                continue
            return

    def _count_damage(self, number: int) -> None:
        self._damaged += 1
        self._first_damaged = self._first_damaged or number

    def _add_record(self, record: LogRecord, unit: LogUnit, form: LogForm) -> None:
        before = self._open.get(unit.stream)
        if before is not None:
            if before.is_continued_by(record, unit):
                before.add(record, unit.text)
                return
            self._close(before)
        if unit.when or unit.fields:
            record = self._in_envelope(record, unit)
        self._open[unit.stream] = _OpenUnit(record, bool(unit.when))
        if len(self._open) > MAX_STREAMS:
            self._close(self._open.pop(next(iter(self._open))))
        self.records += 1
        self._forms[form.name] += 1

    def _in_envelope(self, record: LogRecord, unit: LogUnit) -> LogRecord:
        """Complete a record with fields of its envelope that it lacks."""
        outer = self._fields.record({**unit.fields, "timestamp": unit.when} if unit.when else dict(unit.fields))
        return LogRecord(
            partial(completed, record.content, outer.content),
            record.trace_ids or outer.trace_ids,
            record.other_ids,
            record.continues,
            record.is_timed_text,
        )

    def _close(self, closed: _OpenUnit) -> None:
        record = closed.record
        if not (record.trace_ids or record.other_ids):
            return
        trace, number = self._find(record.trace_ids)
        if trace < 0 and record.other_ids:
            trace, number = self._find(record.other_ids)
        if record.trace_ids or trace >= 0:
            self.with_trace_id += 1
        if trace < 0:
            return
        content = record.content()
        if not content.span_keys:
            # a printer of JSON logs puts each id on a line of its own
            content.span_keys = next(filter(None, (one.content().span_keys for one in closed.naming)), ())
        self.matched += 1
        self._no_time += content.moment is None
        self._collected[number].add(trace, content, closed.more)

    def _find(self, ids: Sequence[str]) -> tuple[int, int]:
        """Find the trace with one of these ids. -> its position, -1 for none, and the number of its set"""
        for number, index in enumerate(self._indexes):
            trace = index.find(ids)
            if trace >= 0:
                return trace, number
        return -1, 0


class _OpenUnit:
    """Record that the following lines may continue."""

    __slots__ = ("has_time", "more", "naming", "record", "size")

    def __init__(self, record: LogRecord, has_time: bool) -> None:
        """has_time: True if its envelope states the time of its line."""
        self.record = record
        self.has_time = has_time
        self.more: list[str] = []
        self.naming: list[LogRecord] = []
        """Units that name ids."""
        self.size = 0

    def is_continued_by(self, record: LogRecord, unit: LogUnit) -> bool:
        """Test whether a unit belongs to this record."""
        if record.continues == "timed lines":
            return self.record.is_timed_text or (self.has_time and not unit.when)
        return record.continues == "always"

    def add(self, record: LogRecord, text: bytes) -> None:
        """Add a unit to this record: its ids, and its text up to a limit."""
        first = self.record
        if not first.trace_ids:
            first.trace_ids = record.trace_ids
        first.other_ids = first.other_ids or record.other_ids
        if b"span" in text and len(self.naming) < _MAX_NAMING:
            self.naming.append(record)
        if self.size < LONGEST_MESSAGE and len(self.more) < _MAX_LINES:
            line = text[: LONGEST_MESSAGE - self.size].decode("utf-8", "replace")
            self.more.append(line)
            self.size += len(line) + 1
