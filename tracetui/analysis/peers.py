"""Peers inferred from calls that no span answers: databases, caches, queues and hosts.

If several CLIENT and PRODUCER spans surround one call, the innermost counts as the call. It is named by the outermost
that knows more than an address: a library knows the table, the HTTP client below it only the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tracetui.model.peers import Note, Peer, PeerType, called_peer, read_note, remote_endpoint, service_of_host
from tracetui.model.span import UNKNOWN_SERVICE, Kind
from tracetui.model.span_codec import MergedCodec
from tracetui.model.tables import Numbers
from tracetui.model.traces import TraceSet

_TYPES = tuple(PeerType)
_REMEMBERED = 2_000
_LONGEST_REMEMBERED = 600
_SELDOM = 10
_DATABASES, _NAMES = b"db.", b"peer."


@dataclass(frozen=True, eq=False)
class Callers:
    """Spans that may have made calls, as columns by span."""

    kind: np.ndarray
    owner: np.ndarray
    """int32[n], the service that made the call."""
    wrapper: np.ndarray
    """int32[n], the CLIENT or PRODUCER span around each calling span, if that is a layer of the same call; else -1."""
    outgoing: np.ndarray
    answered: np.ndarray
    """bool[n], calls that a span of another service answers."""
    known: np.ndarray
    """bool[n], spans whose service is known."""


@dataclass(frozen=True, eq=False)
class Peers:
    """Inferred callees and callers. Numbers below the number of services are services, the others index `names`."""

    names: list[str]
    types: tuple[PeerType, ...]
    """For each name the type of most of its calls."""
    called: np.ndarray
    """int32[n], the callee of each span, -1 for none."""
    caller: np.ndarray
    """int32[n], the inferred caller of each root, -1 for none."""
    is_async: np.ndarray
    """bool[n], true for calls that are messages."""


def outgoing_leaves(traces: TraceSet, kind: np.ndarray) -> np.ndarray:
    """bool[n], leaves that are calls by their attributes, not their kind: of unspecified or internal kind with a
    database, or of unspecified kind with a named remote end.
    """
    found = np.zeros(len(traces), bool)
    may_call = (kind == Kind.UNSPECIFIED) | ((kind == Kind.INTERNAL) & (traces.noted_peer != Note.NOTHING))
    candidates = np.flatnonzero(may_call & (traces.attribute_bytes > 0))
    candidates = candidates[traces.subtree_end[candidates] == candidates + 1]
    at, sizes = traces.raw_at[candidates], traces.attribute_bytes[candidates]
    held = traces.span_bytes.holding(_DATABASES, at, sizes)
    unspecified = np.flatnonzero(~held & (kind[candidates] == Kind.UNSPECIFIED))
    held[unspecified] = traces.span_bytes.holding(_NAMES, at[unspecified], sizes[unspecified])
    for span in candidates[held].tolist():
        found[span] = called_peer(int(kind[span]), traces.attributes(span)) is not None
    return found


def find_peers(traces: TraceSet, callers: Callers) -> Peers:
    """Infer callees that have no spans, and callers above roots."""
    numbers = _Numbers(traces)
    called = np.full(len(traces), -1, np.int32)
    types = np.zeros(len(traces), np.int8)
    is_async = np.zeros(len(traces), bool)
    wraps = np.zeros(len(traces), bool)
    wraps[callers.wrapper[callers.outgoing & (callers.wrapper >= 0)]] = True
    calls = callers.outgoing & ~callers.answered & ~wraps & callers.known
    is_noted = calls & (traces.noted_peer >= len(Note)) & (callers.wrapper < 0)
    noted = np.flatnonzero(is_noted)
    _by_note(traces, callers, noted, numbers, called, types)
    is_async[noted] = callers.kind[noted] == Kind.PRODUCER
    _by_attributes(traces, callers, calls & ~is_noted, numbers, called, types, is_async)
    called[called == callers.owner] = -1
    caller = _callers_of_roots(traces, callers, numbers)
    return Peers(numbers.names, _types_of(numbers, called, caller, types, callers), called, caller, is_async)


class _Numbers:
    """Assigns numbers to services and peers by name."""

    def __init__(self, traces: TraceSet) -> None:
        self._traces = traces
        self._peers: dict[str, int] = {}
        self._service_of: dict[str, int | None] = {}
        """Number of the service by host, None for other hosts."""
        self.first = len(traces.services)
        self.names: list[str] = []

    @cached_property
    def _services(self) -> dict[str, int]:
        """Numbers of the services with spans: in a filtered set, calls to others are calls to a peer."""
        traces = self._traces
        present = np.zeros(len(traces.services), bool)
        present[traces.service] = True
        there = np.flatnonzero(present).tolist()
        return {traces.services[number]: number for number in there if traces.services[number] != UNKNOWN_SERVICE}

    @cached_property
    def _hosts(self) -> dict[str, int]:
        """Numbers of the services by name in lower case."""
        hosts: dict[str, int] = {}
        for name, number in self._services.items():
            hosts.setdefault(name.lower(), number)
        return hosts

    def of(self, name: str, host: str) -> int:
        """Return the number of a peer by name; that of a service if the name, or else the host, is one."""
        number = self._services.get(name)
        if number is None and host:
            # or use what another call of that name led to
            if host not in self._service_of:
                self._service_of[host] = service_of_host(host, self._hosts)
            number = self._service_of[host]
        if number is None:
            number = self._peers.get(name)
        if number is None:
            number = self._peers[name] = self.first + len(self.names)
            self.names.append(name)
        return number


def _by_note(
    traces: TraceSet, callers: Callers, noted: np.ndarray, numbers: _Numbers, called: np.ndarray, types: np.ndarray
) -> None:
    """Name the targets of calls by the decoders' notes, with one lookup for each distinct note."""
    note = traces.noted_peer[noted]
    number_of = np.full(len(traces.peers), -1, np.int32)
    type_of = np.full(len(traces.peers), -1, np.int8)
    for one in np.flatnonzero(np.bincount(note, minlength=1)).tolist():
        name, type_, host = read_note(traces.peers[one])
        number_of[one] = numbers.of(name, host)
        type_of[one] = -1 if type_ is None else _TYPES.index(type_)
    called[noted] = number_of[note]
    found = type_of[note]
    # a name alone does not show the type; messages or statements sent there do
    bare = np.flatnonzero((found < 0) & (called[noted] >= numbers.first))
    spans = noted[bare]
    is_queue = callers.kind[spans] == Kind.PRODUCER
    sorts = np.where(is_queue, _TYPES.index(PeerType.QUEUE), _TYPES.index(PeerType.EXTERNAL))
    at, sizes = traces.raw_at[spans], traces.attribute_bytes[spans]
    for i in np.flatnonzero(~is_queue & traces.span_bytes.holding(b"messag", at, sizes)).tolist():
        sorts[i] = _type_index(traces, callers, int(spans[i]))
    # for each name, one call with a statement represents all
    queries = np.flatnonzero(traces.span_bytes.holding(b"sql.query", at, sizes))
    _, first, of_name = np.unique(note[bare][queries], return_index=True, return_inverse=True)
    sorts[queries] = np.array([_type_index(traces, callers, int(spans[queries[i]])) for i in first], sorts.dtype)[
        of_name
    ]
    found[bare] = sorts
    types[noted] = np.maximum(found, 0)


