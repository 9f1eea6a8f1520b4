"""The query language: syntax, error messages, and evaluation on columns, compared with an evaluation span by span."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build
from tests.support.building import span as given_span
from tests.support.strategies import examples, service_sets
from tracetui.analysis.span_search import value_parts
from tracetui.model.assemble import assemble
from tracetui.model.errors import UsageError
from tracetui.model.intake import Intake
from tracetui.model.span import Event, Kind, Link, Span, Status, Value
from tracetui.model.times import find_duration, find_time
from tracetui.model.traces import TraceSet
from tracetui.query import FIELDS, KEYWORDS, QueryError, attribute_search, evaluate, parse
from tracetui.query.literals import find_number
from tracetui.query.parser import where_searched
from tracetui.query.safe_regex import Pattern

MS = 1_000_000


class DictCodec:
    """Attributes as a JSON object."""

    is_text = True

    def __init__(self) -> None:
        self.decoded = 0

    def attributes(self, raw: bytes) -> dict[str, Value]:
        self.decoded += 1
        return json.loads(raw) if raw else {}

    def events(self, raw: bytes) -> list[Event]:
        return []

    def links(self, raw: bytes) -> list[Link]:
        return []


def span(
    service: str = "api",
    operation: str = "GET /",
    *,
    ms: float = 10,
    start_ms: float = 0,
    parent: int | None = 0,
    resource: dict[str, Any] | None = None,
    span_id: str = "",
    **rest: Any,
) -> dict[str, Any]:
    """Make a span of `traces_of`. `parent` is the position of the parent in its trace; the first span has none."""
    return {
        "service": service,
        "name": operation,
        "duration_ns": int(ms * MS),
        "start_ns": int((1000 + start_ms) * MS),
        "parent": parent,
        "resource": resource or {},
        "span_id": span_id,
        **rest,
    }


def traces_of(*traces: list[dict[str, Any]], codec: DictCodec | None = None, escape: bool = True) -> TraceSet:
    """Build one trace per list of spans, with ids `1`, `2`, ..."""
    intake = Intake()
    codec = codec or DictCodec()
    number = 0
    for trace, spans in enumerate(traces):
        ids = [each["span_id"] or f"{number + i + 1:016x}" for i, each in enumerate(spans)]
        number += len(spans)
        for i, each in enumerate(spans):
            columns = {k: v for k, v in each.items() if k not in ("service", "parent", "resource", "span_id")}
            raw = [
                json.dumps(part, ensure_ascii=escape).encode() if part else b""
                for part in (columns.pop("attributes", {}), each["resource"])
            ]
            intake.add(
                trace=intake.traces(str(trace + 1)),
                span_id=ids[i],
                parent_id="" if i == 0 or each["parent"] is None else ids[each["parent"]],
                resource=intake.resources(each["service"], raw[1], codec),
                attributes=raw[0],
                **columns,
            )
    return assemble(intake)


@pytest.fixture
def shop() -> TraceSet:
    """Trace 1: fast, without errors. 2: slow, with a fast user-service. 3: fails in the database."""
    return traces_of(
        [
            span("api-gateway", "GET /cart", ms=20, kind=Kind.SERVER, attributes={"http.status_code": 200}),
            span("cart", "load", ms=10, attributes={"db.statement": "SELECT 1", "cache": True}),
        ],
        [
            span("api-gateway", "GET /user", ms=900, kind=Kind.SERVER, attributes={"http.status_code": "404"}),
            span("user-service", "find", ms=100, resource={"host.name": "h1"}),
            span("user-service", "find", ms=200, parent=1, resource={"host.name": "h2"}, status=Status.OK),
        ],
        [
            span("api-gateway", "POST /pay", ms=50, kind=Kind.SERVER, attributes={"http.status_code": 502}),
            span(
                "db",
                "query",
                ms=40,
                kind=Kind.CLIENT,
                error=True,
                status=Status.ERROR,
                status_message="connection refused",
                attributes={"db.statement": 'say "hi"', "peers": ["a", "b"]},
            ),
        ],
    )


def found(traces: TraceSet, text: str) -> list[int]:
    """Return the numbers of the traces that a query selects, from 1."""
    return [int(traces.trace_ids[t]) for t in np.flatnonzero(parse(text).matches(traces)).tolist()]


@pytest.mark.parametrize(
    ("text", "traces"),
    [
        # duration outside braces is the trace's, inside it is the span's
        ("duration > 500ms AND service = api-gateway", [2]),
        ("duration > 500ms and service = user-service", [2]),
        ("{ service = user-service AND duration > 500ms }", []),
        ("{ service = user-service AND duration > 150ms }", [2]),
        ("{ service = user-service AND trace.duration > 500ms }", [2]),
        ("span.duration = 200ms", [2]),
        ("trace.duration <= 0.05s", [1, 3]),
        ("duration >= 20ms && duration < 50ms", [1]),
        # any span outside braces, one span inside
        ("service = api-gateway AND error", [3]),
        ("{ service = api-gateway AND error }", []),
        ("{ service = db AND error }", [3]),
        # negation is the trace's outside braces, the span's inside
        ("service != cart", [2, 3]),
        ("NOT service = cart", [2, 3]),
        ("{ service != api-gateway }", [1, 2, 3]),
        ("NOT { service != api-gateway }", []),
        ("{ NOT service = api-gateway AND NOT service = cart }", [2, 3]),
        ("service !~ ^(cart|db)$", None),
        ('service !~ "^(cart|db)$"', [2]),
        ("http.status_code != 200", [2, 3]),
        ("{ http.status_code != 200 }", [2, 3]),
        ("NOT NOT error", [3]),
        ("!error", [1, 2]),
        # fields
        ("operation = 'GET /cart'", [1]),
        ("name =~ ^GET", [1, 2]),
        ("operation =~ '(?i)^post'", [3]),
        ("status = error", [3]),
        ("status = ok", [2]),
        ("{ status != unset }", [2, 3]),
        ("status", [2, 3]),
        ("kind = CLIENT", [3]),
        ("kind =~ er$", [1, 2, 3]),
        ("error", [3]),
        ("error = true", [3]),
        ("error = false", [1, 2]),
        ("{ error = false AND service = db }", []),
        ("error != TRUE", [1, 2]),
        ("message", [3]),
        ("message = 'connection refused'", [3]),
        ("message !~ refused", [1, 2]),
        ("{ message !~ refused }", []),
        ('message = ""', []),
        ("trace.spans = 3", [2]),
        ("trace.spans > 2.5", [2]),
        ("trace.errors > 0", [3]),
        ("trace.services = 2", [1, 2, 3]),
        ("root.service = api-gateway", [1, 2, 3]),
        ("root.service != api-gateway", []),
        ("root.operation = 'POST /pay'", [3]),
        ("trace.name = 'api-gateway GET /user'", [2]),
        ("trace.name =~ user", [2]),
        ("trace.id = 00000000000000000000000000000002", [2]),
        ("trace.id = 0002 OR trace.id =~ 3", [2, 3]),
        ("trace.id != 2", [1, 3]),
        ("span.id = 0000000000000005", [2]),
        ("span.id = 5", [2]),
        ("span.id =~ 0[12]$", [1]),
        ("span.id != 5", [1, 3]),
        ("depth = 2", [2]),
        ("depth > 99999999999999999999", []),
        ("duration < 99999999d", [1, 2, 3]),
        ("duration > 0", [1, 2, 3]),
        # attributes
        ("db.statement", [1, 3]),
        ("EXISTS db.statement", [1, 3]),
        ("NOT exists db.statement", [2]),
        ("http.status_code >= 500", [3]),
        ("http.status_code >= 404", [2, 3]),
        ("http.status_code = 404", [2]),
        ("http.status_code = 404.0", [2]),
        ('http.status_code = "404"', [2]),
        ('http.status_code = "404.0"', []),
        ('http.status_code = "502"', [3]),
        ("http.status_code =~ ^[45]", [2, 3]),
        ("db.statement = 'SELECT 1'", [1]),
        ("db.statement = 'SELECT'", []),
        (r"db.statement = 'say \"hi\"'", [3]),
        ("db.statement =~ (?i)select", None),
        ("db.statement =~ '(?i)select'", [1]),
        ("attr.cache", [1]),
        ("attr.cache = true", [1]),
        ("attr.cache = false", []),
        ("attr.cache = 1", []),
        ("attr.peers = b", [3]),
        ("attr.peers =~ ^[bc]", [3]),
        ("{ attr.peers != b }", []),
        ("host.name = h2", [2]),
        ("resource.host.name = h2", [2]),
        ("{ host.name = h2 AND duration > 150ms }", [2]),
        ("{ host.name = h1 AND duration > 150ms }", []),
        ("resource.db.statement", []),
        ("no.such = 1", []),
        ("no.such != 1", [1, 2, 3]),
        ("{ no.such != 1 }", []),
        ("span.http.status_code = 502", [3]),
        ("span.host.name = h2", []),
        ("event.no = 1", []),
        (".http.status_code = 502", [3]),
        # words
        ("Refused", [3]),
        ("'connection refused'", [3]),
        ("connection refused", [3]),
        ("refused user-service", []),
        ("refused AND api-gateway", [3]),
        ("NOT refused", [1, 2]),
        ("{ refused AND service = db }", [3]),
        ("{ refused AND service = api-gateway }", []),
        ("select", [1]),
        ("404", [2]),
        ("peers=b", None),
        ('"peers=b"', [3]),
        ("h1", [2]),
        ("db.statement AND select", [1]),
        ("api-gateway GET", [1, 2]),
        ("error refused", []),
        ("exists", []),
        # joining
        ("service = cart OR service = db AND error", [1, 3]),
        ("(service = cart OR service = db) AND error", [3]),
        ("service==cart||error", [1, 3]),
        ("NOT (service = cart OR error)", [2]),
        ("NOT service = cart AND NOT error", [2]),
        ("  (\n((service=cart)) )\t", [1]),
    ],
)
def test_traces_selected_by_a_query(shop: TraceSet, text: str, traces: list[int] | None) -> None:
    if traces is None:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert found(shop, text) == traces


@pytest.mark.parametrize(
    ("text", "wrong", "reason"),
    [
        ("servce = x AND error", "servce", "no field servce; did you mean service?"),
        ("error AND trace.duratio > 1s", "trace.duratio", "did you mean trace.duration?"),
        ("root.servic = a", "root.servic", "did you mean root.service?"),
        ("service:api", "service:api", "no field service:api"),
        ("500 > duration", "500", "expected a field, found 500"),
        ("duration > 500", "500", "needs a unit"),
        ("duration > fast", "fast", "compared with a duration"),
        ("duration 5ms", "5ms", "expected an operator after duration, found 5ms"),
        ("timeout service = api", "=", "expected AND, OR or the end of the query, found ="),
        ("warning = orphans", "orphans", "warning is one of orphan,"),
        ("duration", "duration", "compare it with a value"),
        ("trace.spans > 5ms", "5ms", "compared with a number"),
        ("trace.spans =~ 5", "=~", "it can be compared with = != > >= < <= only"),
        ("service > api", ">", "it can be compared with = != =~ !~ only"),
        ("status = eror", "eror", "status is one of ok, error, unset"),
        ("error = maybe", "maybe", "true or false"),
        ("http.status_code > many", "many", "needs a number"),
        ("http.time > 5ms", "5ms", "needs a number"),
        ("service =~ '(a'", "'(a'", "not a regular expression"),
        ("service =~ 'a{99999999999}'", "'a{99999999999}'", "not a regular expression"),
        ("service = AND error", "AND", "expected a value, found AND"),
        ("service = a|b", "|", "expected AND, OR or the end of the query, found |"),
        ("service = a error", "error", "expected AND, OR or the end of the query, found error"),
        ("service = 'a", "'", "unclosed quote '"),
        ("(service = a error)", "error", "expected AND, OR or ), found error"),
        ("{ error } }", "}", "unmatched }"),
        ("(error }", "}", "expected AND, OR or ), found }"),
        ("{ error AND { error } }", "{", "remove the inner braces"),
        ("'http.url' = x", "=", "expected AND, OR or the end of the query, found ="),
        ("AND error", "AND", "expected a word or a field"),
        ("NOT", "", "expected a word or a field such as service or duration, but the query ends"),
        ("service = ", "", "expected a value, but the query ends"),
        ("(error", "", "expected AND, OR or ), but the query ends"),
        (
            "trace.start >= 2026-03-11 AND error AND trace.start < 2026-03-10",
            "2026-03-10",
            "ends here, before its beginning",
        ),
        (
            "trace.start <= '2026-03-10' AND trace.start > 2026-03-10",
            "2026-03-10",
            "begins here, after its end at 2026",
        ),
    ],
)
def test_an_error_points_at_the_wrong_word(text: str, wrong: str, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert isinstance(error, UsageError)
    assert reason in error.reason
    if wrong:
        assert text[error.position : error.position + error.length] == wrong
        assert text.rindex(wrong) == error.position
    else:
        assert error.position == len(text.rstrip())
    shown, carets = str(error).split("\n")[1:3]
    assert shown == f"  {text}"
    assert carets == "  " + " " * error.position + "^" * error.length


@pytest.mark.parametrize("joined", ["<= 2026-03-10T10:00Z", "< 2026-03-10T10:00:00.000000001Z"])
def test_window_of_one_moment_is_valid(joined: str) -> None:
    parse(f"trace.start >= 2026-03-10T10:00Z AND trace.start {joined}")
    with pytest.raises(QueryError, match="before its beginning"):
        parse(f"trace.start > 2026-03-10T10:00Z AND trace.start {joined}")


def test_error_suggests_a_correction() -> None:
    for text, hint in {
        "tenant = x": "for an attribute of that name write attr.tenant",
        "service:api": "write the comparison as service = api",
        "duration > 500": "for example 500ms",
        "service = a|b": "write ||, or quote a value that contains |",
        '"http.url" = x': 'write a quoted field as attr."http.url"',
        "timeout service = api": "write AND between words and a comparison",
        "service": 'to search for the word write "service"',
        "status = eror": "did you mean error?",
        "http.time > 5ms": "have no unit",
    }.items():
        with pytest.raises(QueryError) as caught:
            parse(text)
        assert hint in str(caught.value)


def test_error_points_below_wide_characters_and_in_long_queries() -> None:
    with pytest.raises(QueryError) as caught:
        parse("operation = 日本 nope")
    assert str(caught.value).split("\n")[2] == "  " + " " * 17 + "^^^^"
    with pytest.raises(QueryError) as caught:
        parse("service = a OR " * 50 + "servce = b" + " OR service = a" * 50)
    shown, carets = str(caught.value).split("\n")[1:3]
    assert shown[carets.index("^") : carets.index("^") + 6] == "servce"
    assert len(shown) < 80


def test_an_error_is_printable() -> None:
    for text in ("\ud800 = 1", "\x1b[31m.a = \x07 x", "a.b = '\u202e' x"):
        with pytest.raises(QueryError) as caught:
            parse(text)
        assert all(line.isprintable() for line in str(caught.value).split("\n"))


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_empty_query_is_rejected(text: str) -> None:
    with pytest.raises(QueryError, match="the query is empty"):
        parse(text)


def test_depth_has_a_limit_and_no_recursion(shop: TraceSet) -> None:
    deep = 10_000
    assert found(shop, "(" * deep + "error" + ")" * deep) == [3]
    assert found(shop, "NOT " * deep + "error") == [3]
    assert found(shop, "!" * (deep + 1) + "error") == [1, 2]
    assert found(shop, " OR ".join(["error"] * deep)) == [3]
    assert found(shop, "(error AND " * deep + "error" + ")" * deep) == [3]
    with pytest.raises(QueryError, match="nested more than 50 levels deep"):
        parse("(error AND (service = db OR " * deep + "error" + "))" * deep)
    with pytest.raises(QueryError, match="nested more than"):
        parse("NOT (error AND " * deep + "error" + ")" * deep)
    with pytest.raises(QueryError):
        parse("(" * deep)
    with pytest.raises(QueryError):
        parse("{" * deep + "error" + "}" * deep)


WORDS = ("time", "Timeout", "404", "true", "null", "e", "key=", 'say "x', "é", "kafka", "00", "\\", "/", "a=1", "<b>")


@given(st.data())
def test_word_search_equals_a_search_of_every_decoded_span(data: st.DataObject) -> None:
    texts = st.sampled_from(["timeout", 'say "x" é', "KAFKA/1", "true", "404", "\\n", "<b>", ""]) | st.text(max_size=4)
    values = texts | st.integers(-500, 500) | st.booleans() | st.none() | st.lists(texts, max_size=2)
    attributes = st.dictionaries(st.sampled_from(["key", "time", "a", "é"]), values, max_size=3)
    some = [
        [span(operation=data.draw(texts) or "x", attributes=data.draw(attributes), resource=data.draw(attributes))]
        for _ in range(data.draw(st.integers(1, 6)))
    ]
    word = data.draw(st.sampled_from(WORDS) | st.text(min_size=1, max_size=3))
    traces = traces_of(*some, escape=data.draw(st.booleans()))
    expected = []
    for number in range(len(traces)):
        one = traces.span(number)
        texts_of_span = [one.name, one.service, one.status_message]
        for pairs in (one.attributes, one.resource):
            texts_of_span += [f"{key}={part}" for key, value in pairs.items() for part in (*value_parts(value), "")]
        if any(word.lower() in text.lower() for text in texts_of_span):
            expected.append(number + 1)
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'
    assert found(traces, quoted) == expected
    marked = parse(quoted).matching_spans(traces)
    assert (marked.nonzero()[0] + 1).tolist() == expected


def test_fields_of_events_links_and_warnings() -> None:
    other = "4bf92f3577b34da6a3ce929d0e0e4736"
    traces = build(
        given_span("a", 0, 100, trace="1"),
        given_span("b", 1, 5, trace="1", parent="a", events=[(3, "exception", {"exception.type": "Timeout", "n": 7})]),
        given_span("c", 0, 100, trace="2", parent="lost", attributes={"n": 8}),
        given_span("d", 0, 100, trace="3", links=[(other, "00f067aa0ba902b7")]),
        given_span("e", 9, 100, trace="3"),
    )
    for text, expected in {
        "event": [1],
        "event = exception": [1],
        "event != exception": [2, 3],
        "event.n = 7": [1],
        "attr.n >= 7": [1, 2],
        "span.n": [2],
        "event.exception.type = Timeout": [1],
        "exception.type = Timeout": [1],
        "span.exception.type": [],
        "warning = orphan": [2],
        "warning = roots": [3],
        "warning != orphan": [1, 3],
        "warning": [2, 3],
        "NOT warning": [1],
        "link": [3],
        f"link = {other}": [3],
        "4bf92f35": [3],
        "00F067": [3],
        "Timeout": [1],
    }.items():
        assert found(traces, text) == expected, text


def test_a_time_of_day_is_that_of_the_day_of_the_traces() -> None:
    def at(text: str) -> float:
        moment = find_time(text)
        assert moment is not None
        return moment / MS - 1000

    starts = ["2026-03-09T23:50Z", "2026-03-10T00:05Z", "2026-03-10T00:10Z"]
    traces = traces_of(*([span(start_ms=at(text))] for text in starts))
    assert found(traces, "trace.start >= 00:07") == [3]
    assert found(traces, "trace.start < 00:07:00") == [1, 2]
    assert found(traces, "trace.start >= 23:55") == [2, 3]
    assert found(traces, "trace.start > 10:05") == []
    with pytest.raises(QueryError, match="is compared with a time"):
        parse("trace.start > 24:00")


def test_searched_words_are_described() -> None:
    assert parse("timeout AND NOT 'a b' OR error").words == ["timeout", "a b"]
    assert where_searched("service = a") == where_searched("") == ""
    assert where_searched("a b c d").startswith('searched "a", "b", "c", ... in services')


def test_quoted_names(shop: TraceSet) -> None:
    odd = {"weird key": 1, 'quo"te': 2, "grün": 3, "a/b": 4, "service": "inner", "new\nline": 5, "": 6}
    for escape in (True, False):
        traces = traces_of([span(attributes=odd)], [span()], escape=escape)
        for text in (
            'attr."weird key" = 1',
            "`weird key` = 1",
            "attr.`weird key` = 1",
            "attr.'weird key'",
            r'attr."quo\"te" = 2',
            "attr.grün = 3",
            "attr.a/b = 4",
            "attr.service = inner",
            "`service`",
            "attr.'new\nline' = 5",
        ):
            assert found(traces, text) == [1], text
        assert found(traces, "resource.`weird key` = 1") == []


def test_span_attribute_takes_precedence_over_its_resource() -> None:
    traces = traces_of(
        [span(resource={"net.zone": "a"})],
        [span(resource={"net.zone": "a"}, attributes={"net.zone": "b"})],
        [span(attributes={"net.zone": "a"})],
    )
    assert found(traces, "net.zone = a") == [1, 3]
    assert found(traces, "net.zone = b") == [2]
    assert found(traces, "resource.net.zone = a") == [1, 2]
    assert found(traces, "{ net.zone != a }") == [2]


@pytest.mark.parametrize("cost", [0, 1 << 30])
def test_keys_and_values_behind_escapes_are_found(cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribute_search, "_BYTES_PER_READ", cost)
    intake = Intake()
    resource = intake.resources("api", b"", DictCodec())
    for i, raw in enumerate(
        [
            rb'{"app\/name":"x"}',
            rb'{"\u0061pp/name":"x"}',
            b'{"app/name":"x"}',
            rb'{"app/name":"\u0078"}',
            b'{"x":"app/nam"}',
        ]
    ):
        intake.add(
            trace=intake.traces(str(i + 1)),
            span_id=f"{i + 1:016x}",
            parent_id="",
            name="n",
            resource=resource,
            start_ns=1,
            duration_ns=1,
            attributes=raw,
        )
    assert found(assemble(intake), "attr.app/name = x") == [1, 2, 3, 4]


def test_only_candidate_spans_are_decoded() -> None:
    codec = DictCodec()
    lists = [[span("api", attributes={"http.status_code": 200}), span("db", attributes={"a.b": i})] for i in range(100)]
    traces = traces_of(*lists, codec=codec)
    codec.decoded = 0
    assert found(traces, "{ a.b >= 0 AND service = nobody }") == []
    assert codec.decoded == 0
    assert found(traces, "http.status_code = 200 AND trace.id = 7") == [7]
    # the only span of the trace with the key, and the two resources that meet the condition
    assert codec.decoded <= 3
    codec.decoded = 0
    assert len(found(traces, "no.such.key = 1")) == 0
    assert codec.decoded <= 2
    assert len(found(traces, "a.b < 50")) == 50
    assert codec.decoded <= 104


def test_matching_spans_are_those_that_meet_a_condition(shop: TraceSet) -> None:
    def spans(text: str) -> list[int]:
        return np.flatnonzero(parse(text).matching_spans(shop)).tolist()

    assert spans("service = user-service") == [3, 4]
    assert spans("service = user-service AND kind = server") == [2, 3, 4]
    assert spans("kind = server") == [0, 2, 5]
    assert spans("{ service = user-service AND duration > 150ms }") == [4]
    assert spans("service = cart OR error") == [1, 6]
    assert spans("service != cart") == []
    assert spans("NOT error") == []
    assert spans("duration > 0") == []
    # trace 1 meets a part of it, but not all
    assert spans("kind = server AND error") == [5, 6]
    assert spans("{ NOT error AND service = db }") == []


def test_only_requested_traces_match(shop: TraceSet) -> None:
    among = np.array([True, False, True])
    assert parse("service = api-gateway").matches(shop, among=among).tolist() == [True, False, True]
    assert parse("NOT error").matches(shop, among=among).tolist() == [True, False, False]


@pytest.mark.parametrize(
    "text",
    [
        "error",
        "NOT error",
        "duration > 1s",
        "trace.services = 1",
        "a.b = 1 AND resource.x",
        "trace.name = x AND root.service = y OR span.id = 1 OR trace.id = 2 OR { status = ok AND a.b }",
    ],
)
def test_an_empty_set_has_no_matches(text: str) -> None:
    empty = assemble(Intake())
    assert parse(text).matches(empty).tolist() == []
    assert parse(text).matching_spans(empty).tolist() == []


def test_queries_with_equal_text_are_equal() -> None:
    assert parse("error") == parse("error")
    assert hash(parse("error")) == hash(parse("error"))
    assert parse("error") != parse("service = x")
    assert str(parse("error")) == "error"


def test_every_word_of_the_vocabulary_is_explained() -> None:
    for name, each in FIELDS.items():
        assert each.help
        assert "\n" not in each.help
        value = {
            "duration": "5ms",
            "number": "5",
            "flag": "true",
            "time": "2024-05-01",
            "choice": (*each.choices, "")[0],
        }.get(each.type.value, "x")
        parse(f"{name} = {value}")
    assert {"AND", "OR", "NOT"} <= KEYWORDS.keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400_000_000_000),
        ("1970-01-01T00:01Z", 60_000_000_000),
        ("1970-01-01t01:00:01.5+01:00", 1_500_000_000),
        ("1970-01-01T00:00:00.000000001", 1),
        ("1970-13-01", None),
        ("10:03", None),
    ],
)
def test_times(text: str, expected: int | None) -> None:
    assert find_time(text) == expected


def test_any_key_of_a_scope_can_be_quoted() -> None:
    for scope in ("attr", "span", "resource", "event"):
        assert parse(f"{scope}.`a b` = 1").root == parse(f'{scope}."a b" = 1').root


def test_the_parser_is_loaded_when_a_query_is_read() -> None:
    code = (
        "import sys; import tracetui.query.trace_filters, tracetui.query as q;"
        "assert not {'lark', 'difflib'} & sys.modules.keys(); q.parse('error'); assert 'lark' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                [
                    *FIELDS,
                    *KEYWORDS,
                    "}",
                    ")",
                    "a.b",
                    "x",
                    "5",
                    "5ms",
                    '"q"',
                    "'",
                    '"',
                    "`k`",
                    "&&",
                    "|",
                    "~",
                    "attr.",
                    "\\",
                    "\n",
                    "true",
                ]
            )
        ).map(" ".join),
    )
)
@examples(3)
def test_any_text_parses_or_raises_a_query_error(text: str) -> None:
    query = error = None
    try:
        query = parse(text)
    except QueryError as raised:
        error = raised
    if error:
        assert 0 <= error.position <= len(text)
        assert error.length >= 1
        assert all(line.isprintable() for line in str(error).split("\n"))
    if query:
        query.matches(assemble(Intake()))


# a generated query: its text, and its test of a span (inside braces) or of the spans of a trace
SpanTest = tuple[str, Callable[[Span], bool]]
TraceTest = tuple[str, Callable[[list[Span]], bool]]

SERVICES = ["api", "db", "user-service"]
NAMES = ["GET /a", "query", "5"]
KEYS = ["http.status_code", "attr.flag", "db.x", "`grün`"]
VALUES: list[Any] = [200, 500, 500.5, "500", "GET", "a b", True, "true", None, ["GET", 500], {"k": "v"}, -3]
LITERALS = ["500", "200.0", "GET", "a b", "true", "500.5", "^5", "-3", "e"]


def _key(written: str) -> str:
    return written.removeprefix("attr.").strip("`")


def _scalars(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _reference_number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (ValueError, TypeError):
        return None


def _reference_equal(value: Any, literal: str, quoted: bool) -> bool:
    if isinstance(value, bool):
        return literal.lower() == str(value).lower()
    if isinstance(value, str) and (value == literal or quoted):
        return value == literal
    number = _reference_number(value)
    return number is not None and number == _reference_number(literal)


def _reference_search(value: Any, literal: str) -> bool:
    if isinstance(value, bool):
        value = str(value).lower()
    return isinstance(value, (str, int, float)) and re.search(literal, str(value)) is not None


def _attribute(key: str, operator: str, literal: str, quoted: bool) -> Callable[[Span], bool]:
    def holds(one: Span) -> bool:
        if key in one.attributes:
            value: Any = one.attributes[key]
        elif key in one.resource:
            value = one.resource[key]
        else:
            return False
        if operator == "":
            return True
        equal = any(_reference_equal(v, literal, quoted) for v in _scalars(value))
        searched = any(_reference_search(v, literal) for v in _scalars(value))
        ordered = False
        for number in map(_reference_number, _scalars(value)):
            if number is None:
                continue
            limit = float(literal) if operator in "<=>=" and operator != "=" else 0.0
            ordered |= {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}.get(
                operator, False
            )
        return {"=": equal, "!=": not equal, "=~": searched, "!~": not searched}.get(operator, ordered)

    return holds


@st.composite
def span_tests(draw: st.DrawFn, in_braces: bool = True) -> tuple[str, str, Callable[[Span], bool]]:
    """Draw a comparison. -> text, operator, its test of one span"""
    what = draw(st.sampled_from(["service", "operation", "kind", "status", "duration", "depthless", "message", "attr"]))
    if what in ("service", "operation", "message"):
        operator = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
        literal = draw(st.sampled_from([*SERVICES, *NAMES, "e", "^u", "refused"]))

        def text_holds(one: Span) -> bool:
            text = {"service": one.service, "operation": one.name, "message": one.status_message}[what]
            if what == "message" and not text:
                return False
            meets = text == literal if "~" not in operator else re.search(literal, text) is not None
            return meets is not operator.startswith("!")

        return f'{what} {operator} "{literal}"', operator, text_holds
    if what == "kind":
        kind = draw(st.sampled_from(list(Kind)))
        operator = draw(st.sampled_from(["=", "!="]))
        # a span without a kind is internal
        return f"kind {operator} {kind.name}", operator, lambda one: ((one.kind or 1) == kind) is (operator == "=")
    if what == "status":
        status = draw(st.sampled_from(["ok", "error", "unset"]))

        def status_of(one: Span) -> str:
            return "error" if one.error else "ok" if one.status == Status.OK else "unset"

        operator = draw(st.sampled_from(["=", "!="]))
        return f"status {operator} {status}", operator, lambda one: (status_of(one) == status) is (operator == "=")
    if what == "duration":
        limit = draw(st.integers(0, 8))
        operator = draw(st.sampled_from([">", "<=", "="]))
        return (
            f"span.duration {operator} {limit}ms",
            operator,
            lambda one: {
                ">": one.duration_ns > limit * MS,
                "<=": one.duration_ns <= limit * MS,
                "=": one.duration_ns == limit * MS,
            }[operator],
        )
    if what == "depthless":
        return "error", "", lambda one: one.error
    key = draw(st.sampled_from(KEYS))
    operator = draw(st.sampled_from(["", "=", "!=", "=~", "!~", ">", "<="]))
    literals = ["500", "200.0", "-3"] if operator in (">", "<=") else LITERALS
    literal = draw(st.sampled_from(literals))
    quoted = draw(st.booleans()) or " " in literal
    written = f'"{literal}"' if quoted else literal
    text = f"{key} {operator} {written}" if operator else key
    return text, operator, _attribute(_key(key), operator, literal, quoted)


def _join(tests: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def both(pair: tuple[Any, Any]) -> Any:
        (a, f), (b, g) = pair
        return f"({a} AND {b})", lambda x: f(x) and g(x)

    def either(pair: tuple[Any, Any]) -> Any:
        (a, f), (b, g) = pair
        return f"({a} or {b})", lambda x: f(x) or g(x)

    def neither(one: Any) -> Any:
        return f"NOT {one[0]}", lambda x: not one[1](x)

    return st.one_of(st.tuples(tests, tests).map(both), st.tuples(tests, tests).map(either), tests.map(neither))


IN_BRACES: st.SearchStrategy[SpanTest] = st.recursive(
    span_tests().map(lambda test: (test[0], test[2])), _join, max_leaves=4
)


def _of_any_span(test: tuple[str, str, Callable[[Span], bool]]) -> TraceTest:
    text, operator, holds = test
    if operator not in ("!=", "!~"):
        return text, lambda spans: any(map(holds, spans))
    present = re.split(r" (?:!=|!~) ", text)[0]
    key = _key(present)

    def is_present(one: Span) -> bool:
        if present in ("service", "operation", "kind", "status"):
            return True
        if present == "message":
            return bool(one.status_message)
        return key in one.attributes or key in one.resource

    # no span has the value: every span either lacks the field or differs
    return text, lambda spans: all(holds(one) or not is_present(one) for one in spans)


def _of_one_span(test: SpanTest) -> TraceTest:
    return f"{{ {test[0]} }}", lambda spans: any(map(test[1], spans))


def _whole(limit: int) -> TraceTest:
    def holds(spans: list[Span]) -> bool:
        return max(one.end_ns for one in spans) - min(one.start_ns for one in spans) > limit * MS

    return f"duration > {limit}ms", holds


QUERIES: st.SearchStrategy[TraceTest] = st.recursive(
    st.one_of(span_tests().map(_of_any_span), IN_BRACES.map(_of_one_span), st.integers(0, 8).map(_whole)),
    _join,
    max_leaves=5,
)


@st.composite
def trace_sets(draw: st.DrawFn) -> TraceSet:
    pairs = st.dictionaries(st.sampled_from([_key(key) for key in KEYS]), st.sampled_from(VALUES), max_size=3)
    error = st.booleans()
    one_span = st.builds(
        span,
        st.sampled_from(SERVICES),
        st.sampled_from(NAMES),
        ms=st.integers(0, 8),
        start_ms=st.integers(0, 4),
        resource=pairs,
        attributes=pairs,
        kind=st.sampled_from(list(Kind)),
        status=st.sampled_from([Status.OK, Status.UNSET]),
        error=error,
        status_message=st.sampled_from(["", "refused", "e"]),
    )
    lists = draw(st.lists(st.lists(one_span, min_size=1, max_size=4), max_size=5))
    return traces_of(*lists, escape=draw(st.booleans()))


@given(trace_sets(), QUERIES, st.sampled_from([0, 1 << 30]), st.sampled_from([0, 1 << 30]))
@examples(3)
def test_column_evaluation_equals_evaluation_span_by_span(
    traces: TraceSet, query: TraceTest, few: int, cost: int
) -> None:
    text, holds = query
    spans = [[traces.span(i) for i in traces.spans_of(t)] for t in range(traces.trace_count)]
    with patch.object(evaluate, "_MANY_SPANS", few), patch.object(attribute_search, "_BYTES_PER_READ", cost):
        assert parse(text).matches(traces).tolist() == [holds(each) for each in spans]


@given(trace_sets(), IN_BRACES)
@settings(deadline=None)
def test_matching_spans_meet_the_braces(traces: TraceSet, test: SpanTest) -> None:
    text, holds = test
    expected = [holds(traces.span(i)) for i in range(len(traces))]
    assert parse(f"{{{text}}}").matching_spans(traces).tolist() == expected


@given(st.text(st.sampled_from("0123456789.eE+-_naif ")))
def test_numbers_are_finite(text: str) -> None:
    number = find_number(text)
    assert number is None or float(number) == float(text)
    find_duration(text)


def test_integers_beyond_floats_stay_exact() -> None:
    traces = traces_of([span(attributes={"n.id": 2**63 + 1})], [span(attributes={"n.id": str(2**63)})])
    assert found(traces, f"n.id = {2**63}") == [2]
    assert found(traces, f"n.id > {2**63}") == [1]


def test_descendant_conditions() -> None:
    traces = build(
        given_span("1", 0, 90, service="web"),
        given_span("2", 10, 80, parent="1", service="api", name="get"),
        given_span("3", 20, 70, parent="2", service="db"),
        given_span("4", 80, 90, parent="1", service="cache"),
        given_span("1", 0, 90, trace="2", service="api", name="put"),
        given_span("2", 10, 80, trace="2", parent="1", service="cache"),
        given_span("3", 10, 80, trace="2", service="db"),
    )

    def found(text: str) -> list[bool]:
        return [bool(matches) for matches in parse(text).matches(traces)]

    assert found("{ service = web } >> { service = db }") == [True, False]
    assert found("{ service = api } >> { service = cache }") == [False, True]
    assert found("{ service = api } >> { service = db } OR { service = api } >> { service = cache }") == [True, True]
    assert found("{ service = web } >> { operation = get AND service = api } >> { service = db }") == [True, False]
    assert found("NOT { service = web } >> { service = db }") == [False, True]
    # a span is not below itself
    assert found("{ service = db } >> { service = db }") == [False, False]
    assert parse("{ service = web } >> { service = db }").matching_spans(traces).tolist().count(True) == 1


@given(service_sets(), st.sampled_from("ab"), st.sampled_from("bc"))
def test_descendants_equal_those_of_the_reference(spans: list[GivenSpan], above: str, below: str) -> None:
    traces = build(*spans)

    def is_below(i: int) -> bool:
        at = int(traces.parent[i])
        while at >= 0:
            if traces.service_name(at) == above:
                return True
            at = int(traces.parent[at])
        return False

    wanted = {int(traces.trace[i]) for i in range(len(traces)) if traces.service_name(i) == below and is_below(i)}
    text = f"{{ service = {above} }} >> {{ service = {below} }}"
    assert set(np.flatnonzero(parse(text).matches(traces)).tolist()) == wanted


@pytest.mark.parametrize(
    "text", ["{ service = a } >>", ">> { service = a }", "{ service = a } >> service = b", "service = a >> { error }"]
)
def test_descendant_operator_is_between_braces(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


SLOW_PATTERN = "(a|aa)+$"


@pytest.mark.parametrize("condition", ["operation", "attr.note"])
def test_error_points_at_a_slow_pattern(condition: str) -> None:
    text = "a" * 90 + "b"
    traces = build(GivenSpan("1", 0, MS, name=text, attributes={"note": text}))
    query = f'{condition} =~ "{SLOW_PATTERN}"'
    with pytest.raises(QueryError, match="takes too long on a text of 91 characters; use a simpler pattern") as raised:
        parse(query).matches(traces)
    assert query[raised.value.position :][: raised.value.length] == f'"{SLOW_PATTERN}"'


_PATTERN_PIECES = [
    "a",
    "b",
    ".",
    "[ab]",
    "[^a]",
    "(ab)",
    "(?:a|b)",
    "(a+)",
    "{",
    "{e<=1}",
    "[[:alpha:]]",
    r"\{",
    r"\w",
    "|",
]


@given(
    st.lists(st.tuples(st.sampled_from(_PATTERN_PIECES), st.sampled_from(["", "", "?", "*", "+", "{1,2}", "+?"]))),
    st.sampled_from(["", "(?i)", "^"]),
    st.text("abAB{e<=1}:[] \n", max_size=12),
)
def test_patterns_match_as_the_standard_library_does(pieces: list[tuple[str, str]], begin: str, text: str) -> None:
    written = begin + "".join(piece + sign for piece, sign in pieces)
    try:
        with warnings.catch_warnings():
            # that `[[` may get another meaning
            warnings.simplefilter("ignore")
            expected = re.search(written, text) is not None
    except re.error:
        return
    pattern = Pattern(written, 0, 1)
    assert pattern.test()(text) is expected
    # as if any text could take long
    pattern._longest = pattern._longest_unmeasured = -1
    assert pattern.test()(text) is expected
