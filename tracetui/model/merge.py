"""Merging of duplicate records: records with the same trace and span id that may belong to one span.

A span has several records if it is in several files or servers, or was sent in pieces, or both at its start and its
end. Records belong to one span if service and operation are equal (ignoring case, as Zipkin has lower case only; an
empty one equals any), the kinds are equal or one is missing, and the starts differ only by rounding: by 1 µs, or by
less than 1 ms if either is a whole millisecond. A record without an end may have begun at any time. One without any
time, such as an address or a late tag, only needs the same service.

The result does not depend on the order of the records, except for the spelling of ids.
"""

from __future__ import annotations

import numpy as np

from tracetui.model.ids import mix
from tracetui.model.record_groups import RecordFacts, split
from tracetui.model.records import NEVER, Records, spelled_with_capitals
from tracetui.model.span import Flag
from tracetui.model.span_bytes import SpanBytes
from tracetui.model.span_codec import MergedCodec, merge_codecs
from tracetui.model.span_index import SpanIndex
from tracetui.model.tables import Resource

_COMPARED = (
    "parent_key start duration kind status error name resource message attribute_bytes event_bytes link_bytes"
).split()
_COMBINED_FLAGS = int(Flag.SOURCE_WARNING | Flag.SHORTENED | Flag.SHARED)
"""Flags that a span has if any of its records has them; all others come from the leader."""
_FOLLOWS_FROM = np.uint16(Flag.FOLLOWS_FROM)


def merge(records: Records, index: SpanIndex) -> np.ndarray | None:
    """Merge the records of each span into one, at the position of the first.

    The columns of the remaining records are changed.
    -> int64[n], the record that each was merged into, itself for those that stay; None if all stay
    """
    named = records.key[index.shared] != 0
    members, group = index.shared[named], index.group[named]
    if not len(members):
        return None
    into = np.arange(len(records))
    members, group = _without_repeats(records, members, group, into)
    if len(members):
        members, cluster = split(RecordFacts(records, members), group)
        if len(members):
            _Merger(records, members, cluster).write(into)
            # the target of a repeat may itself have been merged
            into = into[into]
    return into if (into != np.arange(len(records))).any() else None


