"""Generated incidents: a small system whose requests pass through several services, before and after a fault.

Each incident is deterministic in its seed. Durations vary from request to request, a service responds after its calls,
and calls take time between client and server, so a fault delays everything above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tests.support.building import GivenSpan, build, span
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet

TRACES: Final = 40
NOISE: Final = 0.4
"""Standard deviation of the logarithm of a time."""
FAULTS: Final = ("self_time", "network", "errors", "early_return", "dependency", "more_calls", "slow_host", "new_call")
SERVICES: Final = ("gateway", "shop", "cart", "catalog", "prices", "stock", "users", "mail")


@dataclass(frozen=True)
class Incident:
    """A fault of a service; `weaker` is a second service that becomes 50 % slower."""

    seed: int
    fault: str
    service: str
    weaker: str
    before: TraceSet
    after: TraceSet


@dataclass
class _System:
    """Calls between services, and the self time of each."""

    calls: dict[str, list[str]]
    work: dict[str, float]
    random: np.random.Generator
    fault: str = ""
    faulty: str = ""
    weaker: str = ""
    load: float = 1.0
    """Factor of all times."""
    spans: list[GivenSpan] = field(default_factory=list)

    def request(self, trace: int) -> None:
        self._serve("gateway", "", str(trace), trace * 5_000_000)

    def _id(self) -> str:
        return f"{len(self.spans) + 1:x}"

    def _serve(self, service: str, parent: str, trace: str, start: int) -> int:
        """Serve a request. -> its end, in microseconds"""
        random, is_faulty = self.random, service == self.faulty
        host = f"{service}-{int(random.integers(2))}"
        work = self.work[service] * random.lognormal(0, NOISE) * self.load
        if service == self.weaker:
            work *= 1.5
        if is_faulty and (self.fault == "self_time" or (self.fault == "slow_host" and host.endswith("1"))):
            work *= 6
        own, at = self._id(), start + int(work / 2)
        place = len(self.spans)
        self.spans.append(span(own, start, start + 1))
        failed = is_faulty and self.fault == "errors" and random.random() < 0.5
        returned = is_faulty and self.fault == "early_return" and random.random() < 0.6
        if not failed and not returned:
            for callee in self.calls[service]:
                times = 5 if is_faulty and self.fault == "more_calls" else 1
                for _ in range(times):
                    at, broke = self._call(service, callee, own, trace, at)
                    failed = failed or broke
                if failed:
                    break
            at = self._query(service, own, trace, at)
            if is_faulty and self.fault == "new_call":
                at = self._query(service, own, trace, at, "DELETE audit", 8)
        end = at + int(work / 2) + 1
        self.spans[place] = span(
            own,
            start,
            end,
            parent=parent,
            trace=trace,
            service=service,
            name=f"{service}.handle",
            kind=Kind.SERVER,
            error=failed,
            message=f"{service} failed" if failed else "",
            resource={"host.name": host},
        )
        return end

    def _call(self, caller: str, callee: str, parent: str, trace: str, start: int) -> tuple[int, bool]:
        """Call a service. -> the end, and True if the call failed"""
        delay = 300 * self.random.lognormal(0, NOISE) * self.load
        if self.fault == "network" and self.faulty in (caller, callee):
            delay += 40_000
        own, place = self._id(), len(self.spans)
        self.spans.append(span(own, start, start + 1))
        end = self._serve(callee, own, trace, start + int(delay)) + int(delay)
        failed = self.spans[place + 1].error
        self.spans[place] = span(
            own,
            start,
            end,
            parent=parent,
            trace=trace,
            service=caller,
            name=f"call {callee}",
            kind=Kind.CLIENT,
            error=failed,
        )
        return end, failed

    def _query(self, service: str, parent: str, trace: str, start: int, name: str = "SELECT", factor: float = 1) -> int:
        slow = 10 if self.fault == "dependency" and service == self.faulty else 1
        end = start + int(2_000 * factor * slow * self.random.lognormal(0, NOISE) * self.load) + 1
        table = {"db.system": "postgresql", "db.name": f"{service}-db"}
        self.spans.append(
            span(
                self._id(),
                start,
                end,
                parent=parent,
                trace=trace,
                service=service,
                name=name,
                kind=Kind.CLIENT,
                attributes=table,
            )
        )
        return end


def incident(seed: int, fault: str | None = None) -> Incident:
    """Generate the incident of a seed, with the fault of its turn or the given one."""
    random = np.random.default_rng(seed)
    chosen = fault or FAULTS[seed % len(FAULTS)]
    calls: dict[str, list[str]] = {name: [] for name in SERVICES}
    for number, name in enumerate(SERVICES[1:], 1):
        # at least one caller, so that every service is reached
        callers = {SERVICES[int(random.integers(max(0, number - 3), number))]}
        if random.random() < 0.3:
            callers.add(SERVICES[int(random.integers(number))])
        for caller in sorted(callers):
            calls[caller].append(name)
    work = {name: float(random.uniform(2_000, 12_000)) for name in SERVICES}
    candidates = [name for name in SERVICES[1:] if chosen not in ("more_calls",) or calls[name]]
    service = candidates[int(random.integers(len(candidates)))]
    others = [name for name in SERVICES if name != service]
    weaker = others[int(random.integers(len(others)))]
    sides = []
    for is_after in (False, True):
        system = _System(calls, work, random, *((chosen, service, weaker) if is_after else ("", "", "")))
        for trace in range(1, TRACES + 1):
            system.load = float(random.uniform(1.0, 1.6 if is_after else 1.4))
            system.request(trace)
        sides.append(build(*system.spans))
    return Incident(seed, chosen, service, weaker, sides[0], sides[1])


def deployment(versions: Sequence[str], **attributes: Sequence[str]) -> TraceSet:
    """Build one request a minute through web, version 1.0, and shop, with these versions and span attributes."""
    spans = []
    for number, version in enumerate(versions):
        start, trace = number * 60_000_000, str(number + 1)
        spans.append(
            span(f"a{number}", start, start + 9, trace=trace, service="web", resource={"service.version": "1.0"})
        )
        spans.append(
            span(
                f"b{number}",
                start + 1,
                start + 5,
                trace=trace,
                parent=f"a{number}",
                service="shop",
                resource={"service.version": version, "region": "eu"},
                attributes={key: values[number] for key, values in attributes.items()},
            )
        )
    return build(*spans)
