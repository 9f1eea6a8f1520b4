"""Intake of decoded spans: lists that are converted to numpy columns, some tens of thousands of spans at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tracetui.model.errors import WarningList
from tracetui.model.ids import mix
from tracetui.model.peers import NOTES
from tracetui.model.record_notes import RecordTexts, SourceRuns
from tracetui.model.span import FLAG_SHIFT, Flag, Kind, Status, pack_state
from tracetui.model.span_chunks import CHUNK_SPANS, SPAN_BYTES, ChunkList
from tracetui.model.span_codec import Codec
from tracetui.model.span_rows import SpanRows
from tracetui.model.tables import Interner, ResourceTable, TraceTable

_FEW_ENTRIES = 1_000
"""Number of entries in all tables together below which unused ones are not removed."""


@dataclass(slots=True)
class WithoutSpans:
    """Content of a source that holds no spans."""

    log_lines: int = 0
    """Lines of a log in an envelope."""
    texts: int = 0
    """Lines of text, and JSON values that look like log records, elsewhere."""
    values: int = 0
    """JSON values of an unknown kind, log records among them."""
    first: tuple[str, str] = ("", "")
    """Position and description of the first of them."""
    signals: dict[str, None] = field(default_factory=dict)
    """Other signals of OTLP than traces."""

    def add(self, other: WithoutSpans) -> None:
        """Add what a later part of the source holds."""
        self.log_lines += other.log_lines
        self.texts += other.texts
        self.first = self.first if self.values else other.first
        self.values += other.values
        self.signals |= other.signals


class Intake:
    """Collects the spans of one load, from any number of sources and formats.

    It contains the tables that all share: traces, operation and service names, resources. Spans of one trace are joined
    by trace id, whatever their source.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        """`max_bytes`: memory limit for the columns and raw parts of spans; further spans are only counted."""
        self.max_bytes = max_bytes
        self.dropped_spans = 0
        """Number of spans beyond `max_bytes`, which were dropped."""
        self.rows = SpanRows()
        """Spans since the last flush. A decoder calls `add`, or extends every list and then calls `flush_if_full`."""
        self.chunks = ChunkList()
        self.texts = RecordTexts()
        self.sources = SourceRuns()
        self.names = Interner()
        self.peers = Interner(NOTES)
        self.traces = TraceTable()
        self.resources = ResourceTable()
        self.without_spans: dict[str, WithoutSpans] = {}
        """Content without spans, by the name of the source."""
        self.warnings = WarningList()
        self._entries = 0
        """Number of entries in all tables when unused ones were last removed."""

    def __len__(self) -> int:
        return self.chunks.span_count + len(self.rows)

    def begin_source(self, name: str) -> None:
        """Set the file or server of everything that is added from now on."""
        self.sources.begin(len(self), name)

    def add(
        self,
        *,
        trace: int,
        span_id: str,
        parent_id: str,
        name: str,
        resource: int,
        start_ns: int,
        duration_ns: int,
        kind: Kind = Kind.UNSPECIFIED,
        status: Status = Status.UNSET,
        error: bool = False,
        flags: Flag = Flag.NONE,
        attributes: bytes = b"",
        events: bytes = b"",
        links: bytes = b"",
        status_message: str = "",
        warnings: Sequence[str] = (),
    ) -> None:
        """Add one span. `parent_id` is '' for none; the resource's codec reads the raw parts."""
        if status_message:
            self.texts.status_messages[len(self)] = status_message
        if warnings:
            self.texts.warn(len(self), warnings)
            flags |= Flag.SOURCE_WARNING
        rows = self.rows
        rows.trace.append(trace)
        rows.span_id.append(span_id)
        rows.parent_id.append(parent_id)
        rows.name.append(self.names(name))
        rows.resource.append(resource)
        rows.start_ns.append(start_ns)
        rows.duration_ns.append(duration_ns)
        rows.state.append(pack_state(kind, status, error, flags))
        rows.attributes.append(attributes)
        rows.events.append(events)
        rows.links.append(links)
        rows.peer.append(0)
        self.flush_if_full()

    def discard_incomplete(self) -> None:
        """Drop an incomplete pending row, which a decoder left when it failed between two columns."""
        self.rows.drop_incomplete()
        self.texts.drop_from(len(self))

    def decide(self) -> None:
        """Decide undecided rows by their attributes; `flush` also does this. Raises what a decider raises."""
        self.rows.decide(self.peers)

    def flush_if_full(self) -> None:
        """Flush once there are enough rows for a chunk."""
        if len(self.rows.trace) >= CHUNK_SPANS:
            self.flush()

    def flush(self) -> None:
        """Convert the pending rows to a chunk of columns; drop them if they exceed the memory limit."""
        rows, count = self.rows, len(self.rows)
        if not count:
            return
        if self.remaining_bytes is not None and rows.size > self.remaining_bytes:
            self.dropped_spans += count
            # the dropped rows fit into one chunk, so there is no room for further ones either
            self.max_bytes = 0
            self.rows = SpanRows()
            self.texts.drop_from(len(self))
            return
        self.decide()
        chunk, odd_ids, odd_parent_ids = rows.to_chunk()
        self.texts.add_odd_ids(odd_ids, odd_parent_ids, self.chunks.span_count)
        self.chunks.append(chunk)
        self.rows = SpanRows()

    def is_full(self) -> bool:
        """True if spans were dropped for lack of memory, as all further ones will be."""
        return self.dropped_spans > 0

    @property
    def remaining_bytes(self) -> int | None:
        """Bytes left for further spans; None without a limit."""
        return None if self.max_bytes is None else max(self.max_bytes - self.chunks.size, 0)

    def absorb(self, other: Intake) -> None:
        """Move the content of another intake here, as if added directly. The other must not be used again."""
        self.flush()
        other.flush()
        base = len(self)
        traces = self.traces.absorb(other.traces)
        names = self.names.array(other.names.texts)
        resources = self.resources.absorb(other.resources)
        peers = self.peers.array(other.peers.texts)
        for chunk in other.chunks:
            chunk.trace = traces[chunk.trace]
            chunk.peer = peers[chunk.peer]
            chunk.name = names[chunk.name]
            chunk.resource = resources[chunk.resource]
            self.chunks.append(chunk)
        self.dropped_spans += other.dropped_spans
        self.texts.extend(other.texts, base)
        self.sources.extend(other.sources, base)
        for name, content in other.without_spans.items():
            self.without_spans.setdefault(name, WithoutSpans()).add(content)
        self.warnings.absorb(other.warnings)

    def replace(self, other: Intake) -> bool:
        """Move the content of another intake here, replacing equal spans. The other must not be used again.

        Records of the same trace, id, service, operation, kind and format replace the existing ones, unless there are
        fewer, as a response may have been cut off. So a repeated response is stored once, and records of its spans from
        other sources stay.

        -> True if anything changes
        """
        self.flush()
        other.flush()
        base = len(self)
        warnings = list(self.warnings)
        unnamed = [other.traces.ids[number] for number in other.traces.unnamed]
        # when a search is repeated, spans without an id arrive in the same positions
        other.traces.unnamed.clear()
        self.absorb(other)
        new = np.arange(base, len(self))
        if not len(new):
            return False
        trace = self.chunks.column("trace")
        touched = np.zeros(len(self.traces), bool)
        touched[trace[base:]] = True
        old = np.flatnonzero(touched[trace[:base]])
        positions = np.concatenate((old, new))
        whole = np.zeros(len(self.traces), bool)
        whole[[self.traces(text) for text in unnamed]] = True
        _, same = np.unique(self._identities(positions, whole), return_inverse=True)
        same_old, same_new = same[: len(old)], same[len(old) :]
        counts = np.bincount(same_new, minlength=len(positions)), np.bincount(same_old, minlength=len(positions))
        newer = counts[0] >= counts[1]
        removed, added = old[newer[same_old] & (counts[0][same_old] > 0)], new[newer[same_new]]
        changed = not np.array_equal(np.sort(self._contents(removed)), np.sort(self._contents(added)))
        keep = np.ones(len(self), bool)
        keep[base:] = False
        if changed:
            keep[removed], keep[added] = False, True
        else:
            self.warnings.replace(warnings)
        self._keep(keep)
        return changed

    def _identities(self, positions: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Hash the identities of records: uint64, equal for records of one span in one format, and for all records of a
        trace that is replaced as a whole.

        whole: bool[traces]
        """
        codecs: dict[tuple[int, type[Codec]], int] = {}
        numbers = np.array(
            [codecs.setdefault((one.service, type(one.codec)), len(codecs)) for one in self.resources.entries],
            np.int64,
        )
        trace, key, name, state, resource = (
            self.chunks.column(name)[positions] for name in ("trace", "key", "name", "state", "resource")
        )
        identity = mix([trace, key, numbers[resource], state & 7, name])
        return np.where(whole[trace], mix([trace]), identity)

    def _contents(self, positions: np.ndarray) -> np.ndarray:
        """Hash the contents of records: uint64, equal for records with equal columns."""
        names = ("trace", "key", "parent_key", "start", "duration", "attribute_bytes", "event_bytes", "link_bytes")
        outcome = self.chunks.column("state")[positions] & ((1 << FLAG_SHIFT) - 1)
        return mix([outcome, *(self.chunks.column(name)[positions] for name in names)])

    def keep_within(self, max_bytes: int) -> int:
        """Drop the oldest traces until the columns and raw parts of all spans are within this size.

        -> the number of dropped traces
        """
        self.flush()
        excess = self.chunks.size - max_bytes
        if excess <= 0:
            return 0
        started = np.full(len(self.traces), np.iinfo(np.int64).max)
        sizes = np.zeros(len(self.traces), np.int64)
        for chunk in self.chunks:
            np.minimum.at(started, chunk.trace, chunk.start)
            np.add.at(sizes, chunk.trace, chunk.raw_bytes + SPAN_BYTES)
        oldest = np.argsort(started, kind="stable")
        oldest = oldest[sizes[oldest] > 0]
        dropped = oldest[: int(np.searchsorted(np.cumsum(sizes[oldest]), excess)) + 1]
        self.drop(dropped.tolist())
        return len(dropped)

    def drop(self, traces: Sequence[int]) -> None:
        """Drop the spans and warnings of these traces."""
        self.flush()
        dropped = np.zeros(len(self.traces), bool)
        dropped[list(traces)] = True
        for trace in traces:
            self.traces.warnings.pop(trace, None)
        if len(self):
            self._keep(~dropped[self.chunks.column("trace")])

    @property
    def table_sizes(self) -> dict[str, int]:
        """Return the sizes of the tables that spans refer to."""
        return {
            "traces": self.traces.spelling_count,
            "names": len(self.names),
            "services": len(self.resources.services),
            "peers": len(self.peers),
            "resources": len(self.resources),
        }

    def _keep(self, kept: np.ndarray) -> None:
        """Keep only some records, bool[n]; all must be in chunks. Also drop what only the others refer to."""
        self.chunks.keep(kept)
        self.sources.keep(kept)
        self.texts.keep(kept)
        self._remove_unused()

    def _remove_unused(self) -> None:
        """Remove the traces, names and resources without spans, once they may be half of all.

        Lists are replaced by new ones, as existing sets share the old ones.
        """
        if sum(self.table_sizes.values()) <= 2 * self._entries + _FEW_ENTRIES:
            return
        self.chunks.join_small()
        self.traces.keep(*self.chunks.renumber("trace", len(self.traces)))
        names, _ = self.chunks.renumber("name", len(self.names))
        self.names = Interner(self.names.texts[name] for name in names)
        # notes that name no target have fixed numbers
        peers, _ = self.chunks.renumber("peer", len(self.peers), always=range(len(NOTES)))
        self.peers = Interner(self.peers.texts[peer] for peer in peers)
        resources, _ = self.chunks.renumber("resource", len(self.resources))
        self.resources.keep(resources)
        self._entries = sum(self.table_sizes.values())