def _without_repeats(
    records: Records, members: np.ndarray, group: np.ndarray, into: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Merge equal records into the first of them. -> the members of groups with more than one left

    This handles files that are read twice.
    """
    mixed = mix([getattr(records, name)[members] for name in _COMPARED])
    order = np.lexsort((members, mixed, group))
    head = np.ones(len(order), bool)
    head[1:] = (group[order[1:]] != group[order[:-1]]) | (mixed[order[1:]] != mixed[order[:-1]])
    first = np.empty(len(members), np.int64)
    first[order] = members[order[np.flatnonzero(head)[np.cumsum(head) - 1]]]
    same = np.flatnonzero(members != first)
    for name in _COMPARED:
        column = getattr(records, name)
        same = same[column[members[same]] == column[first[same]]]
    other_flags = records.flags & ~np.uint16(Flag.SOURCE_WARNING)
    same = same[other_flags[members[same]] == other_flags[first[same]]]
    same = same[_equal_raw(records, members[same], first[same])]
    into[members[same]] = first[same]
    warned = same[(records.flags[members[same]] & int(Flag.SOURCE_WARNING)) > 0]
    records.flags[first[warned]] |= np.uint16(Flag.SOURCE_WARNING)
    left = np.ones(len(members), bool)
    left[same] = False
    members, group = members[left], group[left]
    sizes = np.bincount(group)
    several = sizes[group] > 1
    return members[several], group[several]


def _equal_raw(records: Records, one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare the raw parts of pairs of records that have parts of equal sizes: bool[k]."""
    pieces = records.pieces
    bases = np.array(records.span_bytes.starts, np.int64)
    positions = []
    for side in (one, others):
        at = records.raw_at[side]
        piece = np.searchsorted(bases, at, "right") - 1
        positions += [piece.tolist(), (at - bases[piece]).tolist()]
    columns = (records.attribute_bytes, records.event_bytes, records.link_bytes)
    sizes = sum(column[one].astype(np.int64) for column in columns)
    return np.array(
        [
            not size or bytes(pieces[i][at : at + size]) == bytes(pieces[j][other_at : other_at + size])
            for i, at, j, other_at, size in zip(*positions, np.asarray(sizes).tolist(), strict=True)
        ],
        bool,
    )


class _Merger:
    """Merges groups of records, each of one span.

    record: int64[m], cluster by cluster; cluster: int64[m], ascending.
    """

    def __init__(self, records: Records, record: np.ndarray, cluster: np.ndarray) -> None:
        self.records = records
        self.resources: dict[tuple[int, tuple[int, ...]], int] = {}
        leads = np.concatenate(([True], cluster[1:] != cluster[:-1]))
        self.first = np.flatnonzero(leads)
        self.cluster = np.cumsum(leads) - 1
        """int64[m], number of each record's cluster."""
        self.record = record
        self.replaced = np.minimum.reduceat(record, self.first)
        """Record whose position the merged span takes, for each cluster."""
        self.earliest = np.minimum.reduceat(
            np.where(self._flagged(Flag.START_REPAIRED), NEVER, records.start[record]), self.first
        )
        self.record = record[self._order()]
        self.leader = self.record[self.first]

    def write(self, into: np.ndarray) -> None:
        """Write the merged clusters to their records."""
        records, replaced, leader = self.records, self.replaced, self.leader
        records.copy_columns(
            "parent_key name resource peer attribute_bytes event_bytes link_bytes raw_at id_from parent_id_from"
        )
        times, (parents, follows) = self._times(), self._parents()
        times["flags"] = np.where(follows, times["flags"] | _FOLLOWS_FROM, times["flags"] & ~_FOLLOWS_FROM)
        found = {
            **times,
            **parents,
            **self._outcome(),
            "kind": records.kind[self._best(records.kind[self.record] > 0)],
            "name": records.name[self._name_records()],
            "id_from": records.id_from[leader],
            **self._raw(self._services()),
        }
        for name, column in found.items():
            getattr(records, name)[replaced] = column
        into[self.record] = replaced[self.cluster]

    def _flagged(self, flag: Flag) -> np.ndarray:
        flagged: np.ndarray = (self.records.flags[self.record] & int(flag)) > 0
        return flagged

    def _order(self) -> np.ndarray:
        """Order the records so that the leader of each cluster comes first: int64[m].

        A record with an end is preferred, then the longer, then the more detailed. Of records whose
        durations differ only by rounding, the one with finer times comes first, as its start agrees with those of spans
        above and below it.
        """
        records, record = self.records, self.record
        no_end = self._flagged(Flag.NO_DURATION)
        start, duration = records.start[record], records.duration[record].copy()
        only_end = self._flagged(Flag.END_KNOWN) & (self.earliest[self.cluster] < NEVER)
        duration[only_end] = start[only_end] - self.earliest[self.cluster][only_end]
        longest = np.maximum.reduceat(np.where(no_end, -1, duration), self.first)[self.cluster]
        tolerance = np.where((duration % 1_000_000 == 0) | (longest % 1_000_000 == 0), 999_999, 1_000)
        shorter = no_end | (longest - duration > tolerance)
        coarse = np.zeros(len(record), np.int8)
        for unit in (1_000, 1_000_000):
            coarse += start % unit == 0
            coarse += duration % unit == 0
        keys = (coarse, -duration, np.where(shorter, 0, coarse), shorter, no_end, self.cluster)
        order = np.lexsort(keys)
        tied = np.ones(len(order) - 1, bool)
        for key in keys:
            tied &= key[order[1:]] == key[order[:-1]]
        bounds = np.flatnonzero(np.diff(np.concatenate(([False], tied, [False])).astype(np.int8)))
        for low, high in zip(bounds[::2].tolist(), (bounds[1::2] + 1).tolist(), strict=True):
            order[low:high] = sorted(order[low:high].tolist(), key=lambda at: self._content(int(record[at])))
        return order

    def _content(self, record: int) -> tuple[object, ...]:
        """Build sort keys: more detailed records first, ties broken by content only."""
        records = self.records
        resource = records.resources[int(records.resource[record])]
        parts = records.parts(record)
        attributes = len(resource.codec.attributes(parts[0]))
        more = len(resource.codec.events(parts[1])) + len(resource.codec.links(parts[2]))
        texts = (
            records.service_names[resource.service],
            records.operation_names[int(records.name[record])],
        )
        columns = (records.kind, records.parent_key, records.status, records.flags)
        stated = (records.messages[int(records.message[record])], *(int(column[record]) for column in columns))
        richness = (-attributes - more, -attributes, int(records.start[record]))
        return (*richness, *texts, type(resource.codec).__name__, resource.raw, *stated, *parts)

    def _best(self, score: np.ndarray) -> np.ndarray:
        """Find the first record of each cluster with the greatest score: int64[k]. score: int[m], not negative."""
        tie_breaker = np.arange(len(score), 0, -1)
        best = np.maximum.reduceat(score.astype(np.int64) * (len(score) + 1) + tie_breaker, self.first)
        chosen: np.ndarray = self.record[len(score) - best % (len(score) + 1)]
        return chosen

    def _times(self) -> dict[str, np.ndarray]:
        records, leader = self.records, self.leader
        start, duration, flags = records.start[leader], records.duration[leader], records.flags[leader]
        others = np.bitwise_or.reduceat(records.flags[self.record], self.first) & np.uint16(_COMBINED_FLAGS)
        fills_start = ((flags & int(Flag.START_REPAIRED)) > 0) & (self.earliest < NEVER)
        only_end = fills_start & ((flags & int(Flag.END_KNOWN)) > 0)
        duration = np.where(only_end, start - self.earliest, duration)
        start = np.where(fills_start, self.earliest, start)
        flags = np.where(fills_start, flags & ~np.uint16(Flag.START_REPAIRED | Flag.END_KNOWN), flags) | others
        return {"start": start, "duration": duration, "flags": flags}

    def _parents(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Choose the parent: that of the leader, else of the next record that has one.

        FOLLOWS_FROM may be Jaeger's form of a link, so it is not the parent of a span that has links.
        -> columns; bool[k], true if the parent did not wait
        """
        records = self.records
        has_parent = records.parent_key[self.record] != 0
        follows = self._flagged(Flag.FOLLOWS_FROM)
        linked = (records.link_bytes[self.leader] > 0)[self.cluster]
        leads = np.zeros(len(has_parent), bool)
        leads[self.first] = True
        score = np.where(has_parent & leads, 3, np.where(has_parent & ~follows, 2, has_parent & ~linked))
        chosen = self._best(score)
        parent = np.where(np.maximum.reduceat(score, self.first) > 0, records.parent_key[chosen], 0)
        same = follows & (records.parent_key[self.record] == parent[self.cluster])
        follows = np.logical_or.reduceat(same, self.first) & (parent != 0)
        return {"parent_key": parent, "parent_id_from": records.parent_id_from[chosen]}, follows

    def _outcome(self) -> dict[str, np.ndarray]:
        """Choose the status: an error if any record is one, with the first message of an error."""
        records = self.records
        error = records.error[self.record]
        stated = records.message[self.record] > 0
        failed = np.logical_or.reduceat(error, self.first)
        return {
            "error": failed,
            "status": records.status[self._best(error)],
            "message": records.message[self._best(2 * error + stated)],
        }

    def _name_records(self) -> np.ndarray:
        """Choose the record that names the operation: the leader, unless it has no name or only lacks the capitals."""
        records = self.records
        used = np.unique(records.name[self.record])
        code = records.operation_codes(used)[records.name[self.record]]
        capitals = spelled_with_capitals(records.operation_names, used)[records.name[self.record]]
        timeless = self._flagged(Flag.START_REPAIRED) & self._flagged(Flag.NO_DURATION)
        score = np.where(code == 0, 0, np.where(timeless, 1, np.where(capitals, 3, 2)))
        return self._best(score)

    def _services(self) -> np.ndarray:
        """Choose the service of each cluster in the same way: int64[k]."""
        records = self.records
        service = records.service_column()[self.record]
        texts = records.service_names
        capitals = spelled_with_capitals(texts, np.unique(service))[service]
        score = np.where(records.service_codes()[service] == 0, 0, np.where(capitals, 2, 1))
        column: np.ndarray = records.service_column()[self._best(score)]
        return column

    def _raw(self, services: np.ndarray) -> dict[str, np.ndarray]:
        """Join the raw parts of all records of a cluster, if they differ."""
        records = self.records
        leader = self.leader
        raw_at, resource = records.raw_at[leader], records.resource[leader]
        sizes = [column[leader] for column in (records.attribute_bytes, records.event_bytes, records.link_bytes)]
        peer = records.peer[leader]
        written: list[bytes] = []
        end = records.span_bytes.size
        ends = np.append(self.first[1:], len(self.record))
        columns = (self.first, ends, services)
        for cluster, (low, high, service) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            distinct: dict[tuple[int, tuple[bytes, bytes, bytes]], None] = {}
            for record in self.record[low:high].tolist():
                distinct[int(records.resource[record]), records.parts(record)] = None
            resource_numbers = tuple(number for number, _ in distinct)
            resource[cluster] = self._resource(service, resource_numbers)
            if len(distinct) == 1:
                continue
            merged = [merge_codecs(parts) for parts in zip(*(parts for _, parts in distinct), strict=True)]
            written += merged
            raw_at[cluster] = end
            end += sum(map(len, merged))
            peer[cluster] = 0
            for column, part in zip(sizes, merged, strict=True):
                column[cluster] = len(part)
        if written:
            records.pieces = [*records.pieces, b"".join(written)]
            records.span_bytes = SpanBytes(records.pieces)
        attribute_bytes, event_bytes, link_bytes = sizes
        return {
            "raw_at": raw_at,
            "resource": resource,
            "peer": peer,
            "attribute_bytes": attribute_bytes,
            "event_bytes": event_bytes,
            "link_bytes": link_bytes,
        }

    def _resource(self, service: int, resource_numbers: tuple[int, ...]) -> int:
        """Return the number of a resource that combines several, for spans of this service."""
        resources = self.records.resources
        known = self.resources.get((service, resource_numbers))
        if known is None:
            parts = [resources[number] for number in resource_numbers]
            if len(parts) == 1 and parts[0].service == service:
                known = resource_numbers[0]
            else:
                known = len(resources)
                resources.append(_combined_resource(service, parts))
            self.resources[service, resource_numbers] = known
        return known


def _combined_resource(service: int, parts: list[Resource]) -> Resource:
    if len(parts) == 1:
        return parts[0]._replace(service=service)
    scoped = next((part for part in parts if part.scope_name), parts[0])
    return Resource(
        service,
        merge_codecs([part.raw for part in parts]),
        MergedCodec([part.codec for part in parts]),
        scoped.scope_name,
        scoped.scope_version,
    )
