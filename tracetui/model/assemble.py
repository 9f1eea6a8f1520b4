"""From collected records to a trace set: spans found, trees built, oddities repaired and marked.

The rules are those of a "trace" everywhere in this program:

- A parent is looked up in its own trace only; a span whose parent is not there is an orphan and a root.
- Records of one span become one (`model.merge`). Spans that differ and have one id all stay, and children attach to
  the first, but for the halves of a call (`model.halves`).
- A cycle of parents is cut at its earliest span.
- A missing start becomes the parent's, of a root the least start of its trace; an end that is known stays. A negative
  duration becomes 0.
"""

from __future__ import annotations

import numpy as np

from tracetui.model.halves import join_halves
from tracetui.model.ids import span_text
from tracetui.model.intake import Intake
from tracetui.model.merge import merge
from tracetui.model.records import Records
from tracetui.model.span import Mark
from tracetui.model.span_index import SpanIndex
from tracetui.model.traces import TraceSet
from tracetui.model.tree import depths, nearest_above, preorder

_NEVER = np.iinfo(np.int64).max


def assemble(intake: Intake) -> TraceSet:
    """Build the trace set of everything collected so far. The intake stays usable, and more can follow."""
    return _Assembly(intake).build()


class _Assembly:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.records = Records(intake)
        self.row = np.arange(len(self.records))
        """int64[records of the intake], the row of each record's span."""
        self.duplicates: dict[int, int] = {}

    def build(self) -> TraceSet:
        records = self.records
        index = SpanIndex(records.trace, records.key)
        into = merge(records, index)
        if into is not None:
            kept = np.flatnonzero(into == np.arange(len(into)))
            folded = np.bincount(records.trace[into != np.arange(len(into))], minlength=1)
            self.duplicates = {int(trace): int(folded[trace]) for trace in np.flatnonzero(folded)}
            place = np.empty(len(into), np.int64)
            place[kept] = np.arange(len(kept))
            self.row = place[into]
            records.keep(kept)
            index = SpanIndex(records.trace, records.key)
        parent = index.find(records.trace, records.parent_key)
        parent[records.parent_key == 0] = -1
        join_halves(records, index, parent)
        missing = (records.marks & int(Mark.START_REPAIRED)) > 0
        records.marks[(records.parent_key != 0) & (parent < 0)] |= int(Mark.ORPHAN)
        depth, parent, cuts = depths(parent, np.where(missing, _NEVER, records.start), records.key)
        records.marks[cuts] |= int(Mark.CYCLE_CUT)
        self._repair_starts(parent, missing)
        self._repair_durations()
        return self._ordered(parent, depth)

    def _repair_durations(self) -> None:
        records = self.records
        negative = records.duration < 0
        records.marks[negative] |= int(Mark.NEGATIVE_DURATION)
        records.duration[negative] = 0

    def _repair_starts(self, parent: np.ndarray, missing: np.ndarray) -> None:
        records = self.records
        broken = np.flatnonzero(missing)
        if not len(broken):
            return
        only_end = broken[(records.marks[broken] & int(Mark.END_KNOWN)) > 0]
        end = records.start[only_end]
        above = nearest_above(parent, ~missing)[broken]
        earliest = self._earliest(~missing, only_end)
        records.start[broken] = np.where(above >= 0, records.start[above], earliest[records.trace[broken]])
        records.duration[only_end] = end - records.start[only_end]
        records.marks[only_end] &= ~np.uint16(Mark.END_KNOWN)

    def _earliest(self, known: np.ndarray, only_end: np.ndarray) -> np.ndarray:
        """int64 per trace, the least start; of a trace without one the least end, then where a saved set had put it,
        else 0.
        """
        records = self.records
        earliest, ends, put = np.full((3, len(self.intake.trace_ids)), _NEVER)
        np.minimum.at(earliest, records.trace[known], records.start[known])
        np.minimum.at(ends, records.trace[only_end], records.start[only_end])
        given = ~known & (records.start > 0)
        np.minimum.at(put, records.trace[given], records.start[given])
        earliest = np.where(earliest == _NEVER, np.where(ends == _NEVER, put, ends), earliest)
        earliest[earliest == _NEVER] = 0
        return earliest

    def _ordered(self, parent: np.ndarray, depth: np.ndarray) -> TraceSet:
        intake, records = self.intake, self.records
        seen = np.bincount(records.trace, minlength=len(intake.trace_ids)) > 0
        number = np.cumsum(seen) - 1
        trace = number[records.trace].astype(np.int32)
        trace_count = int(seen.sum())
        position, size, first = preorder(trace, parent, records.start, trace_count)
        order = np.empty(len(position), np.int64)
        order[position] = np.arange(len(position))
        moved_parent = parent[order]
        has_parent = moved_parent >= 0
        moved_parent[has_parent] = position[moved_parent[has_parent]]
        where = position[self.row]
        spelled = np.full(len(self.row), -1)
        spelled[records.id_from] = position
        orphans = np.flatnonzero(records.marks & Mark.ORPHAN).tolist()
        missing = {
            int(position[i]): intake.odd_parent_ids.get(int(records.parent_id_from[i]))
            or span_text(int(records.parent_key[i]))
            for i in orphans
        }
        warnings: dict[int, list[str]] = {}
        for i, texts in intake.span_warnings.items():
            known = warnings.setdefault(int(where[i]), [])
            known.extend(text for text in texts if text not in known)
        return TraceSet(
            trace=trace[order],
            parent=moved_parent.astype(np.int32),
            subtree_end=(np.arange(len(order)) + size[order]).astype(np.int32),
            depth=depth[order].astype(np.int32),
            start=records.start[order],
            duration=records.duration[order],
            order=records.came_as[order],
            key=records.key[order],
            name=records.name[order],
            resource=records.resource[order],
            noted_peer=records.peer[order],
            kind=records.kind[order],
            status=records.status[order],
            error=records.error[order],
            marks=records.marks[order],
            message=records.message[order],
            raw_at=records.raw_at[order],
            attribute_bytes=records.attribute_bytes[order],
            event_bytes=records.event_bytes[order],
            link_bytes=records.link_bytes[order],
            first=first,
            names=intake.names.texts.copy(),
            peers=intake.peers.texts.copy(),
            services=intake.services.texts.copy(),
            messages=records.messages,
            resources=records.resources,
            trace_ids=[text for text, has_spans in zip(intake.trace_ids, seen.tolist(), strict=True) if has_spans],
            arena=records.arena,
            odd_ids={int(spelled[i]): text for i, text in intake.odd_ids.items() if spelled[i] >= 0},
            missing_parents=missing,
            source_warnings=warnings,
            trace_warnings={int(number[t]): list(texts) for t, texts in intake.trace_warnings.items() if seen[t]},
            duplicates={int(number[t]): count for t, count in self.duplicates.items()},
            load_warnings=list(intake.warnings),
        )
