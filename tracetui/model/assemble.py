"""Assemble collected records into a trace set: merge spans, build trees, repair and flag anomalies.

These rules define traces everywhere in this program:

- A parent is looked up only within the trace; a span whose parent is missing is an orphan and a root.
- Records of one span are merged (`model.merge`). Different spans with the same id all stay, and children attach to the
  first, except for the halves of a call (`model.shared_ids`).
- A parent cycle is cut at its earliest span.
- A missing start becomes that of the parent, or for a root the earliest start of its trace; a known end stays. A
  negative duration becomes 0.
- Of spans with equal starts the first in the source comes first; in a trace from several sources the one with the
  lowest id, so that the order of sources does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tracetui.model.canonical_order import in_canonical_order, one_spelling
from tracetui.model.ids import span_text
from tracetui.model.intake import Intake
from tracetui.model.merge import merge
from tracetui.model.records import NEVER, Records
from tracetui.model.shared_ids import join_halves
from tracetui.model.sorted_texts import sorted_texts
from tracetui.model.span import Flag
from tracetui.model.span_index import SpanIndex
from tracetui.model.traces import TraceSet
from tracetui.model.tree import depths, nearest_above, preorder


def assemble(intake: Intake) -> TraceSet:
    """Build a trace set from everything collected so far. The intake stays usable, and more can follow."""
    return _Assembly(intake).build()


def _for_remaining(odd: Mapping[int, str], input_order: np.ndarray, count: int) -> dict[int, str]:
    """Map texts of the intake's records to the remaining records.

    input_order: int64[n], positions of the remaining records among the `count` of the intake.
    """
    if not odd:
        return {}
    new = np.full(count, -1)
    new[input_order] = np.arange(len(input_order))
    return {int(new[i]): text for i, text in odd.items() if new[i] >= 0}


class _Assembly:
    """Records on their way to a trace set."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.records = Records(intake)
        self.row = np.arange(len(self.records))
        """int64[records of the intake], the row of each record's span."""
        self.duplicates: dict[int, int] = {}
        self.source = intake.sources.of_each(len(self.records))
        self.trace_order: list[int] | None = None
        """Numbers of the traces with spans, in order; None for input order."""

    def build(self) -> TraceSet:
        records = self.records
        self.input_trace, self.input_parent_key = records.trace, records.parent_key
        index = SpanIndex(records.trace, records.key)
        into = merge(records, index)
        if into is not None:
            kept = np.flatnonzero(into == np.arange(len(into)))
            merged_counts = np.bincount(records.trace[into != np.arange(len(into))], minlength=1)
            self.duplicates = {int(trace): int(merged_counts[trace]) for trace in np.flatnonzero(merged_counts)}
            new_row = np.empty(len(into), np.int64)
            new_row[kept] = np.arange(len(kept))
            self.row = new_row[into]
            records.keep(kept)
        if self.source is not None:
            self._sort_canonically(self.source)
        if into is not None or self.source is not None:
            index = SpanIndex(records.trace, records.key)
        parent = index.find(records.trace, records.parent_key)
        parent[records.parent_key == 0] = -1
        join_halves(records, index, parent)
        missing = (records.flags & int(Flag.START_REPAIRED)) > 0
        records.flags[(records.parent_key != 0) & (parent < 0)] |= int(Flag.ORPHAN)
        depth, parent, cuts = depths(parent, np.where(missing, NEVER, records.start), records.key)
        records.flags[cuts] |= int(Flag.CYCLE_CUT)
        self._repair_starts(parent, missing)
        self._repair_durations()
        return self._trace_set(parent, depth)

    def _sort_canonically(self, source: np.ndarray) -> None:
        """Make the order of records and traces independent of the order of their sources."""
        records = self.records
        order, self.trace_order = in_canonical_order(records, self.input_trace, source)
        records.keep(order)
        moved = np.empty(len(order), np.int64)
        moved[order] = np.arange(len(order))
        self.row = moved[self.row]
        records.input_order = np.arange(len(order))

    def _repair_durations(self) -> None:
        records = self.records
        negative = records.duration < 0
        records.flags[negative] |= int(Flag.NEGATIVE_DURATION)
        records.duration[negative] = 0

    def _repair_starts(self, parent: np.ndarray, missing: np.ndarray) -> None:
        records = self.records
        broken = np.flatnonzero(missing)
        if not len(broken):
            return
        only_end = broken[(records.flags[broken] & int(Flag.END_KNOWN)) > 0]
        end = records.start[only_end]
        above = nearest_above(parent, ~missing)[broken]
        earliest = self._earliest(~missing, only_end)
        records.start[broken] = np.where(above >= 0, records.start[above], earliest[records.trace[broken]])
        records.duration[only_end] = end - records.start[only_end]
        records.flags[only_end] &= ~np.uint16(Flag.END_KNOWN)

    def _earliest(self, known: np.ndarray, only_end: np.ndarray) -> np.ndarray:
        """Compute the earliest start of each trace, int64; without any start the earliest end, else its position in a
        saved set, else 0.
        """
        records = self.records
        earliest, ends, saved = np.full((3, len(self.intake.traces.ids)), NEVER)
        np.minimum.at(earliest, records.trace[known], records.start[known])
        np.minimum.at(ends, records.trace[only_end], records.start[only_end])
        given = ~known & (records.start > 0)
        np.minimum.at(saved, records.trace[given], records.start[given])
        earliest = np.where(earliest == NEVER, np.where(ends == NEVER, saved, ends), earliest)
        earliest[earliest == NEVER] = 0
        return earliest

    def _odd_ids(self) -> tuple[dict[int, str], dict[int, str]]:
        """Collect span ids and parent ids in unusual spellings, by record."""
        texts, records = self.intake.texts, self.records
        if self.source is not None:
            own = np.ones(len(self.row), bool)
            of_parent = self.input_parent_key == records.parent_key[self.row]
            return one_spelling(texts.odd_ids, self.row, own), one_spelling(texts.odd_parent_ids, self.row, of_parent)
        return (
            _for_remaining(texts.odd_ids, records.id_from, len(self.row)),
            _for_remaining(texts.odd_parent_ids, records.parent_id_from, len(self.row)),
        )

    def _trace_set(self, parent: np.ndarray, depth: np.ndarray) -> TraceSet:
        intake, records = self.intake, self.records
        seen = np.bincount(records.trace, minlength=len(intake.traces.ids)) > 0
        number = np.cumsum(seen) - 1
        if self.trace_order is not None:
            number[self.trace_order] = np.arange(len(self.trace_order))
        trace = number[records.trace].astype(np.int32)
        trace_count = int(seen.sum())
        position, size, first = preorder(trace, parent, records.start, trace_count)
        order = np.empty(len(position), np.int64)
        order[position] = np.arange(len(position))
        moved_parent = parent[order]
        has_parent = moved_parent >= 0
        moved_parent[has_parent] = position[moved_parent[has_parent]]
        row_position = position[self.row]
        odd_ids, odd_parent_ids = self._odd_ids()
        orphans = np.flatnonzero(records.flags & Flag.ORPHAN).tolist()
        missing = {int(position[i]): odd_parent_ids.get(i) or span_text(int(records.parent_key[i])) for i in orphans}
        names, services = records.operation_names.copy(), records.service_names.copy()
        resources = records.resources
        if self.source is not None:
            # these numbers break ties in lists, such as equally frequent operations
            names, moved_names = sorted_texts(names)
            services, moved_services = sorted_texts(services)
            records.name = moved_names[records.name]
            resources = [one._replace(service=int(moved_services[one.service])) for one in resources]
        warnings: dict[int, list[str]] = {}
        for i, texts in intake.texts.warnings.items():
            known = warnings.setdefault(int(row_position[i]), [])
            known.extend(text for text in texts if text not in known)
        return TraceSet(
            trace=trace[order],
            parent=moved_parent.astype(np.int32),
            subtree_end=(np.arange(len(order)) + size[order]).astype(np.int32),
            depth=depth[order].astype(np.int32),
            start=records.start[order],
            duration=records.duration[order],
            order=records.input_order[order],
            key=records.key[order],
            name=records.name[order],
            resource=records.resource[order],
            noted_peer=records.peer[order],
            kind=records.kind[order],
            status=records.status[order],
            error=records.error[order],
            flags=records.flags[order],
            message=records.message[order],
            raw_at=records.raw_at[order],
            attribute_bytes=records.attribute_bytes[order],
            event_bytes=records.event_bytes[order],
            link_bytes=records.link_bytes[order],
            first=first,
            names=names,
            peers=intake.peers.texts.copy(),
            services=services,
            messages=records.messages,
            resources=resources,
            trace_ids=[intake.traces.ids[i] for i in self.trace_order or np.flatnonzero(seen).tolist()],
            span_bytes=records.span_bytes,
            odd_ids={int(position[i]): text for i, text in odd_ids.items()},
            missing_parents=missing,
            source_warnings=warnings,
            trace_warnings={int(number[t]): list(texts) for t, texts in intake.traces.warnings.items() if seen[t]},
            duplicates={int(number[t]): count for t, count in self.duplicates.items()},
            load_warnings=list(intake.warnings),
        )
