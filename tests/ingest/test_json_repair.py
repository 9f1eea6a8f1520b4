"""Repair of damaged JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import unhurried
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.json_repair.damaged_json import TextFinder, repair
from tracetui.ingest.json_repair.nesting import MAX_DEPTH
from tracetui.model.intake import Intake

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
SPANS = st.lists(
    st.tuples(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), st.booleans()), min_size=1, max_size=6
)


def trace(name: str, count: int = 3) -> dict[str, Any]:
    spans = [{"traceID": name, "spanID": f"{name}{i}", "tags": [{"key": "k", "value": "v"}]} for i in range(count)]
    return {"traceID": name, "spans": spans, "processes": {"p1": {"serviceName": "a"}, "p2": {"serviceName": "b"}}}


DOCUMENT = json.dumps({"data": [trace("a"), trace("b"), trace("c")], "total": 0, "errors": None}).encode()


def read(text: bytes) -> Any:
    """Repair and decode the first value of a text; None if nothing is left."""
    repaired = repair(text)
    return json.loads(repaired.text) if repaired.text else None


def span_ids(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["spanID"]] if "spanID" in value else []
        return own + [found for inner in value.values() for found in span_ids(inner)]
    return [found for inner in value for found in span_ids(inner)] if isinstance(value, list) else []


def test_valid_json_is_unchanged() -> None:
    repaired = repair(b' {"a": [1, 2.5e3, -0, "x\\u00e9", true, null]} [2]')
    assert repaired.text == b' {"a": [1, 2.5e3, -0, "x\\u00e9", true, null]}'
    assert (repaired.gaps, repaired.end, repaired.replaced_values) == ([], 45, 0)


def test_truncation_at_every_byte_keeps_intact_spans() -> None:
    spans = [json.dumps(span).encode() for name in "abc" for span in trace(name)["spans"]]
    ends = [DOCUMENT.index(span) + len(span) for span in spans]
    for cut in range(len(DOCUMENT)):
        whole = sum(end <= cut for end in ends)
        assert len(span_ids(read(DOCUMENT[:cut]))) == whole, cut


def test_truncation_after_the_spans_keeps_intact_members() -> None:
    cut = DOCUMENT.rindex(b'"b"}') + 1
    assert read(DOCUMENT[:cut])["data"][-1]["processes"] == {"p1": {"serviceName": "a"}, "p2": {}}
    assert read(DOCUMENT[:-3])["total"] == 0
    assert span_ids(read(DOCUMENT[:-3])) == span_ids(json.loads(DOCUMENT))


@pytest.mark.parametrize(
    "garbage", [b"#", b'"', b"}", b"]", b"{", b"[", b",", b"\x00", b'"x', b"<html>", b"\\", b"]}]}"]
)
def test_damage_costs_at_most_two_spans(garbage: bytes) -> None:
    everything = len(span_ids(json.loads(DOCUMENT)))
    for at in range(DOCUMENT.index(b'"spanID"'), len(DOCUMENT) - 40, 3):
        kept = [DOCUMENT[:at] + garbage + DOCUMENT[at:], DOCUMENT[:at] + garbage + DOCUMENT[at + 1 :]]
        for text in kept:
            rest = text
            found: list[str] = []
            while rest:
                repaired = repair(rest)
                assert repaired.end > 0
                found += span_ids(json.loads(repaired.text)) if repaired.text else []
                rest = rest[repaired.end :].lstrip()
            assert len(set(found)) >= everything - 2, (at, text[at - 20 : at + 20])


def test_broken_last_span_keeps_the_processes() -> None:
    text = DOCUMENT.replace(b'"spanID": "a2"', b'"spanID": #')
    first = read(text)["data"][0]
    assert (len(first["spans"]), set(first["processes"])) == (2, {"p1", "p2"})


def test_no_span_moves_to_another_trace_or_resource() -> None:
    resources = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
            "scopeSpans": [{"scope": {"name": name}, "spans": [{"traceId": name, "spanID": f"{name}{i}"}]}],
        }
        for name in "ab"
        for i in range(2)
    ]
    text = json.dumps({"resourceSpans": resources}).encode()
    for at in range(text.index(b'{"resource"'), len(text)):
        for resource in read(text[:at] + b"#" + text[at:])["resourceSpans"]:
            scopes = resource.get("scopeSpans", [])
            names = {span.get("traceId", "").replace("#", "") for scope in scopes for span in scope.get("spans", [])}
            attributes = resource.get("resource", {}).get("attributes", [])
            service = {attribute.get("value", {}).get("stringValue", "").replace("#", "") for attribute in attributes}
            assert names <= service | {""} or service <= {""}, at


def test_gaps_have_position_and_reason() -> None:
    (gap,) = repair(b'[{"id": 1, "x": 2}, {"id": 2, "x": oops}, {"id": 3, "x": 4}]').gaps
    assert (gap.start, gap.end) == (20, 42)
    assert gap.reason == "unexpected 'oops}, {\"id\"'"
    (gap,) = repair(b'[{"id": 1}, {"id":').gaps
    assert (gap.start, gap.end, gap.reason) == (12, 18, "the text ends within a value")


@pytest.mark.parametrize(
    ("text", "end"),
    [(b'junk {"data": []}', 5), (b"junk", 4), (b'{"x": oops} [{"traceID": "a"}]', 12), (b"", 0), (b"true", 4)],
)
def test_garbage_ends_where_the_next_value_begins(text: bytes, end: int) -> None:
    repaired = repair(text)
    assert (repaired.text, repaired.end) == (b"", end)
    assert len(repaired.gaps) == 1


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity", b"nan", b"-inf", b"None"])
def test_values_that_json_does_not_allow_become_null(word: bytes) -> None:
    repaired = repair(b'{"spans": [{"spanID": "1", "x": %b, "y": [%b]}]}' % (word, word))
    assert json.loads(repaired.text) == {"spans": [{"spanID": "1", "x": None, "y": [None]}]}
    assert (repaired.replaced_values, repaired.gaps) == (2, [])


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b'{"data":[' * 5_000, b'[{"spans":' * 5_000])
def test_unbounded_nesting_is_skipped(text: bytes) -> None:
    repaired = repair(text)
    assert any("nested too deeply" in gap.reason for gap in repaired.gaps) or not repaired.text
    depth = 0
    for byte in repaired.text:
        depth += (byte in b"[{") - (byte in b"]}")
        assert depth <= MAX_DEPTH


def test_too_deep_span_costs_only_itself() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    text = b'{"spans": [{"spanID": "1", "x": 0}, {"spanID": "2", "x": %b}, {"spanID": "3", "x": 0}]}' % deep
    assert span_ids(read(text)) == ["1", "3"]


def test_search_for_beginnings_is_bounded() -> None:
    finder = TextFinder(b"x" * 100)
    for i in range(100):
        assert finder.search(b"y%d" % i, 0) is None
    assert finder.search_budget < 0
    assert finder.search(b"x", 50) is None


@unhurried
@given(SPANS, st.sampled_from([b"#", b"\x01", b"]", b'"']))
def test_every_intact_element_is_kept(spans: list[tuple[dict[str, Any], bool]], garbage: bytes) -> None:
    """Elements are broken at their last value, so that intact ones occur whole in the text."""
    parts = []
    for i, (fields, broken) in enumerate(spans):
        body = json.dumps({"spanID": f"s{i}", "name": "n", "more": {f"_{key}": fields[key] for key in fields}}).encode()
        parts.append(body[:-2] + garbage + b"}}" if broken else body)
    repaired = repair(b'{"data": [' + b", ".join(parts) + b"]}")
    kept = json.loads(repaired.text)["data"]
    whole = [f"s{i}" for i, (_, broken) in enumerate(spans) if not broken]
    found = [span["spanID"] for span in kept if "spanID" in span]
    if garbage in (b"#", b"\x01"):
        assert found == whole
    assert bool(repaired.gaps) == any(broken for _, broken in spans)


PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b'"a"',
        b'"data":[',
        b'"spans":[',
        b'{"traceID":"x","spanID":"y"',
        b"1",
        b"null",
        b"NaN",
        b" ",
        b"\n",
        b"\\",
        b'{"traceID":"x","spans":[',
        b'],"processes":{',
        b'{"key":"k"',
        b"\xff",
        b"0x",
    ]
)


@unhurried
@given(st.lists(PIECES | st.binary(max_size=4), max_size=30).map(b"".join))
def test_repaired_text_is_always_json(data: bytes) -> None:
    at = 0
    while at < len(data):
        repaired = repair(data, at)
        if repaired.text:
            json.loads(repaired.text.decode("utf-8", "replace"))
        else:
            assert repaired.gaps
        assert at < repaired.end <= len(data)
        at = repaired.end


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[,,1,,,2 , ,]", [1, 2]),
        (b'{,,"a":1,, ,"b":[,,],,}', {"a": 1, "b": []}),
        (b"[,,,{,,},,,[,,,]]", [{}, []]),
        (b"[1,,,oops,,,2]", [1]),
    ],
)
def test_runs_of_commas_are_skipped_and_counted(text: bytes, value: Any) -> None:
    repaired = repair(text)
    assert json.loads(repaired.text) == value
    assert bool(repaired.gaps) == (b"oops" in text)
    if not repaired.gaps:
        assert repaired.commas.count == text.count(b",") - repaired.text.count(b",")
        assert repaired.commas.first == text.index(b",")


def count_lines_run(data: bytes) -> int:
    """Count the lines of the repair code that run for some bytes."""
    count = 0

    def trace(frame: FrameType, _: str, __: object) -> Any:
        nonlocal count
        if Path(frame.f_code.co_filename).name not in ("contents.py", "salvage.py", "mend.py", "commas.py"):
            return None
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        decode(data, DecodeContext(Intake(), "file"))
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit", [b" ", b"\n", b"\t", b"\r", b",", b", ", b"x", b"1", b"\\", b'"', b"\0", b"\xff", b"-"]
)
@pytest.mark.parametrize("before", [b"", b"{", b"[", b'[{"traceId":"1","id":"2"}'])
def test_repeated_character_is_not_walked_byte_by_byte(before: bytes, unit: bytes) -> None:
    few, many = (count_lines_run(before + unit * count) for count in (1_000, 20_000))
    assert many < few + 2_000
