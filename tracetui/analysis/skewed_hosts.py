"""Hosts with clock skew within a trace, whose times must not be compared."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet


class SkewedHosts:
    """Pairs of hosts with clock skew, by trace, in traces with errors.

    A host is identified by `host.name`, else by its service. Two are skewed in a trace if a SERVER span on one begins
    before the start, or not before the end, of its parent, a CLIENT span on the other.
    """

    def __init__(self, traces: TraceSet) -> None:
        self._traces = traces
        self._pairs: dict[int, set[tuple[int, int]]] = {}
        servers = np.flatnonzero((traces.kind == Kind.SERVER) & (traces.parent >= 0))
        servers = servers[traces.trace_errors[traces.trace[servers]] > 0]
        clients = traces.parent[servers]
        start = traces.start[servers]
        ended = (traces.flags[clients] & int(Flag.NO_DURATION)) == 0
        implausible = (start < traces.start[clients]) | ((start >= traces.end[clients]) & ended)
        implausible &= traces.kind[clients] == Kind.CLIENT
        for server, client in zip(servers[implausible].tolist(), clients[implausible].tolist(), strict=True):
            one, other = self.host(server), self.host(client)
            if one != other:
                pairs = self._pairs.setdefault(int(traces.trace[server]), set())
                pairs |= {(one, other), (other, one)}

    @cached_property
    def _host_of_resource(self) -> list[int]:
        numbers: dict[str, int] = {}
        hosts = []
        for resource in self._traces.resources:
            named = resource.codec.attributes(resource.raw).get("host.name")
            name = named if isinstance(named, str) and named else self._traces.services[resource.service]
            hosts.append(numbers.setdefault(name, len(numbers)))
        return hosts

    def host(self, span: int) -> int:
        """Return the number of a span's host."""
        return self._host_of_resource[int(self._traces.resource[span])]

    def traces(self) -> set[int]:
        """List the traces with a skewed pair."""
        return set(self._pairs)

    def pairs(self, trace: int) -> set[tuple[int, int]]:
        """List the skewed pairs of a trace, each in both orders."""
        return self._pairs.get(trace, set())

    def skewed(self, one: int, other: int) -> bool:
        """Test whether the hosts of two spans of a trace are skewed."""
        pairs = self._pairs.get(int(self._traces.trace[one]))
        return bool(pairs) and (self.host(one), self.host(other)) in (pairs or ())
