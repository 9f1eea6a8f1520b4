"""Intake of decoded spans: lists that are converted to numpy columns, some tens of thousands of spans at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pickle import PickleBuffer
from typing import Any, Protocol, cast

import numpy as np

from tracetui.model.codec import Codec
from tracetui.model.errors import LoadWarning
from tracetui.model.ids import GOLDEN_RATIO, canonical_trace_id, span_keys
from tracetui.model.peers import NOTES
from tracetui.model.source_runs import SourceRuns
from tracetui.model.span import UNKNOWN_SERVICE, Flag, Kind, Status

CHUNK_SPANS = 1 << 14
MAX_RAW_BYTES = 1 << 26
"""Size above which a span's attributes, events or links are skipped and flagged."""

MAX_START_NS = 1 << 62
"""A time in 2116. With MAX_DURATION_NS, all ends and differences fit into 64 bits."""
MAX_DURATION_NS = 1 << 61

MOST_WARNINGS = 1_000
"""Most warnings about one file that are kept; further ones are counted."""

SPAN_BYTES = 72
"""Approximate size of a span's columns."""
_FEW_CHUNKS = 64
_FEW_ENTRIES = 1_000
"""Number of entries in all tables together below which unused ones are not removed."""

STATUS_SHIFT = 3
ERROR_SHIFT = 5
FLAG_SHIFT = 6
NO_START = Flag.START_REPAIRED << FLAG_SHIFT
"""State of a span without a start."""
NO_DURATION = Flag.NO_DURATION << FLAG_SHIFT
"""State of a span without a duration."""


def pack_state(kind: int, status: int, error: bool, flags: int = 0) -> int:
    """Pack kind, status, error and flags into one integer for `SpanRows.state`."""
    return kind | status << STATUS_SHIFT | error << ERROR_SHIFT | flags << FLAG_SHIFT


@dataclass(frozen=True, slots=True)
class AttributeDecisions:
    """Decisions about spans by their attributes, each distinct one once."""

    kind: np.ndarray
    """int64[spans], index of each span into the other fields."""
    states: np.ndarray
    """int32[kinds], packed states."""
    peers: list[str]
    """Results of `model.peers.noted_peer`."""


class Decider(Protocol):
    """Determines facts about spans by their attributes, for many spans at once."""

    def decide(self, attributes: Sequence[bytes], states: np.ndarray) -> AttributeDecisions:
        """Decide about spans, given their raw attributes and their packed states without those."""


@dataclass(frozen=True, slots=True)
class UndecidedRows:
    """Rows `start` to `stop`, whose state depends on attributes that `decider` has not read yet.

    note: called with each row that the decider flags, and its raw attributes. noted: called after the last.
    """

    start: int
    stop: int
    decider: Decider
    note: Callable[[int, bytes], None]
    noted: Callable[[], None]


@dataclass(slots=True)
class SpanRows:
    """Spans as equally long lists. A decoder either calls `Intake.add` or extends every list itself."""

    trace: list[int] = field(default_factory=list)
    span_id: list[str] = field(default_factory=list)
    parent_id: list[str] = field(default_factory=list)
    name: list[int] = field(default_factory=list)
    resource: list[int] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    duration_ns: list[int] = field(default_factory=list)
    state: list[int] = field(default_factory=list)
    attributes: list[bytes] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    peer: list[int] = field(default_factory=list)
    """Index into `Intake.peers`: a `model.peers.Note`, or the call target if the decoder recognised it."""
    undecided: list[UndecidedRows] = field(default_factory=list)


