"""From collected spans to a trace set: parents found, trees built, oddities repaired and marked.

The rules are those of a "trace" everywhere in this program:

- A parent is looked up in its own trace only; a span whose parent is not there is an orphan and a root.
- Exact duplicates of a span are dropped and counted. Different spans with one id all stay, and children attach to
  the first. The server half of a Zipkin RPC is the child of the client half that has its id.
- A ring of parents is cut at its earliest span.
- A missing start becomes the parent's, of a root the least start of its trace; an end that is known stays. A negative
  duration becomes 0.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from tracetui.model.intake import ERROR_SHIFT, MARK_SHIFT, STATUS_SHIFT, Chunk, Intake
from tracetui.model.span import Mark
from tracetui.model.traces import Arena, TraceSet
from tracetui.model.tree import depths, find_spans, nearest_above, preorder


def assemble(intake: Intake) -> TraceSet:
    """Build the trace set of everything collected so far. The intake stays usable, and more can follow."""
    intake.flush()
    return _Assembly(intake).build()


def _joined(chunks: list[Chunk], column: str) -> np.ndarray:
    parts = [getattr(chunk, column) for chunk in chunks]
    if len(parts) == 1:
        only: np.ndarray = parts[0]
        return only
    return np.concatenate(parts)


class _Assembly:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        chunks = intake.chunks or [_NO_SPANS]
        self.trace = _joined(chunks, "trace")
        self.key = _joined(chunks, "key")
        self.parent_key = _joined(chunks, "parent_key")
        self.start = _joined(chunks, "start").copy()
        self.duration = _joined(chunks, "duration").copy()
        state = _joined(chunks, "state")
        self.kind = (state & 7).astype(np.uint8)
        self.status = (state >> STATUS_SHIFT & 3).astype(np.uint8)
        self.error = (state >> ERROR_SHIFT & 1).astype(bool)
        self.marks = (state >> MARK_SHIFT).astype(np.uint16)
        self.name = _joined(chunks, "name")
        self.resource = _joined(chunks, "resource")
        self.peer = _joined(chunks, "peer")
        self.raw_sizes = [_joined(chunks, f"{part}_bytes") for part in ("attribute", "event", "link")]
        self.arena = Arena([chunk.raw for chunk in chunks])
        self.raw_at = np.concatenate(
            [base + _exclusive_sum(chunk.raw_bytes) for base, chunk in zip(self.arena.starts, chunks, strict=True)]
        )

    def build(self) -> TraceSet:
        parent, groups = find_spans(self.trace, self.key, self.trace, self.parent_key)
        parent[self.parent_key == 0] = -1
        keep = np.ones(len(self.trace), bool)
        duplicates: Counter[int] = Counter()
        children = _children_of([group[0] for group in groups], parent)
        client_halves: dict[int, int] = {}
        for group in groups:
            self._settle_same_ids(group, children.get(group[0], []), parent, keep, duplicates, client_halves)
        # last, as both halves of a call write the id of the span above: a half may be in another's children
        parent[list(client_halves)] = list(client_halves.values())
        self.marks[self.start < 0] |= int(Mark.START_REPAIRED)
        self.marks[(self.parent_key != 0) & (parent < 0)] |= int(Mark.ORPHAN)
        depth, parent, cuts = depths(parent, self.start)
        self.marks[cuts] |= int(Mark.CYCLE_CUT)
        self._repair_starts(parent)
        self._repair_durations()
        kept = None if keep.all() else np.flatnonzero(keep)
        if kept is not None:
            # nothing hangs under an exact duplicate, as look-ups find the first
            new_index = np.cumsum(keep) - 1
            parent = parent[kept]
            parent = np.where(parent >= 0, new_index[parent], -1)
            depth = depth[kept]
        return self._ordered(kept, parent, depth, duplicates)

    def _settle_same_ids(
        self,
        group: list[int],
        children: list[int],
        parent: np.ndarray,
        keep: np.ndarray,
        duplicates: Counter[int],
        client_halves: dict[int, int],
    ) -> None:
        distinct = self._distinct(group)
        if len(distinct) < len(group):
            duplicates[int(self.trace[group[0]])] += len(group) - len(distinct)
            keep[group] = False
            keep[distinct] = True
        if len(distinct) == 1:
            return
        shared = [span for span in distinct if self.marks[span] & Mark.SHARED]
        owners = [span for span in distinct if not self.marks[span] & Mark.SHARED]
        if shared and owners:
            by_service: dict[int, int] = {}
            for span in shared:
                by_service.setdefault(self._service(span), span)
            for span in children:
                parent[span] = by_service.get(self._service(span), owners[0])
            client_halves.update(dict.fromkeys(shared, owners[0]))
        for alike in (owners, shared):
            if len(alike) > 1:
                self.marks[alike] |= int(Mark.SAME_ID)

    def _distinct(self, group: list[int]) -> list[int]:
        """The spans of a group of one id that differ, the first of equal ones, in input order."""
        alike: dict[tuple[object, ...], list[int]] = {}
        for span in group:
            alike.setdefault(self._columns(span), []).append(span)
        return sorted(span for spans in alike.values() for span in self._unlike(spans))

    def _unlike(self, spans: list[int]) -> list[int]:
        """Of spans with equal columns, those whose attributes, events or links differ; raw first, as it is cheap."""
        for part_of in (self._raw, self._decoded):
            if len(spans) == 1:
                break
            kept: dict[tuple[object, ...], int] = {}
            for span in spans:
                kept.setdefault(tuple(part_of(span, part) for part in range(3)), span)
            spans = list(kept.values())
        return spans

    def _columns(self, span: int) -> tuple[object, ...]:
        columns = (self.parent_key, self.start, self.duration, self.kind, self.status, self.name)
        message = self.intake.status_messages.get(span, "")
        return (self._service(span), message, *(column[span].item() for column in columns))

    def _service(self, span: int) -> int:
        return self.intake.resources[int(self.resource[span])].service

    def _decoded(self, span: int, part: int) -> str:
        codec = self.intake.resources[int(self.resource[span])].codec
        raw = self._raw(span, part)
        if part == 0:
            return repr(sorted(codec.attributes(raw).items()))
        return repr(codec.events(raw) if part == 1 else codec.links(raw))

    def _raw(self, span: int, part: int) -> bytes:
        at = int(self.raw_at[span]) + sum(int(size[span]) for size in self.raw_sizes[:part])
        return self.arena.read(at, int(self.raw_sizes[part][span]))

    def _repair_durations(self) -> None:
        negative = self.duration < 0
        self.marks[negative] |= int(Mark.NEGATIVE_DURATION)
        self.duration[negative] = 0

    def _repair_starts(self, parent: np.ndarray) -> None:
        missing = (self.marks & int(Mark.START_REPAIRED)) > 0
        broken = np.flatnonzero(missing)
        if not len(broken):
            return
        only_end = broken[(self.marks[broken] & int(Mark.END_KNOWN)) > 0]
        end = self.start[only_end]
        above = nearest_above(parent, ~missing)[broken]
        earliest = self._earliest(~missing, only_end)
        self.start[broken] = np.where(above >= 0, self.start[above], earliest[self.trace[broken]])
        self.duration[only_end] = end - self.start[only_end]
        self.marks[only_end] &= ~np.uint16(Mark.END_KNOWN)

    def _earliest(self, known: np.ndarray, only_end: np.ndarray) -> np.ndarray:
        """int64 per trace, the least start; of a trace without one the least end, or 0."""
        none = np.iinfo(np.int64).max
        earliest, ends = np.full((2, len(self.intake.trace_ids)), none)
        np.minimum.at(earliest, self.trace[known], self.start[known])
        np.minimum.at(ends, self.trace[only_end], self.start[only_end])
        earliest = np.where(earliest == none, ends, earliest)
        earliest[earliest == none] = 0
        return earliest

    def _ordered(
        self, kept: np.ndarray | None, parent: np.ndarray, depth: np.ndarray, duplicates: Counter[int]
    ) -> TraceSet:
        def of_kept(column: np.ndarray) -> np.ndarray:
            return column if kept is None else column[kept]

        intake = self.intake
        trace, start = of_kept(self.trace), of_kept(self.start)
        seen = np.bincount(trace, minlength=len(intake.trace_ids)) > 0
        number = np.cumsum(seen) - 1
        trace = number[trace].astype(np.int32)
        trace_count = int(seen.sum())
        position, size, first = preorder(trace, parent, start, trace_count)
        order = np.empty(len(position), np.int64)
        order[position] = np.arange(len(position))
        source = order if kept is None else kept[order]
        moved_parent = parent[order]
        has_parent = moved_parent >= 0
        moved_parent[has_parent] = position[moved_parent[has_parent]]
        where = np.full(len(self.trace), -1, np.int64)
        where[source] = np.arange(len(source))
        orphans = np.flatnonzero(self.marks[source] & Mark.ORPHAN)
        missing = {
            int(i): intake.odd_parent_ids.get(int(source[i])) or f"{int(self.parent_key[source[i]]):016x}"
            for i in orphans
        }
        trace_warnings = {int(number[t]): list(texts) for t, texts in intake.trace_warnings.items() if seen[t]}
        for t, lost in duplicates.items():
            plural = "s" if lost > 1 else ""
            trace_warnings.setdefault(int(number[t]), []).append(f"{lost} exact duplicate span{plural} dropped")
        message = np.zeros(len(self.trace), np.int32)
        texts = [""]
        if intake.status_messages:
            known: dict[str, int] = {"": 0}
            for span, text in intake.status_messages.items():
                message[span] = known.setdefault(text, len(known))
            texts = list(known)
        return TraceSet(
            trace=trace[order],
            parent=moved_parent.astype(np.int32),
            subtree_end=(np.arange(len(order)) + size[order]).astype(np.int32),
            depth=depth[order].astype(np.int32),
            start=start[order],
            duration=self.duration[source],
            order=source,
            key=self.key[source],
            name=self.name[source],
            resource=self.resource[source],
            noted_peer=self.peer[source],
            kind=self.kind[source],
            status=self.status[source],
            error=self.error[source],
            marks=self.marks[source],
            message=message[source],
            raw_at=self.raw_at[source],
            attribute_bytes=self.raw_sizes[0][source],
            event_bytes=self.raw_sizes[1][source],
            link_bytes=self.raw_sizes[2][source],
            first=first,
            names=intake.names.texts.copy(),
            peers=intake.peers.texts.copy(),
            services=intake.services.texts.copy(),
            messages=texts,
            resources=intake.resources.copy(),
            trace_ids=[text for text, has_spans in zip(intake.trace_ids, seen.tolist(), strict=True) if has_spans],
            arena=self.arena,
            odd_ids={int(where[i]): text for i, text in intake.odd_ids.items() if where[i] >= 0},
            missing_parents=missing,
            source_warnings={int(where[i]): texts for i, texts in intake.span_warnings.items() if where[i] >= 0},
            trace_warnings=trace_warnings,
            duplicates={int(number[t]): lost for t, lost in duplicates.items()},
            load_warnings=intake.warnings.copy(),
        )


def _children_of(spans: list[int], parent: np.ndarray) -> dict[int, list[int]]:
    """The children of the named spans alone, without a table of everybody's."""
    if not spans:
        return {}
    children: dict[int, list[int]] = {}
    for child in np.flatnonzero(np.isin(parent, np.array(spans))).tolist():
        children.setdefault(int(parent[child]), []).append(child)
    return children


def _exclusive_sum(sizes: np.ndarray) -> np.ndarray:
    total = np.cumsum(sizes)
    total -= sizes
    return total


_NOTHING = np.zeros(0, np.int32)
_NO_SPANS = Chunk(
    trace=_NOTHING,
    key=_NOTHING.astype(np.uint64),
    parent_key=_NOTHING.astype(np.uint64),
    name=_NOTHING,
    resource=_NOTHING,
    start=_NOTHING.astype(np.int64),
    duration=_NOTHING.astype(np.int64),
    state=_NOTHING,
    peer=_NOTHING,
    attribute_bytes=_NOTHING,
    event_bytes=_NOTHING,
    link_bytes=_NOTHING,
    raw=b"",
)
