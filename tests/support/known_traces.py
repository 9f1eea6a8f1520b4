"""A set of traces with known results for searches, with as many traces as a live check had.

1,677 traces of 345 services. Failed and slow traces (over a second) are older than all others, so that a search among
the newest finds none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.documents import Json
from tests.support.many_traces import MS, SECOND, trace

COUNT, SERVICES = 1_677, 345
FAILED, FAILED_OTHERWISE = 58, 3
"""Traces with an error status, and traces that failed by an HTTP status only, which servers cannot search for."""
SLOW, SLOW_IN_PIECES = 9, 1
"""Traces with a span of more than a second, and traces as long without such a span."""
CHECKOUTS, UNICODE, BAGS = 60, 1, 5
"""Traces with the operation `POST /checkout`, of the service カート-Ünïcode, and with `GET /Bag`."""
GOLD = 17
"""Traces with the attribute customer.tier = gold."""
SPAN_SECONDS = 30 * 60
"""Time from the first trace to the last."""


QUESTIONS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("--errors-only", "--limit", "100"), FAILED),
    (("--errors-only", "--limit", "20"), 20),
    (("--query", "error", "--limit", "100"), FAILED),
    (("--latency-threshold", "1000", "--limit", "20"), SLOW),
    (("--query", "duration > 1s", "--limit", "100"), SLOW),
    (("--operation", "POST /checkout", "--limit", "100"), CHECKOUTS),
    (("--operation", "GET /Bag"), BAGS),
    (("--query", 'operation = "POST /checkout"', "--limit", "100"), CHECKOUTS),
    (("--service", "カート-Ünïcode"), UNICODE),
    (("--query", "customer.tier = gold"), GOLD),
    (("--query", "customer.tier = gold AND duration < 1s"), GOLD),
    (("--service", "front", "--errors-only", "--limit", "100"), FAILED),
)
"""Options of `analyze`, and the least number of traces found; more only of those that servers need not find."""
NOT_SEARCHABLE = FAILED_OTHERWISE + SLOW_IN_PIECES


@dataclass(frozen=True)
class KnownTrace:
    """A trace to be written in the format of a server."""

    number: int
    start_ns: int
    durations: tuple[int, ...] = (5 * MS, 4 * MS)
    services: tuple[str, ...] = ("front", "back")
    tags: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    is_error: bool = False
    is_orphan: bool = False
    later: int = 0

    @property
    def trace_id(self) -> str:
        return f"{self.number:032x}"

    def to_json(self, kind: str) -> Json:
        """Return the trace in the JSON of a kind of server."""
        return trace(
            kind,
            self.number,
            self.start_ns,
            self.durations,
            self.services,
            dict(self.tags),
            names=self.names,
            is_error=self.is_error,
            is_orphan=self.is_orphan,
            later=self.later,
        )


def known_traces(ends_ns: int) -> Iterator[KnownTrace]:
    """Yield the traces; the last one begins at `ends_ns`."""
    first = ends_ns - SPAN_SECONDS * SECOND
    step = SPAN_SECONDS * SECOND // (COUNT - 1)

    def at(number: int) -> int:
        return (first + number * step) // 1_000 * 1_000

    number = 0
    for _ in range(FAILED_OTHERWISE):
        yield KnownTrace(number + 1, at(number), tags=(("http.response.status_code", "503"),))
        number += 1
    for _ in range(FAILED):
        yield KnownTrace(number + 1, at(number), is_error=True)
        number += 1
    for _ in range(SLOW_IN_PIECES):
        yield KnownTrace(number + 1, at(number), (900 * MS, 600 * MS), is_orphan=True, later=700 * MS)
        number += 1
    for slow in range(SLOW):
        yield KnownTrace(number + 1, at(number), ((1_200 + slow) * MS, 3 * MS))
        number += 1
    for _ in range(CHECKOUTS):
        yield KnownTrace(number + 1, at(number), services=("web", "checkout"), names=("GET /buy", "POST /checkout"))
        number += 1
    for _ in range(BAGS):
        yield KnownTrace(number + 1, at(number), services=("web", "bag"), names=("GET /buy", "GET /Bag"))
        number += 1
    yield KnownTrace(number + 1, at(number), services=("web", "カート-Ünïcode"))
    number += 1
    for _ in range(GOLD):
        yield KnownTrace(number + 1, at(number), tags=(("customer.tier", "gold"),))
        number += 1
    others = SERVICES - len({"front", "back", "web", "checkout", "bag", "カート-Ünïcode"})
    while number < COUNT:
        yield KnownTrace(number + 1, at(number), (6 * MS, 2 * MS), ("front", f"svc-{number % others:03}"))
        number += 1
