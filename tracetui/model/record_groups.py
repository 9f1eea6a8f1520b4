"""Grouping of records with the same trace and id into spans."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tracetui.model.records import Records
from tracetui.model.span import Flag, Kind

_ROUNDING_NS = 1_000
_MILLISECOND = 1_000_000
_MAX_GROUPS = 64
"""Number of spans with one id above which only similar records are compared; some tracers give all spans one id."""
_CALLER_KINDS = (Kind.CLIENT, Kind.PRODUCER)


class RecordFacts:
    """Columns of the records to compare, m each; codes of services and operations are 0 for none."""

    def __init__(self, records: Records, members: np.ndarray) -> None:
        self.members = members
        names = records.name[members]
        self.service = records.service_codes()[records.service_column()[members]]
        self.operation = records.operation_codes(np.unique(names))[names]
        self.kind = records.kind[members].astype(np.int64)
        self.start = records.start[members]
        flags = records.flags[members]
        self.has_start = (flags & int(Flag.START_REPAIRED)) == 0
        self.has_end = (flags & int(Flag.NO_DURATION)) == 0
        self.duration = records.duration[members]
        self._records = records

    def texts(self, at: int) -> tuple[str, str]:
        """Return service and operation of a record, in lower case."""
        records, record = self._records, int(self.members[at])
        service = records.resources[int(records.resource[record])].service
        operation = records.operation_names[int(records.name[record])]
        return records.service_names[service].lower(), operation.lower()

    @property
    def whole(self) -> np.ndarray:
        """bool[m], true if start and end are known."""
        both: np.ndarray = self.has_start & self.has_end
        return both

    @property
    def timeless(self) -> np.ndarray:
        """bool[m], true if neither start nor end is known."""
        neither: np.ndarray = ~(self.has_start | self.has_end)
        return neither


def split(facts: RecordFacts, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split groups of records with the same trace and id into spans.

    group: int64[m], ascending. -> the records of every span that has several, and the numbers of these spans, ascending
    """
    leads = np.concatenate(([True], group[1:] != group[:-1]))
    first = np.flatnonzero(leads)
    sizes = np.diff(np.append(first, len(group)))
    pairs = first[sizes == 2]
    is_one_span = np.zeros(len(first), bool)
    is_one_span[sizes == 2] = _fit(facts, pairs, pairs + 1)
    is_one_span[sizes > 2] = _all_fit(facts, first, sizes)[sizes > 2]
    cluster = np.cumsum(leads) - 1
    used = is_one_span[cluster]
    record = [facts.members[used]]
    number = [cluster[used]]
    spans = len(first)
    for at in np.flatnonzero(~is_one_span & (sizes > 2)).tolist():
        low = int(first[at])
        for members in _split_group(facts, range(low, low + int(sizes[at]))):
            if len(members) > 1:
                record.append(facts.members[members])
                number.append(np.full(len(members), spans))
                spans += 1
    return np.concatenate(record), np.concatenate(number)