@dataclass(slots=True)
class Chunk:
    """Spans as columns, in input order; `raw` is their concatenated raw parts."""

    trace: np.ndarray
    key: np.ndarray
    parent_key: np.ndarray
    name: np.ndarray
    resource: np.ndarray
    start: np.ndarray
    duration: np.ndarray
    state: np.ndarray
    attribute_bytes: np.ndarray
    event_bytes: np.ndarray
    link_bytes: np.ndarray
    peer: np.ndarray
    raw: bytes | memoryview

    def __reduce_ex__(self, protocol: object) -> tuple[Callable[..., Chunk], tuple[object, ...]]:
        """Pickle the raw parts out of band, as the columns."""
        columns = [getattr(self, name) for name in self.__slots__]
        return Chunk, (*columns[:-1], PickleBuffer(columns[-1]))

    @classmethod
    def empty(cls) -> Chunk:
        """Return a chunk without spans."""
        column = np.zeros(0, np.int32)
        keys, times = column.astype(np.uint64), column.astype(np.int64)
        return cls(column, keys, keys, column, column, times, times, column, column, column, column, column, b"")

    @classmethod
    def joined(cls, chunks: Sequence[Chunk]) -> Chunk:
        """Concatenate chunks."""
        names = cls.__slots__[:-1]
        columns: list[Any] = [np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names]
        return cls(*[*columns, b"".join(bytes(chunk.raw) for chunk in chunks)])

    def __len__(self) -> int:
        return len(self.trace)

    @property
    def raw_bytes(self) -> np.ndarray:
        """int64[n], size of each span's part of `raw`."""
        total: np.ndarray = self.attribute_bytes.astype(np.int64) + self.event_bytes + self.link_bytes
        return total

    def select(self, keep: np.ndarray) -> Chunk:
        """Select the spans of a mask, bool[n]."""
        if keep.all():
            return self
        columns: list[Any] = [getattr(self, name)[keep] for name in self.__slots__[:-1]]
        raw = np.frombuffer(self.raw, np.uint8)[np.repeat(keep, self.raw_bytes)].tobytes()
        return Chunk(*[*columns, raw])


@dataclass(frozen=True, slots=True)
class Resource:
    """Origin of spans: a service, its attributes, the instrumentation scope, and the codec of the spans' raw parts."""

    service: int
    raw: bytes
    codec: Codec
    scope_name: str = ""
    scope_version: str = ""


