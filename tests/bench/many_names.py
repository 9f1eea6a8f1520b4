"""Trace sets with few or many distinct names of services and operations, otherwise equal span by span."""

from __future__ import annotations

from pathlib import Path

from tests.bench.large_file import FOLDER
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


def many_names_file(spans: int, names: int) -> Path:
    """Write the set of `many_names` as a Jaeger response, as its exporter would. -> the file"""
    path = FOLDER / f"names-{names}-{spans}.json"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        words = list(map(word, range(names)))
        with unfinished.open("w") as file:
            file.write('{"data":[')
            for trace in range(spans // SPANS_PER_TRACE):
                file.write(("," if trace else "") + _trace_text(trace, words))
            file.write('],"total":0,"limit":0,"offset":0,"errors":null}\n')
        unfinished.rename(path)
    return path


def _trace_text(trace: int, words: list[str]) -> str:
    trace_id = f"{trace + 1:032x}"
    called = [words[(trace * (_CALLS + 1) + step) % len(words)] for step in range(_CALLS + 1)]
    start = _EPOCH // 1_000 + trace * 5_000
    fails = trace % _ERRORS == 0
    spans = []
    for at in range(SPANS_PER_TRACE):
        step = (at + 1) // 2
        span = trace * SPANS_PER_TRACE + at + 1
        parent = f'{{"refType":"CHILD_OF","traceID":"{trace_id}","spanID":"{span - 1:016x}"}}' if at else ""
        tags = [("span.kind", "client" if at % 2 else "server")]
        if fails and at >= SPANS_PER_TRACE - 3:
            tags += [("otel.status_code", "ERROR"), ("otel.status_description", f"no answer from {called[step]}")]
        tags += [("db.query.text", "SELECT 1"), ("http.request.method", "GET")]
        listed = [f'{{"key":"{key}","type":"string","value":"{value}"}}' for key, value in tags]
        if len(tags) > 3:
            listed.insert(1, '{"key":"error","type":"bool","value":true}')
        spans.append(
            f'{{"traceID":"{trace_id}","spanID":"{span:016x}","operationName":"operation_{called[step]}",'
            f'"references":[{parent}],"startTime":{start + at * 10},"duration":{1_000 + trace % 1_000 - at * 20},'
            f'"tags":[{",".join(listed)}],"logs":[],"processID":"p{step + 1}","warnings":null}}'
        )
    processes = [f'"p{step}":{{"serviceName":"service_{one}","tags":[]}}' for step, one in enumerate(called, 1)]
    return (
        f'{{"traceID":"{trace_id}","spans":[{",".join(spans)}],"processes":{{{",".join(processes)}}},"warnings":null}}'
    )


def word(number: int) -> str:
    """Write a number in letters: digits would count as an id, and names with ids are one operation."""
    letters = ""
    while True:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
        if not number:
            return letters
