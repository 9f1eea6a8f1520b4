"""Trace sets with few or many distinct names of services and operations, otherwise equal span by span."""

from __future__ import annotations

from tests.support.building import CODEC
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Kind, Status
from tracetui.model.traces import TraceSet

SPANS_PER_TRACE = 10
_CALLS = SPANS_PER_TRACE // 2
_EPOCH = 1_700_000_000_000_000_000
_ERRORS = 97
"""One call in this many fails."""


def many_names(spans: int, names: int, *, ring: bool = False) -> TraceSet:
    """Build a set of `spans` spans with about `names` distinct services, each with one operation.

    Every trace is a chain of calls between neighbouring services, with a client span and a server span for each. About
    every hundredth call fails, and its callers with it. With `ring` the chains join into one ring of all services;
    otherwise six services each call one another only.
    """
    intake = Intake()
    query = b'{"db.query.text":"SELECT 1","http.request.method":"GET"}'
    for trace in range(spans // SPANS_PER_TRACE):
        number = intake.traces(f"{trace + 1:032x}")
        start = _EPOCH + trace * 5_000_000
        fails = trace % _ERRORS == 0
        for at in range(SPANS_PER_TRACE):
            # the client and the server span of a call are of neighbouring services
            step = (at + 1) // 2
            first = trace * _CALLS if ring else trace * (_CALLS + 1)
            service = (first + step) % names
            span = trace * SPANS_PER_TRACE + at + 1
            error = fails and at >= SPANS_PER_TRACE - 3
            intake.add(
                trace=number,
                span_id=f"{span:016x}",
                parent_id=f"{span - 1:016x}" if at else "",
                name=f"operation_{word(service)}",
                resource=intake.resources(f"service_{word(service)}", b"", CODEC),
                start_ns=start + at * 10_000,
                duration_ns=1_000_000 + trace % 1_000 * 1_000 - at * 20_000,
                kind=Kind.CLIENT if at % 2 else Kind.SERVER,
                status=Status.ERROR if error else Status.UNSET,
                error=error,
                attributes=query,
                status_message=f"no answer from {word(service)}" if error else "",
            )
    return assemble(intake)


def word(number: int) -> str:
    """Write a number in letters: digits would count as an id, and names with ids are one operation."""
    letters = ""
    while True:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
        if not number:
            return letters
