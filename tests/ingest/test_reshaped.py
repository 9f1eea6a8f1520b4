"""Values in the forms of other writers give the same spans as specified ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import writer_forms
from tests.support.decoding import read
from tests.support.strategies import unhurried
from tracetui.model.span import Span
from tracetui.model.traces import TraceSet

AS_WRITTEN = ("span.kind", "otel.status_code")
Write = Callable[[list[Any], Random | None], bytes]
WRITERS: dict[str, Write] = {"otlp": writer_forms.otlp, "jaeger": writer_forms.jaeger, "zipkin": writer_forms.zipkin}

VALUES = st.one_of(
    st.sampled_from(["", "GET", "a b", "é", "12", "true"]),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.sampled_from([0.5, -2.25, 1e300]),
    st.lists(st.sampled_from(["x", "y"]), max_size=2),
)
KEYS = st.sampled_from(
    ["http.status_code", "error", "db.system", "db.name", "peer.service", "user.id", "a", "rpc.grpc.status_code"]
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=3)
TICKS = st.integers(1, 10**6).map(lambda tick: tick * 1000)


@st.composite
def given_spans(draw: st.DrawFn) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        start = writer_forms.START + draw(TICKS)
        spans.append(
            {
                "trace": f"{0xC0FFEE << 96 | draw(st.integers(1, 2)):032x}",
                "id": f"{0xABCDEF << 40 | number + 1:016x}",
                "parent": spans[draw(st.integers(0, number - 1))]["id"] if number and draw(st.booleans()) else "",
                "service": draw(st.sampled_from(["web", "db api"])),
                "name": draw(st.sampled_from(["GET /", "query"])),
                "kind": draw(st.integers(0, 5)),
                "status": draw(st.integers(0, 2)),
                "message": draw(st.sampled_from(["", "boom"])),
                "start": start,
                "length": draw(TICKS),
                "attributes": draw(ATTRIBUTES),
                "events": draw(st.lists(st.tuples(st.just(start + 1000), st.just("e"), ATTRIBUTES), max_size=2)),
                "links": draw(st.lists(st.just((f"{7:032x}", f"{8:016x}")), max_size=1)),
            }
        )
    return spans


def spans_of(traces: TraceSet) -> list[Span]:
    """Return the spans without the tags for kind and status, which keep their original form."""
    found = [
        replace(span, attributes={key: value for key, value in span.attributes.items() if key not in AS_WRITTEN})
        for span in map(traces.span, range(len(traces)))
    ]
    return sorted(found, key=lambda span: (span.trace_id, span.span_id))


@pytest.mark.parametrize("form", WRITERS)
@unhurried
@given(given_spans(), st.randoms(use_true_random=False))
def test_values_in_other_forms_give_the_same_spans(form: str, spans: list[Any], random: Random) -> None:
    specified = read(WRITERS[form](spans, None))
    text = WRITERS[form](spans, random)
    reshaped = read(text)
    assert len(specified) == len(spans)
    assert [str(warning) for warning in reshaped.load_warnings] == [], text
    assert spans_of(reshaped) == spans_of(specified), text
    # empty values have no separators
    for i, span in enumerate(map(reshaped.span, range(len(reshaped)))):
        assert (bool(reshaped.event_bytes[i]), bool(reshaped.link_bytes[i])) == (bool(span.events), bool(span.links))


@pytest.mark.parametrize("form", WRITERS)
@unhurried
@given(given_spans(), st.randoms(use_true_random=False))
def test_surplus_commas_are_repaired_with_a_warning(form: str, spans: list[Any], random: Random) -> None:
    text = WRITERS[form](spans, None)
    broken, count = writer_forms.with_commas(text, random)
    found = read(broken)
    assert spans_of(found) == spans_of(read(text)), broken
    warnings = [warning.message for warning in found.load_warnings]
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    assert warnings == ([f"surplus comma{more}; ignored"] if count else [])


OTLP = b'{"resourceSpans":[{"resource":%s,"scopeSpans":[{"spans":[{"traceId":"%032x","spanId":"%016x",%s}]}]}]}'
JAEGER = b'{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"2","processID":"p1",%s}],"processes":{"p1":%s}}]}'
ZIPKIN = b'[{"traceId":"1","id":"2",%s}]'
WEB = b'{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]}'
AT = b'"startTimeUnixNano":1,"endTimeUnixNano":2'
UNREAD = {
    "attributes of 1 span cannot be read": OTLP % (WEB, 1, 2, b'"attributes":5,' + AT),
    "events of 1 span cannot be read": OTLP % (WEB, 1, 2, b'"events":"none",' + AT),
    "links of 1 span cannot be read": OTLP % (WEB, 1, 2, b'"links":true,' + AT),
    "kind 'SERVERLESS' of 1 span is unknown": OTLP % (WEB, 1, 2, b'"kind":"SERVERLESS",' + AT),
    "kind 9 of 1 span is unknown": OTLP % (WEB, 1, 2, b'"kind":9,' + AT),
    "status code 'FAILED' of 1 span is unknown": OTLP % (WEB, 1, 2, b'"status":"FAILED",' + AT),
    "status code 7 of 1 span is unknown": OTLP % (WEB, 1, 2, b'"status":7,' + AT),
    "parentSpanId cannot be read; shown as a root": OTLP % (WEB, 1, 2, b'"parentSpanId":{"hex":"1"},' + AT),
    "parentId cannot be read; shown as a root": ZIPKIN % b'"parentId":{"hex":"1"},"tags":{}',
    "the id of a parent or link cannot be read": JAEGER % (b'"parentSpanID":{"hex":"1"}', b'{"serviceName":"web"}'),
    "the id of a parent or link cannot be read; ignored": JAEGER
    % (b'"references":[{"refType":"CHILD_OF","traceID":"1","spanID":{"hex":"1"}}]', b'{"serviceName":"web"}'),
    "startTimeUnixNano is not a time": OTLP % (WEB, 1, 2, b'"startTimeUnixNano":{"low":1}'),
    "service name of 1 span cannot be read": OTLP
    % (b'{"attributes":[{"name":"service.name","content":"web"}]}', 1, 2, AT),
    "service name of 1 span cannot be read: unknown structure": OTLP % (b'{"attributes":7}', 1, 2, AT),
    "service name of 1 span cannot be read: ": OTLP
    % (b'{"attributes":[{"key":"service.name","value":{"text":"web"}}]}', 1, 2, AT),
    "status code 'FAILED' of 1 span is unknown; read as unset": JAEGER
    % (b'"tags":[{"key":"otel.status_code","type":"string","value":"FAILED"}]', b'{"serviceName":"web"}'),
    "kind 'serverless' of 1 span is unknown": JAEGER
    % (b'"tags":[{"key":"span.kind","type":"string","value":"serverless"}]', b'{"serviceName":"web"}'),
    "reference type 'NEAR' of 1 span is unknown": JAEGER
    % (b'"references":[{"refType":"NEAR","traceID":"1","spanID":"3"}]', b'{"serviceName":"web"}'),
    "a parent or link cannot be read: not an object": JAEGER % (b'"references":["3"]', b'{"serviceName":"web"}'),
    "tags of 1 span cannot be read": JAEGER % (b'"tags":5', b'{"serviceName":"web"}'),
    "process 'p1' has no service name": JAEGER % (b'"tags":[]', b'{"title":"web"}'),
    "startTime: not a time": JAEGER % (b'"startTime":"soon"', b'{"serviceName":"web"}'),
    "kind 'SERVERLESS' of 1 span is unknown; read as internal": ZIPKIN % b'"kind":"SERVERLESS"',
    "tags of 1 span cannot be read: unknown structure": ZIPKIN % b'"tags":5,"kind":"SERVER"',
    "annotations of 1 span cannot be read": ZIPKIN % b'"annotations":5,"tags":{}',
    "status code 'BAD' of 1 span is unknown; read as unset": ZIPKIN % b'"tags":{"otel.status_code":"BAD"}',
    "service name of 1 span cannot be read: unknown": ZIPKIN % b'"localEndpoint":{"title":"web"}',
}


@pytest.mark.parametrize("message", UNREAD)
def test_unreadable_fields_are_reported(message: str) -> None:
    found = read(UNREAD[message])
    assert len(found) == 1
    assert [message in str(warning) for warning in found.load_warnings] == [True], found.load_warnings
    found.span(0)
