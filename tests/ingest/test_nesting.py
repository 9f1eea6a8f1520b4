"""JSON nested up to the limits and beyond, intact and damaged, is read in linear time."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.faults import faulty
from tests.support.loopback import Response
from tests.support.strategies import unhurried
from tracetui.ingest.json_repair import damaged_json
from tracetui.ingest.json_repair.damaged_json import repair
from tracetui.ingest.json_repair.nesting import JSON_NESTING, MAX_DEPTH, is_deeper, prune
from tracetui.ingest.loader import load
from tracetui.model.traces import TraceSet

ZIPKIN = b'{"traceId":"1","id":"2"}'
GOOD = b'{"traceId":"a","id":"b","name":"good","timestamp":1,"duration":1,"tags":{}}'
DEPTHS = [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, MAX_DEPTH + 2, 512, 1000, 2000]
OPENINGS = {
    "lists": b"[",
    "objects": b'{"a":',
    "objects of spans": b'{"spans":',
    "objects of ids": b'{"id":',
    "lists of objects": b'[{"a":',
    "objects of lists": b'{"id":[',
    "spaced": b'[ \n{ "data" : ',
}
ENDS = {"an object of spans": ZIPKIN, "nothing": b"", "a number": b"1", "a trace": b'{"traceID":"1","spans":[]}'}


def warning_text(traces: TraceSet) -> str:
    return "\n".join(map(str, traces.load_warnings))


def nested(opening: bytes, depth: int, inner: bytes = b"", *, closed: bool = False) -> bytes:
    """Repeat an opening, which may have several levels, to this depth."""
    each = opening.count(b"[") + opening.count(b"{")
    begin = opening * (depth // each)
    closing = b"".join(b"]" if byte == 0x5B else b"}" for byte in reversed(opening) if byte in b"[{")
    return begin + inner + (closing * (depth // each) if closed else b"")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("opening", OPENINGS.values(), ids=OPENINGS)
def test_nesting_is_limited(opening: bytes, depth: int) -> None:
    """As a file, as a line after or before a valid one, and as a record next to one."""
    for inner, closed in itertools.product(ENDS.values(), (False, True)):
        text = nested(opening, depth, inner, closed=closed)
        read(text)
        line = text.replace(b"\n", b" ")
        written = [GOOD + b"\n" + line, GOOD + b"\n" + line + b"\n" + GOOD]
        # a line that ends within a value continues on the next one
        written += [line + b"\n" + GOOD] if line[-1:] not in b"[{: " else []
        for data in written:
            assert "good" in read(data).names
        records = [b'{"resourceSpans":[]}'] * 16 + [text, json.dumps({"resourceSpans": [otlp()]}).encode()]
        traces = read(b"".join(struct.pack(">I", len(one)) + one for one in records))
        assert "good" in traces.names


def otlp() -> dict[str, Any]:
    return {"scopeSpans": [{"spans": [{"traceId": "1" * 32, "spanId": "2" * 16, "name": "good"}]}]}


@pytest.mark.parametrize("depth", [399, 400, 401, 402, 512, 600, 1000, 2000])
def test_object_after_too_deep_lists_is_described(depth: int) -> None:
    traces = read(b"[" * depth + ZIPKIN)
    assert len(traces) == 0
    first = traces.load_warnings[0]
    if depth < MAX_DEPTH:
        assert "the text ends within a value" in first.message
    else:
        assert (first.position, "nested too deeply" in first.message) == (f"byte {MAX_DEPTH}", True)


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 1000, 12_000])
def test_nesting_in_a_server_response_is_limited(depth: int) -> None:
    good = b'{"traceID":"a","spans":[%b],"processes":{"p1":{"serviceName":"s"}}}' % JAEGER
    body = b'{"data":[%b,%b]}' % (good, b"[" * depth + ZIPKIN)
    with faulty(lambda handler: handler.loopback.send(handler, Response((body,))), on=r"^/api/traces\b") as server:
        traces = load([server.url])
    assert [traces.span(i).name for i in range(len(traces))] == ["x"]
    assert traces.load_warnings


@pytest.mark.parametrize("key", ["attributes", "tags", "logs", "references", "unknown"])
@pytest.mark.parametrize("depth", [100, MAX_DEPTH, 900, 1100, 5000, 20_000])
def test_deep_value_costs_only_its_own_span(depth: int, key: str) -> None:
    """At any depth the other spans are read, with their figures."""
    deep = nested(b'[{"a":', depth, b"1", closed=True)
    parts = {
        "jaeger": (
            b'{"data":[{"traceID":"1","spans":[%b],"processes":{"p":{"serviceName":"s"}}}]}',
            b'{"traceID":"1","spanID":"%d","operationName":"n","startTime":1,"duration":5,"processID":"p","%b":%b}',
        ),
        "zipkin": (b"[%b]", b'{"traceId":"1","id":"%d","timestamp":1,"duration":5,"%b":%b}'),
        "otlp": (
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[%b]}]}]}',
            b'{"traceId":"1","spanId":"%d","startTimeUnixNano":1000,"endTimeUnixNano":6000,"%b":%b}',
        ),
    }
    for whole, span in parts.values():
        text = whole % b",".join(span % (i, key.encode(), deep if i == 2 else b"[]") for i in (1, 2, 3))
        traces = read(text)
        found = {traces.span_id(i)[-1]: int(traces.duration[i]) for i in range(len(traces))}
        assert found == {"1": 5000, "2": 5000, "3": 5000}
        for i in range(3):
            # nor does reading the span fail
            traces.span(i).attributes, traces.span(i).events, traces.span(i).links


@unhurried
@given(st.lists(st.sampled_from([b"[", b"{", b'{"a":', b"]", b"}", b'"[{"', rb'"\"["', b",", b"1"]), max_size=40))
def test_depth_ignores_brackets_in_strings(parts: list[bytes]) -> None:
    text = b"".join(parts)
    depth = deepest = 0
    for part in parts:
        if not part.startswith(b'"'):
            for byte in part:
                depth += (byte in b"[{") - (byte in b"]}")
                deepest = max(deepest, depth)
    for limit in (0, 1, 3, 10):
        # a text too short for this depth is not nested
        if len(text) >= 2 * limit:
            assert is_deeper(text, limit) == (deepest > limit)


@pytest.mark.parametrize("depth", [JSON_NESTING - 1, JSON_NESTING, JSON_NESTING + 1, 3000])
def test_pruned_json_is_readable(depth: int) -> None:
    text = nested(b'{"a":', depth, b"1", closed=True)
    assert is_deeper(prune(text), JSON_NESTING) is False
    assert (prune(text) == text) == (depth <= JSON_NESTING)


JAEGER = b'{"traceID":"a","spanID":"b","operationName":"x","references":[],"startTime":1,"processID":"p1"}'
OTLP = b'{"traceId":"01","spanId":"02","name":"x","attributes":[{"key":"k","value":{"stringValue":"v"}}]}'
DAMAGED: dict[str, Callable[[int], bytes]] = {
    "broken items": lambda count: b"[" + (GOOD[:-1] + b"#},") * count + b"1]",
    "every other one": lambda count: b"[" + (GOOD + b"," + GOOD[:-1] + b"#},") * count + b"1]",
    "no commas": lambda count: b"[" + GOOD * count + b"]",
    "open lists": lambda count: b"[" * count,
    "open objects": lambda count: b'{"id":' * count,
    "open lists of objects": lambda count: b'[{"a":' * count,
    "open lists of spans": lambda count: b'{"spans":[{"id":1},' * count,
    "deep and broken": lambda count: b"[" * (MAX_DEPTH - 1) + b'{"id":#},' * count,
    "ever other keys": lambda count: b"[" + b",".join(b'{"k%d":1,"x":#}' % i for i in range(count)) + b"]",
    "ever other spans": lambda count: b'{"spans":[' + b",".join(b'{"k%d":1,"x":2}#' % i for i in range(count)) + b"]",
    "values that JSON has none of": lambda count: b'{"data":[' + b'{"id":NaN,"x":#},' * count + b"1]",
    "commas": lambda count: b"[" + b"," * count + b"#]",
    "a text that does not end": lambda count: b'{"data":[{"a":"' + (JAEGER + b",") * count,
    "an element that breaks at its end": lambda count: b'[{"id":1,"x":[' + b'{"id":1,"name":2},' * count + b"#",
    "elements in elements": lambda count: b'[{"id":1,"x":' * 300 + b"[" + b'{"id":1,"name":2},' * count + b"#",
    "Jaeger, cut": lambda count: b'{"data":[{"traceID":"a","spans":[' + (JAEGER + b",") * count,
    "Jaeger, traces": lambda count: (
        b'{"data":[' + (b'{"traceID":"a","spans":[' + JAEGER + b'],"processes":{"p":#}},') * count
    ),
    "OTLP, resources": lambda count: b'{"resourceSpans":[' + (b'{"scopeSpans":[{"spans":[' + OTLP + b"#]}]},") * count,
    "misplaced": lambda count: b'{"spans":[' + b'{"key":1},' * count,
    "junk between": lambda count: b'junk {"id":1} ' * count,
    "braces": lambda count: b"{" * count,
    "zeros": lambda count: b"{" + bytes(count),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_recovery_is_linear(damaged: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured in tokens, recoveries, and bytes searched ahead."""
    steps = 0

    def counted(owner: Any, name: str, cost: Callable[..., int]) -> None:
        inner = getattr(owner, name)

        def call(*args: Any) -> Any:
            nonlocal steps
            found = inner(*args)
            steps += cost(found, *args)
            return found

        monkeypatch.setattr(owner, name, call)

    counted(damaged_json, "_step", lambda *_: 1)
    counted(damaged_json, "_recover", lambda *_: 1)
    counted(damaged_json, "_skip_intact", lambda found, walk, level, at, beginning: max(walk.position - at, 0))
    inner = damaged_json.TextFinder.search

    def search(self: Any, pattern: bytes, position: int) -> Any:
        nonlocal steps
        before = self._found.get(pattern)
        found = inner(self, pattern, position)
        if self._found.get(pattern) is not before:
            steps += (found.start() if found else len(self._data)) - position
        return found

    monkeypatch.setattr(damaged_json.TextFinder, "search", search)
    taken = []
    for count in (400, 1600):
        data = damaged(count)
        steps = 0
        read(data)
        taken.append(steps / len(data))
    # each byte costs a bounded number of steps, also in four times as many bytes
    assert taken[1] <= 1.5 * taken[0] + 2
    assert taken[1] < 40


@settings(unhurried, max_examples=20)
@given(
    st.lists(st.sampled_from(list(OPENINGS.values())), min_size=1, max_size=4),
    st.integers(MAX_DEPTH - 3, MAX_DEPTH + 3),
    st.lists(st.sampled_from([b"]", b"}", b",", b"#", b'"', ZIPKIN, GOOD, b'"spans":[']), max_size=6),
)
def test_any_mixture_of_brackets_terminates(openings: list[bytes], depth: int, rest: list[bytes]) -> None:
    text = b"".join(itertools.islice(itertools.cycle(openings), depth)) + b"".join(rest)
    start = 0
    while start < len(text):
        repaired = repair(text, start)
        assert repaired.end > start
        start = repaired.end