class Interner:
    """Bidirectional mapping of texts and small integers, in order of first appearance."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts: list[str] = list(texts)
        self._index = {text: i for i, text in enumerate(self.texts)}

    def __call__(self, text: str) -> int:
        index = self._index.get(text)
        if index is None:
            index = self._index[text] = len(self.texts)
            self.texts.append(text)
        return index

    def many(self, texts: Sequence[str]) -> list[int]:
        """Number many texts, most of which are known already."""
        numbers = list(map(self._index.get, texts))
        if None in numbers:
            return [self(text) for text in texts]
        return cast("list[int]", numbers)

    def __len__(self) -> int:
        return len(self.texts)


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

    def __init__(self, most_bytes: int | None = None) -> None:
        """`most_bytes`: memory limit for the columns and raw parts of spans; further spans are only counted."""
        self.most_bytes = most_bytes
        self.left_out = 0
        """Number of spans beyond `most_bytes`, which were dropped."""
        self.rows = SpanRows()
        self.chunks: list[Chunk] = []
        self.names = Interner()
        self.services = Interner()
        self.peers = Interner(NOTES)
        self.resources: list[Resource] = []
        self.trace_ids: list[str] = []
        self.unnamed: set[int] = set()
        """Numbers of the traces without an id. Their generated ids are unique to this intake."""
        self.odd_ids: dict[int, str] = {}
        self.odd_parent_ids: dict[int, str] = {}
        self.status_messages: dict[int, str] = {}
        self.span_warnings: dict[int, list[str]] = {}
        self.trace_warnings: dict[int, list[str]] = {}
        self.without_spans: dict[str, WithoutSpans] = {}
        """Content without spans, by the name of the source."""
        self._warnings: list[LoadWarning] = []
        self._listed: Counter[str] = Counter()
        self._unlisted: Counter[str] = Counter()
        """Numbers of listed warnings and of further ones, by file."""
        self.sources = SourceRuns()
        self._flushed = 0
        self._entries = 0
        """Number of entries in all tables when unused ones were last removed."""
        self._traces: dict[str, int] = {}
        self._resources: dict[tuple[str, bytes, type[Codec], str, str], int] = {}

    def __len__(self) -> int:
        return self._flushed + len(self.rows.trace)

    def begin_source(self, name: str) -> None:
        """Set the file or server of everything that is added from now on."""
        self.sources.begin(len(self), name)

    def trace(self, trace_id: str) -> int:
        """Return the index of a trace by any spelling of its id. The longest spelling is shown; of equally long ones
        the alphabetically first, whatever the order of input.
        """
        index = self._traces.get(trace_id)
        if index is None:
            canonical = canonical_trace_id(trace_id)
            index = self._traces.get(canonical)
            if index is None:
                index = self._traces[canonical] = len(self.trace_ids)
                self.trace_ids.append(trace_id)
            elif (-len(trace_id), trace_id) < (-len(self.trace_ids[index]), self.trace_ids[index]):
                self.trace_ids[index] = trace_id
            self._traces[trace_id] = index
        return index

    def unnamed_trace(self) -> int:
        """Return the index of another trace without an id."""
        number = len(self.trace_ids) + 1
        # some earlier ones may have been removed
        while f"no-trace-id-{number}" in self._traces:
            number += 1
        index = self.trace(f"no-trace-id-{number}")
        self.unnamed.add(index)
        return index

    def resource(self, service: str, raw: bytes, codec: Codec, scope_name: str = "", scope_version: str = "") -> int:
        """Return the index of a resource; equal ones share it. An empty service becomes `unknown_service`."""
        # codecs have no state, so one from another process is equivalent
        key = (service, raw, type(codec), scope_name, scope_version)
        index = self._resources.get(key)
        if index is None:
            index = self._resources[key] = len(self.resources)
            name = self.services(service or UNKNOWN_SERVICE)
            self.resources.append(Resource(name, raw, codec, scope_name, scope_version))
        return index

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
            self.status_messages[len(self)] = status_message
        if warnings:
            self.warn_span(len(self), warnings)
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
        if len(rows.trace) >= CHUNK_SPANS:
            self.flush()

    def absorb(self, other: Intake) -> None:
        """Move the content of another intake here, as if added directly. The other must not be used again."""
        self.flush()
        other.flush()
        base = self._flushed
        numbers = [
            self.unnamed_trace() if number in other.unnamed else self.trace(text)
            for number, text in enumerate(other.trace_ids)
        ]
        traces = np.array(numbers, np.int32)
        names = np.array([self.names(text) for text in other.names.texts], np.int32)
        resources = np.array(
            [
                self.resource(other.services.texts[r.service], r.raw, r.codec, r.scope_name, r.scope_version)
                for r in other.resources
            ],
            np.int32,
        )
        peers = np.array([self.peers(text) for text in other.peers.texts], np.int32)
        for chunk in other.chunks:
            chunk.trace = traces[chunk.trace]
            chunk.peer = peers[chunk.peer]
            chunk.name = names[chunk.name]
            chunk.resource = resources[chunk.resource]
            self.chunks.append(chunk)
        self._flushed += len(other)
        self.left_out += other.left_out
        self.odd_ids.update((base + i, text) for i, text in other.odd_ids.items())
        self.odd_parent_ids.update((base + i, text) for i, text in other.odd_parent_ids.items())
        self.status_messages.update((base + i, text) for i, text in other.status_messages.items())
        self.span_warnings.update((base + i, texts) for i, texts in other.span_warnings.items())
        for trace, texts in other.trace_warnings.items():
            self.warn_trace(int(traces[trace]), texts)
        for name, content in other.without_spans.items():
            self.without_spans.setdefault(name, WithoutSpans()).add(content)
        for warning in other.warnings:
            self.warn(warning.file, warning.position, warning.message)
        self._unlisted += other._unlisted
        self.sources.extend(other.sources, base)

    def replace(self, other: Intake) -> bool:
        """Move the content of another intake here, replacing equal spans. The other must not be used again.

        Records of the same trace, id, service, operation, kind and format replace the existing ones, unless there are
        fewer, as a response may have been cut off. So a repeated response is stored once, and records of its spans from
        other sources stay.

        -> whether anything changes
        """
        self.flush()
        other.flush()
        base = self._flushed
        warnings = list(self.warnings)
        unnamed = [other.trace_ids[number] for number in other.unnamed]
        # when a search is repeated, spans without an id arrive in the same positions
        other.unnamed.clear()
        self.absorb(other)
        new = np.arange(base, self._flushed)
        if not len(new):
            return False
        trace = self._column("trace")
        touched = np.zeros(len(self.trace_ids), bool)
        touched[trace[base:]] = True
        old = np.flatnonzero(touched[trace[:base]])
        positions = np.concatenate((old, new))
        whole = np.zeros(len(self.trace_ids), bool)
        whole[[self.trace(text) for text in unnamed]] = True
        _, same = np.unique(self._identities(positions, whole), return_inverse=True)
        same_old, same_new = same[: len(old)], same[len(old) :]
        counts = np.bincount(same_new, minlength=len(positions)), np.bincount(same_old, minlength=len(positions))
        newer = counts[0] >= counts[1]
        removed, added = old[newer[same_old] & (counts[0][same_old] > 0)], new[newer[same_new]]
        changed = not np.array_equal(np.sort(self._contents(removed)), np.sort(self._contents(added)))
        keep = np.ones(self._flushed, bool)
        keep[base:] = False
        if changed:
            keep[removed], keep[added] = False, True
        else:
            self.warnings = warnings
        self._keep(keep)
        self._forget_unused()
        return changed

    def _column(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(chunk, name) for chunk in self.chunks])

    def _identities(self, positions: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Hash the identities of records: uint64, equal for records of one span in one format, and for all records of a
        trace that is replaced as a whole.

        whole: bool[traces]
        """
        made_by: dict[tuple[int, type[Codec]], int] = {}
        numbers = np.array(
            [made_by.setdefault((one.service, type(one.codec)), len(made_by)) for one in self.resources], np.int64
        )
        trace = self._column("trace")[positions]
        kind = self._column("state")[positions] & 7
        columns = (self._column("key")[positions], numbers[self._column("resource")[positions]], kind)
        identity = mix([trace, *columns, self._column("name")[positions]])
        return np.where(whole[trace], mix([trace]), identity)

    def _contents(self, positions: np.ndarray) -> np.ndarray:
        """Hash the contents of records: uint64, equal for records with equal columns."""
        names = ("trace", "key", "parent_key", "start", "duration", "attribute_bytes", "event_bytes", "link_bytes")
        outcome = self._column("state")[positions] & ((1 << FLAG_SHIFT) - 1)
        return mix([outcome, *(self._column(name)[positions] for name in names)])

    def traces_behind(self, position: int) -> int:
        """Count the traces of the spans from a position on."""
        self.flush()
        behind = [chunk.trace for chunk in self.chunks]
        found = np.concatenate([np.zeros(0, np.int64), *behind])[position:]
        return len(np.unique(found))

    def is_full(self) -> bool:
        """True if spans were dropped for lack of memory, as all further ones will be."""
        return self.left_out > 0

    @property
    def room(self) -> int | None:
        """Remaining bytes for spans; None without a limit."""
        if self.most_bytes is None:
            return None
        return max(self.most_bytes - self.raw_bytes - SPAN_BYTES * self._flushed, 0)

    @property
    def raw_bytes(self) -> int:
        """Size of the raw parts of all spans except those not flushed yet."""
        return sum(len(chunk.raw) for chunk in self.chunks)

    def keep_within(self, most_bytes: int) -> int:
        """Drop the oldest traces until the columns and raw parts of all spans are within this size.

        -> the number of dropped traces
        """
        self.flush()
        too_much = self.raw_bytes + SPAN_BYTES * self._flushed - most_bytes
        if too_much <= 0:
            return 0
        started = np.full(len(self.trace_ids), np.iinfo(np.int64).max)
        sizes = np.zeros(len(self.trace_ids), np.int64)
        for chunk in self.chunks:
            np.minimum.at(started, chunk.trace, chunk.start)
            np.add.at(sizes, chunk.trace, chunk.raw_bytes + SPAN_BYTES)
        oldest = np.argsort(started, kind="stable")
        oldest = oldest[sizes[oldest] > 0]
        dropped = oldest[: int(np.searchsorted(np.cumsum(sizes[oldest]), too_much)) + 1]
        self.drop(dropped.tolist())
        return len(dropped)

    def drop(self, traces: Sequence[int]) -> None:
        """Drop the spans and warnings of these traces."""
        self.flush()
        dropped = np.zeros(len(self.trace_ids), bool)
        dropped[list(traces)] = True
        if self.chunks:
            self._keep(~dropped[self._column("trace")])
        for trace in traces:
            self.trace_warnings.pop(trace, None)
        self._forget_unused()

    @property
    def table_sizes(self) -> dict[str, int]:
        """Return the sizes of the tables that spans refer to."""
        return {
            "trace_ids": len(self._traces),
            "names": len(self.names),
            "services": len(self.services),
            "peers": len(self.peers),
            "resources": len(self.resources),
        }

    def _forget_unused(self) -> None:
        """Remove the traces, names and resources without spans, once they may be half of all.

        All spans must be in chunks. The tables are replaced by new ones, as existing sets share the old ones.
        """
        if sum(self.table_sizes.values()) <= 2 * self._entries + _FEW_ENTRIES:
            return
        self._join_chunks()
        traces, moved = self._in_use("trace", len(self.trace_ids))
        self.trace_ids = [self.trace_ids[trace] for trace in traces]
        self.unnamed = {int(moved[trace]) for trace in self.unnamed if moved[trace] >= 0}
        self.trace_warnings = {int(moved[at]): texts for at, texts in self.trace_warnings.items() if moved[at] >= 0}
        self._traces = {}
        for at, text in enumerate(self.trace_ids):
            self._traces[canonical_trace_id(text)] = self._traces[text] = at
        names, _ = self._in_use("name", len(self.names))
        self.names = Interner(self.names.texts[name] for name in names)
        # notes that name no target have fixed numbers
        peers, _ = self._in_use("peer", len(self.peers), always=range(len(NOTES)))
        self.peers = Interner(self.peers.texts[peer] for peer in peers)
        resources, _ = self._in_use("resource", len(self.resources))
        made_by, services = [self.resources[at] for at in resources], self.services.texts
        self.services = Interner()
        self.resources = [replace(one, service=self.services(services[one.service])) for one in made_by]
        self._resources = {
            (services[one.service], one.raw, type(one.codec), one.scope_name, one.scope_version): at
            for at, one in enumerate(made_by)
        }
        self._entries = sum(self.table_sizes.values())

    def _in_use(self, column: str, size: int, always: Sequence[int] = ()) -> tuple[list[int], np.ndarray]:
        """Renumber the entries of a table that are in use, keeping their order.

        -> old numbers of the entries that stay; int32[size], the new number of each entry, -1 for removed ones
        """
        used = np.zeros(size, bool)
        used[list(always)] = True
        for chunk in self.chunks:
            used[getattr(chunk, column)] = True
        moved = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
        for chunk in self.chunks:
            setattr(chunk, column, moved[getattr(chunk, column)])
        return np.flatnonzero(used).tolist(), moved

    def _join_chunks(self) -> None:
        """Join small chunks, as there may be many responses with few spans."""
        if len(self.chunks) <= _FEW_CHUNKS or self._flushed > len(self.chunks) * CHUNK_SPANS // 4:
            return
        joined: list[list[Chunk]] = [[]]
        for chunk in self.chunks:
            if sum(map(len, joined[-1])) + len(chunk) > CHUNK_SPANS:
                joined.append([])
            joined[-1].append(chunk)
        self.chunks = [Chunk.joined(some) for some in joined if some]

    def _keep(self, keep: np.ndarray) -> None:
        """Remove all records but these, bool[n]. All must be in chunks."""
        moved = np.cumsum(keep) - 1
        at = 0
        left = []
        for chunk in self.chunks:
            left.append(chunk.select(keep[at : at + len(chunk)]))
            at += len(chunk)
        self.chunks = [chunk for chunk in left if len(chunk)]
        self._flushed = int(keep.sum())
        self.sources.keep(keep)
        for texts in (self.odd_ids, self.odd_parent_ids, self.status_messages, self.span_warnings):
            kept: dict[int, Any] = {int(moved[at]): text for at, text in texts.items() if keep[at]}
            texts.clear()
            texts.update(kept)

    def warn_span(self, position: int, warnings: Sequence[str]) -> None:
        """Record warnings of the source on the span at this position, each once."""
        self.span_warnings[position] = list(dict.fromkeys(warnings))

    def warn_trace(self, trace: int, warnings: Sequence[str]) -> None:
        """Record warnings of the source on a trace."""
        kept = self.trace_warnings.setdefault(trace, [])
        kept.extend(text for text in dict.fromkeys(warnings) if text not in kept)

    def warn(self, file: str, position: str, message: str) -> None:
        """Record a warning about the input itself; beyond `MOST_WARNINGS` about one file, only count it."""
        if self._listed[file] < MOST_WARNINGS:
            self._listed[file] += 1
            self._warnings.append(LoadWarning(file, position, message))
        else:
            self._unlisted[file] += 1

    @property
    def warnings(self) -> Sequence[LoadWarning]:
        """Return the warnings about the input in order, for each file up to `MOST_WARNINGS`."""
        return self._warnings

    @warnings.setter
    def warnings(self, warnings: Iterable[LoadWarning]) -> None:
        self._warnings = list(warnings)
        self._listed = Counter(warning.file for warning in self._warnings)
        self._unlisted.clear()

    def pop_warnings(self, first: int) -> tuple[list[LoadWarning], int]:
        """Remove all warnings after the `first` ones. -> these, and the number of further unlisted ones"""
        taken, unlisted = self._warnings[first:], self._unlisted.total()
        del self._warnings[first:]
        self._listed.subtract(warning.file for warning in taken)
        self._unlisted.clear()
        return taken, unlisted

    def flush(self) -> None:
        """Convert the pending rows to a chunk of columns, as far as there is memory."""
        rows = self.rows
        count = len(rows.trace)
        if not count:
            return
        room = self.room
        if room is not None and _size(rows) > room:
            self.left_out += count
            # the dropped rows fit into one chunk, so there is no room for further ones either
            self.most_bytes = 0
            self.rows = SpanRows()
            self._drop_texts()
            return
        self.decide()
        keys, odd = span_keys(rows.span_id)
        parent_keys, odd_parents = span_keys(rows.parent_id)
        self.odd_ids.update((self._flushed + i, text) for i, text in odd.items())
        self.odd_parent_ids.update((self._flushed + i, text) for i, text in odd_parents.items())
        state = np.array(rows.state, np.int32)
        parts = (rows.attributes, rows.events, rows.links)
        sizes = [_sizes(part) for part in parts]
        for part, size in zip(parts, sizes, strict=True):
            for i in np.flatnonzero(size > MAX_RAW_BYTES).tolist():
                part[i] = b""
                size[i] = 0
                state[i] |= int(Flag.SHORTENED) << FLAG_SHIFT
        start, late = _int64(rows.start_ns, MAX_START_NS)
        duration, long = _int64(rows.duration_ns, MAX_DURATION_NS)
        state[late | long] |= int(Flag.OUT_OF_RANGE) << FLAG_SHIFT
        self.chunks.append(
            Chunk(
                trace=np.array(rows.trace, np.int32),
                key=keys,
                parent_key=parent_keys,
                name=np.array(rows.name, np.int32),
                resource=np.array(rows.resource, np.int32),
                start=start,
                duration=duration,
                state=state,
                attribute_bytes=sizes[0].astype(np.int32),
                event_bytes=sizes[1].astype(np.int32),
                link_bytes=sizes[2].astype(np.int32),
                peer=np.array(rows.peer, np.int32),
                raw=b"".join(_interleaved(*parts)),
            )
        )
        self._flushed += count
        self.rows = SpanRows()

    def discard_incomplete(self) -> None:
        """Drop an incomplete pending row, which a decoder left when it failed between two columns."""
        rows = self.rows
        columns = [getattr(rows, name) for name in rows.__slots__ if name != "undecided"]
        whole = min(map(len, columns))
        for column in columns:
            del column[whole:]
        rows.undecided = [some for some in rows.undecided if some.stop <= whole]
        self._drop_texts()

    def _drop_texts(self) -> None:
        """Drop the texts of removed spans."""
        for texts in (self.status_messages, self.span_warnings):
            for position in [position for position in texts if position >= len(self)]:
                del texts[position]

    def decide(self) -> None:
        """Decide undecided rows by their attributes; `flush` also does this.

        Afterwards warnings are issued. An exception of a decider is raised after all others have decided, and costs
        only the decision about its row.
        """
        undecided, self.rows.undecided = self.rows.undecided, []
        failed: Exception | None = None
        for part in _in_pieces(undecided):
            try:
                self._decide(part)
            except Exception:
                for row in range(part[0].start, part[-1].stop):
                    try:
                        self._decide([replace(part[0], start=row, stop=row + 1)])
                    except Exception as error:
                        failed = error
        if failed is not None:
            raise failed

    def _decide(self, part: list[UndecidedRows]) -> None:
        rows = self.rows
        at = slice(part[0].start, part[-1].stop)
        state = np.array(rows.state[at], np.int32)
        decided = part[0].decider.decide(rows.attributes[at], state)
        found = decided.states[decided.kind]
        rows.state[at] = (state | found & ((1 << FLAG_SHIFT) - 1)).tolist()
        rows.peer[at] = np.array(self.peers.many(decided.peers), np.int32)[decided.kind].tolist()
        marked = np.flatnonzero(found >> FLAG_SHIFT) + at.start
        for some in part if len(marked) else ():
            for row in marked[(marked >= some.start) & (marked < some.stop)].tolist():
                some.note(row, rows.attributes[row])
            some.noted()


