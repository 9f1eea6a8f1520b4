"""Causes, roles and outcomes of errors by their definition, pair by pair and slowly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracetui.analysis.error_messages import NO_MESSAGE, error_message
from tracetui.analysis.message_templates import template
from tracetui.model.peers import called_peer
from tracetui.model.span import Flag, Kind, Status
from tracetui.model.traces import TraceSet

MS = 1_000_000


@dataclass
class Reference:
    """All facts about the errors of a set. Spans are positions."""

    traces: TraceSet
    role: dict[int, str] = field(default_factory=dict)
    causes: dict[int, list[int]] = field(default_factory=dict)
    """For each error the errors below that are a cause of it."""
    reaches: dict[int, set[int]] = field(default_factory=dict)
    outcome: dict[int, str] = field(default_factory=dict)
    """For each origin."""

    def __post_init__(self) -> None:
        traces = self.traces
        self.errors = [one for one in range(len(traces)) if traces.error[one]]
        self.attributes = [traces.attributes(one) for one in range(len(traces))]
        self.children = [
            [other for other in range(len(traces)) if traces.parent[other] == one] for one in range(len(traces))
        ]
        self.text = {one: "" if (text := error_message(traces, one)) == NO_MESSAGE else text for one in self.errors}
        self.skewed = self._skewed_hosts()
        self.consequences = {one for one in self.errors if self.is_consequence(one)}
        for high in self.errors:
            low = [one for one in self.errors if high in self.above(one) and self.is_cause(one, high)]
            self.causes[high] = low
        for one in self.errors:
            self.role[one] = "cancelled" if one in self.consequences else "propagated" if self.causes[one] else "origin"
        for one in self.errors:
            self.reaches[one] = self._reached(one)
        for one in self.errors:
            if self.role[one] == "origin":
                self.outcome[one] = self._outcome(one)

    # --- the tree ---

    def above(self, one: int) -> list[int]:
        found = []
        while (one := int(self.traces.parent[one])) >= 0:
            found.append(one)
        return found

    def between(self, low: int, high: int) -> list[int]:
        way = self.above(low)
        return way[: way.index(high)]

    def subtree(self, one: int) -> list[int]:
        return [one, *(other for child in self.children[one] for other in self.subtree(child))]

    def is_step(self, one: int) -> bool:
        parent, kind = int(self.traces.parent[one]), self.traces.kind
        if parent < 0:
            return False
        follows = bool(int(self.traces.flags[one]) & Flag.FOLLOWS_FROM)
        return follows or (kind[one] == Kind.CONSUMER and kind[parent] == Kind.PRODUCER)

    # --- times ---

    def lost(self, one: int) -> bool:
        return bool(int(self.traces.flags[one]) & Flag.NO_DURATION)

    def host(self, one: int) -> str:
        name = self.traces.resource_attributes(one).get("host.name")
        return name if isinstance(name, str) and name else self.traces.service_name(one)

    def _skewed_hosts(self) -> set[tuple[int, str, str]]:
        traces, found = self.traces, set()
        for one in range(len(traces)):
            parent = int(traces.parent[one])
            if parent < 0 or traces.kind[one] != Kind.SERVER or traces.kind[parent] != Kind.CLIENT:
                continue
            late = traces.start[one] >= traces.end[parent] and not self.lost(parent)
            if late or traces.start[one] < traces.start[parent]:
                trace = int(traces.trace[one])
                found |= {(trace, self.host(one), self.host(parent)), (trace, self.host(parent), self.host(one))}
        return {(trace, a, b) for trace, a, b in found if a != b}

    def comparable(self, one: int, other: int) -> bool:
        return (int(self.traces.trace[one]), self.host(one), self.host(other)) not in self.skewed

    def ended_later(self, one: int, other: int) -> bool:
        """Test whether a span outlasted another by more than the tolerance, on comparable clocks."""
        if self.lost(one) or self.lost(other) or not self.comparable(one, other):
            return False
        longer = int(self.traces.end[one]) - int(self.traces.end[other])
        return longer > 10 * MS and 20 * longer > int(self.traces.duration[one])

    # --- causes ---

    def share(self, one: int, other: int) -> bool:
        a, b = template(self.text[one]), template(self.text[other])
        return a != "" and b != "" and (a in b or b in a)

    def http(self, one: int) -> int | None:
        return _first_number(self.attributes[one], "http.response.status_code", "http.status_code")

    def grpc(self, one: int) -> int | None:
        return _first_number(self.attributes[one], "rpc.grpc.status_code")

    def coped(self, one: int) -> bool:
        if self.traces.error[one]:
            return False
        http = self.http(one)
        return self.traces.status[one] == Status.OK or (http is not None and http < 400) or self.grpc(one) == 0

    def peer(self, one: int) -> str:
        named = called_peer(int(self.traces.kind[one]), self.attributes[one])
        if named is not None:
            return named.name
        parent = int(self.traces.parent[one])
        other = parent >= 0 and self.traces.service_name(parent) != self.traces.service_name(one)
        return self.traces.service_name(one) if other else ""

    def went_on(self, low: int, high: int) -> bool:
        between = self.between(low, high)
        if self.share(low, high) or not self.text[high] or self.lost(low):
            return False
        if any(self.traces.error[one] for one in between):
            return False
        return any(
            self.traces.start[child] >= self.traces.end[low]
            and self.peer(child) not in ("", self.peer(low))
            and self.comparable(child, low)
            for one in [high, *between]
            for child in self.children[one]
            # neither the span itself nor its ancestors came after it
            if child != low and child not in between
        )

    def superseded(self, one: int) -> bool:
        traces = self.traces
        parent = int(traces.parent[one])
        return (
            parent >= 0
            and not self.lost(one)
            and any(
                other != one
                and traces.exact_operation[other] == traces.exact_operation[one]
                and _target(self.attributes[other]) == _target(self.attributes[one])
                and traces.start[other] >= traces.end[one]
                and not traces.error[other]
                and self.comparable(one, other)
                for other in self.children[parent]
            )
        )

    def is_cause(self, low: int, high: int) -> bool:
        between = self.between(low, high)
        return not (
            any(self.coped(one) for one in between)
            or self.went_on(low, high)
            or any(self.is_step(one) for one in [low, *between])
            or self.ended_later(low, high)
            or (any(self.superseded(one) for one in [low, *between]) and not self.share(low, high))
            or low in self.consequences
        )

    def is_cancellation(self, one: int) -> bool:
        text = self.text[one].lower()
        if self.names_timeout(one):
            return False
        return self.http(one) == 499 or self.grpc(one) == 1 or "canceled" in text or "cancelled" in text

    def names_timeout(self, one: int) -> bool:
        words = ("deadline exceeded", "deadline_exceeded", "timed out", "timeout")
        return any(word in self.text[one].lower() for word in words)

    def is_consequence(self, one: int) -> bool:
        traces = self.traces
        if not self.is_cancellation(one):
            return False
        branch = one
        for above in self.above(one):
            if self.is_step(branch):
                return False
            timeout = self.names_timeout(above) if traces.error[above] else False
            if traces.error[above] and (timeout or self.grpc(above) == 4 or self.http(above) in (504, 408)):
                return True
            timed = self.comparable(one, above) and not self.lost(one) and not self.lost(above)
            if timed and traces.end[one] > traces.end[above]:
                return True
            for child in self.children[above]:
                for other in self.subtree(child) if child != branch else ():
                    if (
                        traces.error[other]
                        and not self.is_cancellation(other)
                        and not any(self.is_step(step) for step in [other, *self.between(other, above)])
                        and not self.lost(one)
                        and not self.lost(other)
                        and self.comparable(one, other)
                        and traces.end[other] <= traces.end[one]
                    ):
                        return True
            branch = above
        return False

    def _reached(self, one: int) -> set[int]:
        found: set[int] = set()
        waiting = [one]
        while waiting:
            at = waiting.pop()
            new = {high for high, low in self.causes.items() if at in low} - found
            found |= new
            waiting += new
        return found

    # --- outcomes ---

    def failures(self, trace: int) -> list[int]:
        """List the errors that failed the request of a trace."""
        traces = self.traces
        request = main = int(traces.main_root[trace])
        silent = not traces.error[main] and traces.status[main] != Status.OK
        if silent and traces.kind[main] not in (Kind.SERVER, Kind.CONSUMER):
            servers = [one for one in self.subtree(main) if traces.kind[one] == Kind.SERVER]
            least = min((int(traces.depth[one]) for one in servers), default=0)
            nearest = [one for one in servers if traces.depth[one] == least]
            request = nearest[0] if len(nearest) == 1 else main
        return [one for one in [request, *self.above(request)] if traces.error[one]]

    def _outcome(self, one: int) -> str:
        traces = self.traces
        way = [one, *self.above(one)]
        reached = self.reaches[one] | {one}
        trace = int(traces.trace[one])
        if reached & set(self.failures(trace)):
            return "failed"
        root = way[-1]
        if int(traces.flags[root]) & Flag.ORPHAN:
            return "unknown"
        if any(self.is_step(span) for span in way) or (root != traces.main_root[trace] and traces.links(root)):
            return "background"
        topmost = min(reached)
        for span in way[: way.index(topmost) + 1]:
            parent = int(traces.parent[span])
            if parent >= 0 and self.ended_later(span, parent):
                return "background"
        for at, span in enumerate(way):
            if self.coped(span):
                break
            told = any(traces.error[high] and self.share(one, high) for high in way[at + 1 :])
            if self.superseded(span) and not told:
                return "retried"
        return "handled"


def _first_number(attributes: Mapping[str, object], *keys: str) -> int | None:
    return next((int(str(attributes[key])) for key in keys if key in attributes), None)


def _target(attributes: Mapping[str, object]) -> tuple[object, ...]:
    keys = ("peer.service", "db.namespace", "db.statement", "url.path")
    return tuple(attributes.get(key, "") for key in keys)
