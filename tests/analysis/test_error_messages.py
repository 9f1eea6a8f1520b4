"""Error messages: the text of a span that is its message, and the template of messages with one cause."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.strategies import unhurried
from tracetui.analysis.error_messages import NO_MESSAGE, error_message
from tracetui.analysis.message_templates import LONGEST_MESSAGE, template


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("user 550e8400-e29b-41d4-a716-446655440000 unknown", "user {id} unknown"),
        ("user 550E8400-E29B-41D4-A716-446655440000 unknown", "user {id} unknown"),
        ("trace 5af7183fb1d4cf5f lost", "trace {id} lost"),
        ("commit 1A2B3C4D", "commit {id}"),
        ("fault at 0x7fff5694dc58", "fault at {id}"),
        ("fault at 0xdeadbeef, code 0x1f", "fault at {id}, code {id}"),
        ("retried 3 times", "retried {id} times"),
        ("took 12.5 s of -3, 1,000 rows", "took {id} s of {id} rows"),
        ("timeout after 10ms", "timeout after {id}ms"),
        ("waited 1,500 ms, at most 2s or 3.5s", "waited {id} ms, at most {id}s"),
        ("disk is 95 % full, 12MiB left in 3 blocks", "disk is {id} % full, {id}MiB left in {id} blocks"),
        ("row[17] is locked", "row[{id}] is locked"),
        ("dial 10.1.2.3 failed", "dial {id} failed"),
        ("dial 10.1.2.3:5432: refused", "dial {id}: refused"),
        ("dial 2001:0db8:0000:0000:0000:8a2e:0370:7334", "dial {id}"),
        ("dial 2001:db8::8a2e:370:7334: refused", "dial {id}: refused"),
        ("dial 2001:db8:1:2::5", "dial {id}"),
        ("dial [::1]:5432", "dial [{id}]:{id}"),
        ("dial fe80::1", "dial {id}"),
        ('no column "price" here', "no column {id} here"),
        ("no column 'price' here", "no column {id} here"),
        ("no column `price` here", "no column {id} here"),
        ("couldn't find user 'bob' today", "couldn't find user {id} today"),
        ("bad name 'it's me' given", "bad name {id} given"),
        ("since 2024-01-02", "since {id}"),
        ("since 2024-01-02T03:04:05.678Z", "since {id}"),
        ("since 2024-01-02 03:04:05,678 today", "since {id} today"),
        ("since 2024-01-02T03:04+02:00", "since {id}"),
        ("GET /users/42 failed", "GET /users/{id} failed"),
        ("GET /users/4 failed", "GET /users/{id} failed"),
        ("GET /users/cus_9s6XKz/cart", "GET /users/{id}/cart"),
        ("GET /users/42/orders/7.", "GET /users/{id}/orders/{id}."),
        ("GET /api/v2/users/42", "GET /api/v2/users/{id}"),
        ("GET http://10.0.0.1:8080/users/7", "GET http://{id}/users/{id}"),
        ("lookup of order 01HZX3J4K5M6N7P8Q9R0S1T200 failed", "lookup of order {id} failed"),
        ("pod stock-6d4cf56db6-abcd2 refused", "pod stock-{id} refused"),
        ("pod web-0 of node-exporter-x7k2p", "pod web-{id} of node-exporter-{id}"),
        ("lock is held by com.example.Job@1b2c3d", "lock is held by com.example.Job@{id}"),
        ("order_8123, t10 and req-01HZX3J4K5M6N7P8Q9R0S1T200", "order_{id}, t{id} and req-{id}"),
        ("main.3f2a9c.js is missing", "main.{id}.js is missing"),
        ("key Abc4def6ghi is gone", "key {id} is gone"),
        ("ids 1, 2, 3 and 4", "ids {id}"),
        ("no rows t1,t2, t3", "no rows t{id}"),
        ("WHERE id IN (3, 17)", "WHERE id IN ({id})"),
        ("Error 1062: duplicate", "Error {id}: duplicate"),
        ("two\n  lines\t and  blanks ", "two lines and blanks"),
    ],
)
def test_varying_parts_are_replaced(message: str, expected: str) -> None:
    assert template(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "",
        "connection refused",
        "HTTP 503",
        "HTTP/1.1 503 from upstream",
        "unexpected status code: 404",
        "upstream answered 502",
        "rpc error: code = 404",
        "DEADLINE_EXCEEDED",
        "ERROR: duplicate key (SQLSTATE 23505)",
        "SQLSTATE[40P01]: deadlock",
        "ORA-01017: invalid password",
        "exit code 137",
        "exited with status 1",
        "order-processing-queue",
        "deadbeef",
        "can't reach the host",
        "it isn't the user's fault, don't worry",
        "deadline exceeded in facade",
        "effaced defaced",  # letters a to f alone are no hexadecimal id
        "std::bad_alloc",
        "f32::MAX",
        "module a::b",
        "utf8 and sha256 and python3.11",
        "release v1.2.3",
        "/api/v1/users",
        "/apis/v1beta1/pods",
        "half a 'quote",
        'half a "quote',
    ],
)
def test_constant_parts_are_kept(message: str) -> None:
    assert template(message) == message


@pytest.mark.parametrize(
    "messages",
    [
        ("user 4 unknown", "user 4711 unknown"),
        ("GET /users/4", "GET /users/47", "GET /users/1b"),
        ("attempt 1/3", "attempt 10/12"),
        ("dial 10.0.0.1: refused", "dial 192.168.100.200:80: refused", "dial ::1: refused"),
        ("no 'a'", "no 'b c'", "no ''"),
        ("wait 5s", "wait 2.75s"),
        ("a  b", "a\nb", " a b"),
    ],
)
def test_messages_with_one_cause_share_a_template(messages: tuple[str, ...]) -> None:
    assert all(template(one) == template(other) for one, other in pairwise(messages))


@unhurried
@given(st.integers(0, 9_999_999), st.integers(0, 9_999_999))
def test_messages_that_differ_in_numbers_share_a_template(one: int, other: int) -> None:
    assert template(f"order {one} of /shop/{one}/x") == template(f"order {other} of /shop/{other}/x")


@unhurried
@given(st.one_of(st.text(), st.text("0123456789abcdef:.-/'\" <>", max_size=60)))
def test_template_is_one_line_without_separate_numbers(message: str) -> None:
    found = template(message)
    assert found == " ".join(found.split())
    assert not any(word.isascii() and word.isdecimal() for word in found.split())


@pytest.mark.parametrize("piece", ["'", '"', "::", "1:", "a/", "1.", "f" * 7 + " ", "0-", "v1/"])
def test_long_messages_are_truncated_in_linear_time(piece: str) -> None:
    # a regular expression that backtracks would never end
    found = template(piece * 100_000)
    assert 0 < len(found) <= len("{id}") * LONGEST_MESSAGE


# --- The source of the message --------------------------------------------------------------------------------------


def message_of(**parts: Any) -> str:
    return error_message(build(span("a", 0, 9, error=True, **parts)), 0)


def exception(kind: str, text: str, time: int = 1) -> tuple[Any, ...]:
    return time, "exception", {"exception.type": kind, "exception.message": text}


_IN_ORDER: list[tuple[str, dict[str, Any]]] = [
    ("the status", {"message": "the status"}),
    ("described", {"attributes": {"otel.status_description": "described"}}),
    ("the tag", {"attributes": {"error": "the tag"}}),
    ("IOError: gone", {"events": [exception("IOError", "gone")]}),
    ("the object", {"events": [(1, "error", {"error.object": "the object"})]}),
    ("error.message", {"attributes": {"error.message": "error.message"}}),
    ("error.msg", {"attributes": {"error.msg": "error.msg"}}),
    ("exception.message", {"attributes": {"exception.message": "exception.message"}}),
    ("no healthy upstream", {"attributes": {"grpc.message": "no healthy upstream"}}),
    ("Not Found", {"attributes": {"http.status_text": "Not Found"}}),
    ("Bad Gateway", {"attributes": {"http.status_message": "Bad Gateway"}}),
    ("TimeoutError", {"attributes": {"error.type": "TimeoutError"}}),
    ("UNAVAILABLE", {"attributes": {"rpc.status_code": "UNAVAILABLE"}}),
    ("INTERNAL", {"attributes": {"rpc.response.status_code": "13"}}),
    ("NOT_FOUND", {"attributes": {"rpc.grpc.status_code": 5}}),
    ("ABORTED", {"attributes": {"grpc.status_code": "10"}}),
    ("DATA_LOSS", {"attributes": {"grpc-status": "DataLoss"}}),
    ("HTTP 502", {"attributes": {"http.response.status_code": 502}}),
    ("HTTP 503", {"attributes": {"http.status_code": "503"}}),
    (NO_MESSAGE, {}),
]


@pytest.mark.parametrize("rank", range(len(_IN_ORDER)))
def test_first_source_is_the_message(rank: int) -> None:
    attributes: dict[str, Any] = {}
    events: list[Any] = []
    message = ""
    # all later sources are present as well
    for _, parts in reversed(_IN_ORDER[rank:]):
        attributes |= parts.get("attributes", {})
        events = parts.get("events", []) + events
        message = parts.get("message", message)
    assert message_of(message=message, attributes=attributes, events=events) == _IN_ORDER[rank][0]


@pytest.mark.parametrize(("expected", "parts"), _IN_ORDER)
def test_single_source_is_the_message(expected: str, parts: dict[str, Any]) -> None:
    assert message_of(**parts) == expected


@pytest.mark.parametrize("flag", [True, False, 1, "true", "True", "1", "yes", "false", "0", "", "  "])
def test_boolean_error_tag_is_not_a_message(flag: Any) -> None:
    assert message_of(attributes={"error": flag, "error.type": "E"}) == "E"


def test_last_exception_with_a_message_is_shown() -> None:
    events = [exception("A", "first", 1), exception("B", "last", 2), (3, "exception", {}), (4, "retry", {})]
    assert message_of(events=events) == "B: last"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"exception.type": "IOError"}, "IOError"),
        ({"exception.message": "gone"}, "gone"),
        ({"exception.type": "", "exception.message": " gone "}, "gone"),
        ({"exception.stacktrace": "at line 1"}, NO_MESSAGE),
    ],
)
def test_incomplete_exception(attributes: dict[str, Any], expected: str) -> None:
    assert message_of(events=[(1, "exception", attributes)]) == expected


@pytest.mark.parametrize("key", ["error.object", "message", "error.kind", "stack"])
def test_opentracing_error_log(key: str) -> None:
    keys = ["error.object", "message", "error.kind", "stack"]
    fields = {name: name for name in keys[keys.index(key) :]}
    assert message_of(events=[(1, "error", {"event": "error", **fields})]) == key


@pytest.mark.parametrize("code", ["9" * 5_000, "17", "-1", "CUSTOM"])
def test_unknown_grpc_code_is_shown_unchanged(code: str) -> None:
    assert message_of(attributes={"rpc.grpc.status_code": code}) == f"gRPC {code}"


def test_grpc_status_of_ok_is_not_a_message() -> None:
    assert message_of(attributes={"grpc.status_code": "0", "http.status_code": "503"}) == "HTTP 503"


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, 7, True])
def test_value_other_than_text_is_not_a_message(value: Any) -> None:
    assert message_of(message="  ", attributes={"error.message": value, "error.type": "E"}) == "E"