def _type_index(traces: TraceSet, callers: Callers, span: int) -> int:
    peer = called_peer(int(callers.kind[span]), traces.attributes(span))
    return _TYPES.index(PeerType.EXTERNAL if peer is None else peer.type)


def _by_attributes(
    traces: TraceSet,
    callers: Callers,
    calls: np.ndarray,
    numbers: _Numbers,
    called: np.ndarray,
    types: np.ndarray,
    is_async: np.ndarray,
) -> None:
    """Name the targets of other calls, parents before children, so that each can use the target of its wrapper."""
    is_candidate = calls
    if (callers.wrapper[calls] >= 0).any():
        before = np.concatenate(([0], np.cumsum(calls)))
        around = callers.outgoing & ~callers.answered & (before[traces.subtree_end] > before[:-1])
        is_candidate = calls | around
    candidates = np.flatnonzero(is_candidate)
    read = _PeerReader(traces)
    wrapped: dict[int, tuple[Peer | None, Peer | None, bool, bool]] = {}
    spans: list[int] = []
    peers_called: list[int] = []
    sorts: list[int] = []
    messages: list[bool] = []
    columns = (candidates, *(column[candidates] for column in (callers.kind, callers.wrapper, calls)))
    raw = traces.span_bytes.read_each(traces.raw_at[candidates], traces.attribute_bytes[candidates])
    listed = (column.tolist() for column in (*columns, traces.resource[candidates]))
    producer = int(Kind.PRODUCER)
    for span, kind, wrapper, is_call, resource, attributes in zip(*listed, raw, strict=True):
        peer = read(kind, resource, attributes) if attributes else None
        known, host, within, sent = None, None, False, kind == producer
        if wrapper >= 0:
            if callers.answered[wrapper]:
                within = True
            elif wrapper in wrapped:
                known, host, within, message = wrapped[wrapper]
                sent = sent or message
        if peer is not None and peer.is_host:
            host = peer
        elif peer is not None and known is None:
            known = peer
        if not is_call:
            wrapped[span] = known, host, within, sent
            continue
        # without a name it is the transport of the answered call around it
        found = known or (None if within else host)
        if found is not None:
            spans.append(span)
            peers_called.append(numbers.of(found.name, found.host))
            sorts.append(_TYPES.index(found.type))
            messages.append(sent)
    positions = np.array(spans, np.int64)
    called[positions], types[positions], is_async[positions] = peers_called, sorts, messages


