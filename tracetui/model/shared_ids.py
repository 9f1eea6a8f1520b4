"""Spans that share trace and span id: halves of a call, or different spans.

A CLIENT and a SERVER span with one id are the halves of a call, as in Zipkin, and so are a PRODUCER and a CONSUMER.
Other spans with one id all stay and are flagged, and children attach to the first.
"""

from __future__ import annotations

import numpy as np

from tracetui.model.records import Records
from tracetui.model.span import Flag, Kind
from tracetui.model.span_index import SpanIndex

_CALLED_KIND = {Kind.CLIENT: Kind.SERVER, Kind.PRODUCER: Kind.CONSUMER}
_CALLED_KIND_BY_NUMBER = np.zeros(len(Kind), np.int64)
_CALLED_KIND_BY_NUMBER[list(_CALLED_KIND)] = list(_CALLED_KIND.values())


def join_halves(records: Records, index: SpanIndex, parent: np.ndarray) -> None:
    """Assign parents to the halves of calls and the spans below them, and flag different spans with one id.

    parent: int64[n], changed in place; for children of spans with one id it is the first of these in the input.
    """
    named = records.key[index.shared] != 0
    members, group = index.shared[named], index.group[named]
    if not len(members):
        return
    leads = np.concatenate(([True], group[1:] != group[:-1]))
    first = np.flatnonzero(leads)
    sizes = np.diff(np.append(first, len(group)))
    _Halves(records, parent).join(members, first, sizes)


class _Halves:
    """Matches the spans that share an id, and assigns parents."""

    def __init__(self, records: Records, parent: np.ndarray) -> None:
        self.records = records
        self.parent = parent
        services = [text.lower() for text in records.service_names]
        numbers = {text: number for number, text in enumerate(dict.fromkeys(services))}
        self.service = np.array([numbers[text] for text in services], np.int64)[records.service_column()]

    def join(self, members: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> None:
        """Join groups of spans that share an id: `members` from `first[i]` on, `sizes[i]` of them."""
        records, parent = self.records, self.parent
        kind = records.kind.astype(np.int64)
        some, others = members[first], members[np.minimum(first + 1, len(members) - 1)]
        forwards = (sizes == 2) & (_CALLED_KIND_BY_NUMBER[kind[some]] == kind[others])
        backwards = (sizes == 2) & (_CALLED_KIND_BY_NUMBER[kind[others]] == kind[some])
        forwards &= kind[others] != 0
        backwards &= kind[some] != 0
        is_call = forwards | backwards
        callers = np.where(forwards, some, others)[is_call]
        called = np.where(forwards, others, some)[is_call]
        self._attach(some[is_call], callers, called)
        rest = np.flatnonzero(~is_call)
        groups = [members[low : low + size].tolist() for low, size in zip(first[rest], sizes[rest], strict=True)]
        children = _children_of([group[0] for group in groups], parent)
        halves = dict(zip(called.tolist(), callers.tolist(), strict=True))
        for group in groups:
            halves.update(self._match_halves(group, children.get(group[0], [])))
        # last, as both halves have the same parent id, so that a half may be among another's children
        ends = np.fromiter(halves, np.int64, len(halves))
        parent[ends] = np.fromiter(halves.values(), np.int64, len(halves))
        records.flags[ends] |= np.uint16(Flag.SHARED)
        records.flags[ends] &= ~np.uint16(Flag.FOLLOWS_FROM)

    def _attach(self, found: np.ndarray, callers: np.ndarray, called: np.ndarray) -> None:
        """Attach the children of calls, found below either half, to the right half."""
        if not len(found):
            return
        call = np.full(len(self.parent) + 1, -1)
        call[found] = np.arange(len(found))
        child = np.flatnonzero(call[self.parent] >= 0)
        call_of = call[self.parent[child]]
        service, own, other = self.service[child], self.service[callers[call_of]], self.service[called[call_of]]
        self.parent[child] = np.where((service == own) & (service != other), callers[call_of], called[call_of])

    def _match_halves(self, group: list[int], children: list[int]) -> dict[int, int]:
        """Match spans that share one id. -> the called halves, each with its calling half"""
        records, parent = self.records, self.parent
        group = sorted(group, key=self._order)
        halves: dict[int, int] = {}
        for caller_kind, called_kind in _CALLED_KIND.items():
            called = [span for span in group if self._is_called(span, called_kind)]
            callers = [span for span in group if records.kind[span] == caller_kind]
            if called and not callers and any(records.flags[span] & Flag.SHARED for span in called):
                # the source states that it shares the id of another span, whose kind is unknown
                callers = [span for span in group if records.kind[span] in (Kind.UNSPECIFIED, Kind.INTERNAL)]
                callers = [span for span in callers if span not in called]
            if callers:
                halves.update(dict.fromkeys(called, callers[0]))
        differing = [span for span in group if span not in halves]
        if len(differing) > 1:
            records.flags[differing] |= np.uint16(Flag.SAME_ID)
        above = differing[0]
        below = [span for span in group if halves.get(span) == above]
        by_service: dict[int, int] = {}
        for span in below:
            by_service.setdefault(int(self.service[span]), span)
        for child in children:
            service = int(self.service[child])
            if service in by_service:
                parent[child] = by_service[service]
            elif not below or service == self.service[above]:
                parent[child] = above
            else:
                parent[child] = below[0]
        return halves

    def _is_called(self, span: int, kind: Kind) -> bool:
        records = self.records
        if records.kind[span] == Kind.UNSPECIFIED and records.flags[span] & Flag.SHARED:
            return kind == Kind.SERVER
        return bool(records.kind[span] == kind)

    def _order(self, span: int) -> tuple[object, ...]:
        """Sort key: earliest first, ties broken by content only."""
        records = self.records
        missing = bool(records.flags[span] & Flag.START_REPAIRED)
        names = records.operation_names
        service = records.resources[int(records.resource[span])].service
        texts = (records.service_names[service], names[int(records.name[span])])
        return missing, int(records.start[span]), int(records.kind[span]), -int(records.duration[span]), *texts


def _children_of(spans: list[int], parent: np.ndarray) -> dict[int, list[int]]:
    """Find the children of these spans, without building a table of all children."""
    if not spans:
        return {}
    children: dict[int, list[int]] = {}
    for child in np.flatnonzero(np.isin(parent, np.array(spans))).tolist():
        children.setdefault(int(parent[child]), []).append(child)
    return children