def _fit(facts: RecordFacts, some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Test whether pairs of records can belong to one span: bool[k]."""

    def agree(column: np.ndarray) -> np.ndarray:
        a, b = column[some], column[others]
        equal: np.ndarray = (a == b) | (a == 0) | (b == 0)
        return equal

    distance = np.abs(facts.start[some] - facts.start[others])
    rounded = (facts.start[some] % _MILLISECOND == 0) | (facts.start[others] % _MILLISECOND == 0)
    close = (distance <= _ROUNDING_NS) | (rounded & (distance < _MILLISECOND))
    close |= ~(facts.whole[some] & facts.whole[others])
    timeless = facts.timeless[some] | facts.timeless[others]
    fit: np.ndarray = agree(facts.service) & (timeless | (agree(facts.kind) & agree(facts.operation) & close))
    return fit


def _all_fit(facts: RecordFacts, first: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Test whether all records of a group fit, by comparing whole columns: bool[groups]."""
    group_of = np.repeat(np.arange(len(first)), sizes)
    fit: np.ndarray = np.logical_and.reduceat(facts.whole, first)
    for column in (facts.service, facts.operation, facts.kind):
        greatest = np.maximum.reduceat(column, first)
        fit &= np.minimum.reduceat(np.where(column == 0, greatest[group_of], column), first) == greatest
    fit &= np.maximum.reduceat(facts.start, first) - np.minimum.reduceat(facts.start, first) <= _ROUNDING_NS
    return fit


@dataclass(slots=True)
class _Record:
    """Facts about one record; see `RecordFacts`."""

    at: int
    service: int
    operation: int
    kind: int
    start: int
    whole: bool
    timeless: bool


@dataclass(slots=True)
class _SpanGroup:
    """Records that fit each other, and the conditions for the next one."""

    service: int = 0
    operation: int = 0
    kind: int = 0
    least_rounded: int | None = None
    """Earliest start in whole milliseconds among the whole records."""
    least_exact: int | None = None
    """Earliest start among the others."""
    members: list[int] = field(default_factory=list)

    def fits(self, record: _Record) -> bool:
        """Test whether a record fits all in the group. Records come by start, so the earliest is the farthest."""
        if record.service and self.service not in (0, record.service):
            return False
        if record.timeless:
            return True
        if record.kind and self.kind not in (0, record.kind):
            return False
        if record.operation and self.operation not in (0, record.operation):
            return False
        if not record.whole:
            return True
        tolerance = _MILLISECOND - 1 if record.start % _MILLISECOND == 0 else _ROUNDING_NS
        return (self.least_exact is None or record.start - self.least_exact <= tolerance) and (
            self.least_rounded is None or record.start - self.least_rounded < _MILLISECOND
        )

    def add(self, record: _Record) -> None:
        self.members.append(record.at)
        self.service = self.service or record.service
        if not record.timeless:
            self.kind = self.kind or record.kind
            self.operation = self.operation or record.operation
        if record.whole and record.start % _MILLISECOND == 0:
            self.least_rounded = record.start if self.least_rounded is None else self.least_rounded
        elif record.whole:
            self.least_exact = record.start if self.least_exact is None else self.least_exact


def _split_group(facts: RecordFacts, group: range) -> list[list[int]]:
    """Split the records of one trace and id into spans: whole records by start, then the rest."""
    records = [
        _Record(
            at,
            int(facts.service[at]),
            int(facts.operation[at]),
            int(facts.kind[at]),
            int(facts.start[at]),
            bool(facts.whole[at]),
            bool(facts.timeless[at]),
        )
        for at in group
    ]
    has_start = facts.has_start

    def order(record: _Record) -> tuple[object, ...]:
        # of equal starts the more detailed record first, as it best separates the others
        start = record.start if has_start[record.at] else 0
        specificity = (
            record.kind == 0,
            record.service == 0,
            record.operation == 0,
            record.kind not in _CALLER_KINDS,
            record.kind,
        )
        return (
            not record.whole,
            record.timeless,
            not has_start[record.at],
            start,
            *specificity,
            *facts.texts(record.at),
            -int(facts.duration[record.at]),
        )

    spans: list[_SpanGroup] = []
    by_key: dict[tuple[int, int, int], _SpanGroup] = {}
    for record in sorted(records, key=order):
        key = (record.service, record.operation, record.kind)
        candidates = spans if len(spans) <= _MAX_GROUPS else [by_key[key]] if key in by_key else []
        fitting = [span for span in candidates if span.fits(record)]
        # the client half first, then the earliest
        chosen = next((span for span in fitting if span.kind in _CALLER_KINDS), fitting[0] if fitting else None)
        if chosen is None:
            chosen = _SpanGroup()
            spans.append(chosen)
        chosen.add(record)
        by_key[key] = chosen
    return [span.members for span in spans]