class _PeerReader:
    """Reads call targets from attributes, equal attributes only once."""

    def __init__(self, traces: TraceSet) -> None:
        codecs = [resource.codec for resource in traces.resources]
        kinds: list[object] = list(map(type, codecs))
        if MergedCodec in kinds:
            # other codecs have no state
            kinds = [one if isinstance(one, MergedCodec) else type(one) for one in codecs]
        self._codec_of = Numbers(kinds).many(kinds)
        """Number of each resource's codec: with one codec, equal attributes mean the same for any service."""
        self._codecs = list(dict(zip(kinds, codecs, strict=True)).values())
        self._known: dict[tuple[int, int, bytes], Peer | None] = {}
        self._again = 0
        self._longest = _LONGEST_REMEMBERED

    def __call__(self, kind: int, resource: int, raw: bytes) -> Peer | None:
        """Name the target of a call of this kind and resource by its raw attributes."""
        codec = self._codec_of[resource]
        if len(raw) > self._longest:
            return called_peer(kind, self._codecs[codec].attributes(raw))
        key = (codec, kind, raw)
        if key in self._known:
            self._again += 1
            return self._known[key]
        peer = called_peer(kind, self._codecs[codec].attributes(raw))
        if len(self._known) < _REMEMBERED:
            # attributes that repeat do so early
            self._known[key] = peer
        elif self._again < _REMEMBERED // _SELDOM:
            # no repetition so far: skip the lookups
            self._longest = 0
        return peer


def _callers_of_roots(traces: TraceSet, callers: Callers, numbers: _Numbers) -> np.ndarray:
    """Find the inferred callers of roots that name the remote end of their call: int32[n]."""
    found = np.full(len(traces), -1, np.int32)
    roots = np.flatnonzero(traces.parent < 0)
    serving = (callers.kind[roots] == Kind.SERVER) | (callers.kind[roots] == Kind.CONSUMER)
    may_name = (traces.attribute_bytes[roots] > 0) & (traces.noted_peer[roots] != Note.NOTHING)
    roots = roots[serving & callers.known[roots] & may_name]
    roots = roots[traces.span_bytes.holding(_NAMES, traces.raw_at[roots], traces.attribute_bytes[roots])]
    for root in roots.tolist():
        name = remote_endpoint(traces.attributes(root))
        number = None if name is None else numbers.of(name, name)
        if number is not None and number != callers.owner[root]:
            found[root] = number
    return found


def _types_of(
    numbers: _Numbers, called: np.ndarray, caller: np.ndarray, types: np.ndarray, callers: Callers
) -> tuple[PeerType, ...]:
    """Determine the type of each peer by the majority of its calls."""
    shape = len(numbers.names), len(_TYPES)
    spans = np.flatnonzero(called >= numbers.first)
    of_call = (called[spans] - numbers.first) * len(_TYPES) + types[spans]
    counts = np.bincount(of_call, minlength=shape[0] * shape[1]).reshape(shape)
    roots = np.flatnonzero(caller >= numbers.first)
    queue, external = _TYPES.index(PeerType.QUEUE), _TYPES.index(PeerType.EXTERNAL)
    of_root = np.where(callers.kind[roots] == Kind.CONSUMER, queue, external)
    np.add.at(counts, (caller[roots] - numbers.first, of_root), 1)
    return tuple(_TYPES[number] for number in counts.argmax(axis=1).tolist()) if numbers.names else ()
