"""Reading files of logs and placing their records at the spans that wrote them.

A record that names a span of its trace goes to it, any other to the deepest span that was running at its time, else to
the trace's first span, and is marked so. Records of traces that are not loaded are counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from tracetui.ingest.buffers import Buffer, unpacked
from tracetui.ingest.lenient import in_utf8
from tracetui.ingest.logs.collected import LONGEST_MESSAGE, Collected
from tracetui.ingest.logs.record import LogForm, LogRecord
from tracetui.ingest.logs.registry import FORMS
from tracetui.ingest.logs.trace_index import TraceIndex
from tracetui.ingest.logs.units import units
from tracetui.ingest.place import Place
from tracetui.ingest.sources.files import inputs
from tracetui.model.intake import Intake
from tracetui.model.log_lines import LogFile
from tracetui.model.problems import InputError, LoadWarning
from tracetui.model.traces import TraceSet

_ASKED_EVERY: Final = 5_000
"""Units after which the caller is asked whether to go on."""
_MOST_LINES: Final = 1_000
"""Lines of one record."""
_HOUR_NS: Final = 3_600_000_000_000


def with_logs(traces: TraceSet, files: Sequence[str], go_on: Callable[[], bool] = lambda: True) -> TraceSet:
    """Add the log records of files to a set. What could not be read is among its warnings.

    Raises InputError where none of the files can be read or has a record with a trace id.
    """
    if not files:
        return traces
    index, collected = TraceIndex(traces), Collected(traces)
    warnings: list[LoadWarning] = []
    lost: list[LoadWarning] = []
    read: list[tuple[LogFile, int]] = []
    for source in inputs(files, lambda name, what: lost.append(LoadWarning(name, "", what))):
        intake = Intake()
        place = Place(intake, source.name)
        try:
            data = in_utf8(unpacked(source.read(go_on, place.warn), place, go_on))
        except OSError as error:
            lost.append(LoadWarning(source.name, "", error.strerror or str(error)))
            continue
        before = len(collected)
        reading = _Reading(index, collected)
        reading.read(data, go_on)
        if reading.records and not reading.with_trace_id and not reading.stopped:
            lost.append(LoadWarning(source.name, "", f"no trace id in {reading.counts()}; {_LOOKED_FOR}"))
            continue
        file = LogFile(source.name, reading.records, reading.with_trace_id, reading.matched, reading.counts())
        read.append((file, len(collected) - before))
        warnings += intake.warnings
        warnings += [LoadWarning(source.name, "", said) for said in reading.warnings()]
    if lost and not read:
        raise InputError(str(lost[0]))
    placed = collected.placed(read)
    for (file, _), offset in zip(read, placed.zone_offsets, strict=True):
        if offset:
            text = f"times have no zone and were read as UTC: most are {_hours(offset)} their traces"
            warnings.append(LoadWarning(file.name, "", text))
    if collected.left_out:
        text = f"not enough memory: {collected.left_out:,} log records of loaded traces left out"
        warnings.append(LoadWarning("", "", text))
    return replace(traces, log_lines=placed.lines, load_warnings=[*traces.load_warnings, *lost, *warnings])


_LOOKED_FOR: Final = "looked for fields such as trace_id, traceparent headers, and ids in text"


def _hours(offset_ns: int) -> str:
    hours = abs(offset_ns) / _HOUR_NS
    return f"{hours:.4g} h {'before' if offset_ns < 0 else 'after'}"


class _Reading:
    """One file of logs on its way into the set's records."""

    def __init__(self, index: TraceIndex, collected: Collected) -> None:
        self.records = self.with_trace_id = self.matched = 0
        self.stopped = False
        self._index = index
        self._collected = collected
        self._forms: Counter[str] = Counter()
        self._damaged = self._no_time = 0
        self._first_damaged = 0
        self._open: LogRecord | None = None
        """The last record, to which lines can be added."""
        self._more: list[str] = []
        self._more_size = 0

    def read(self, data: Buffer, go_on: Callable[[], bool]) -> None:
        """Take in every record; one that cannot be read costs no other."""
        for count, (number, unit) in enumerate(units(data)):
            if not count % _ASKED_EVERY and not go_on():
                self.stopped = True
                break
            try:
                self._unit(number, unit)
            except Exception as error:
                if isinstance(error, MemoryError):
                    raise
                self._damage(number)
        self._close()

    def counts(self) -> str:
        """Count the records by form, for people."""
        forms = ", ".join(f"{count:,} {name}" for name, count in self._forms.most_common())
        noun = "log record" if self.records == 1 else "log records"
        return f"{self.records:,} {noun}{f' ({forms})' if forms else ''}"

    def warnings(self) -> Iterator[str]:
        """Say what was not understood."""
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

    def _unit(self, number: int, unit: bytes) -> None:
        for form in FORMS:
            if not form.recognises(unit):
                continue
            try:
                records = form.records(unit)
                if records is None:
                    continue
                for record in records:
                    self._record(record, unit, form)
            except ValueError:
                self._damage(number)
                if unit[:1] == b"\n":
                    # no text, and what was whole of it is read
                    return
                continue
            return

    def _damage(self, number: int) -> None:
        self._damaged += 1
        self._first_damaged = self._first_damaged or number

    def _record(self, record: LogRecord, unit: bytes, form: LogForm) -> None:
        before = self._open
        if before is not None and (
            record.continues == "always" or (record.continues == "timed text" and before.is_timed_text)
        ):
            if self._more_size < LONGEST_MESSAGE and len(self._more) < _MOST_LINES:
                text = unit[: LONGEST_MESSAGE - self._more_size].decode("utf-8", "replace")
                self._more.append(text)
                self._more_size += len(text) + 1
            if not before.trace_ids:
                before.trace_ids = record.trace_ids
            before.other_ids = before.other_ids or record.other_ids
            return
        self._close()
        self._open = record
        self.records += 1
        self._forms[form.name] += 1

    def _close(self) -> None:
        record, more = self._open, self._more
        self._open = None
        if more:
            self._more = []
            self._more_size = 0
        if record is None or not (record.trace_ids or record.other_ids):
            return
        trace = self._index.find(record.trace_ids)
        if trace < 0 and record.other_ids:
            trace = self._index.find(record.other_ids)
        if record.trace_ids or trace >= 0:
            self.with_trace_id += 1
        if trace < 0:
            return
        content = record.content()
        self.matched += 1
        self._no_time += content.moment is None
        self._collected.add(trace, content, more)