def _in_pieces(undecided: list[UndecidedRows]) -> Iterator[list[UndecidedRows]]:
    """Join neighbours with the same decider, up to the size of a chunk."""
    piece: list[UndecidedRows] = []
    for whole in undecided:
        for start in range(whole.start, whole.stop, CHUNK_SPANS):
            some = replace(whole, start=start, stop=min(start + CHUNK_SPANS, whole.stop))
            if piece:
                follows = piece[-1].stop == some.start and piece[-1].decider is some.decider
                if not follows or some.stop - piece[0].start > CHUNK_SPANS:
                    yield piece
                    piece = []
            piece.append(some)
    if piece:
        yield piece


def mix(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Hash columns (int[n], at least one): uint64[n], equal if all columns are, and almost never otherwise."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed ^= column.astype(np.uint64)
        mixed *= GOLDEN_RATIO
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _size(rows: SpanRows) -> int:
    """Compute the size of the columns and raw parts of rows in bytes."""
    raw = sum(sum(map(len, part)) for part in (rows.attributes, rows.events, rows.links))
    return raw + SPAN_BYTES * len(rows.trace)


def _sizes(parts: list[bytes]) -> np.ndarray:
    return np.fromiter(map(len, parts), np.int64, len(parts)) if any(parts) else np.zeros(len(parts), np.int64)


def _interleaved(attributes: list[bytes], events: list[bytes], links: list[bytes]) -> list[bytes]:
    if not any(events) and not any(links):
        return attributes
    parts = [b""] * (3 * len(attributes))
    parts[0::3] = attributes
    parts[1::3] = events
    parts[2::3] = links
    return parts


def _int64(values: list[int], limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip values to +-limit. -> int64[n]; which values were clipped"""
    try:
        column = np.array(values, np.int64)
    except OverflowError:
        exact = np.array(values, object)
        beyond = np.array([abs(value) > limit for value in values], bool)
        exact[beyond] = [limit if value > 0 else -limit for value in exact[beyond]]
        return exact.astype(np.int64), beyond
    beyond = (column > limit) | (column < -limit)
    return np.clip(column, -limit, limit), beyond
