"""Responses cut into pieces while they arrive: nothing is lost, and each piece can be decoded on its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.recordings import recorded
from tracetui.ingest.servers import stream_split as module
from tracetui.ingest.servers.stream_split import JAEGER_V1, OTLP, ZIPKIN, Shape, split_stream

HOSTILE = (
    "}],[{",
    "],[",
    '"spans":[',
    '},{"traceID":"1f","spans":[',
    '},{"resource":{',
    ']},{"',
    "\\",
    '"',
    '\\"',
    "{[",
    "größe \x1b",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8))
values = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()), lambda inner: st.lists(inner, max_size=3)
)
objects = st.dictionaries(texts, values, max_size=3)

jaeger_items = st.builds(
    lambda number, spans, processes: {"traceID": f"{number:x}", "spans": spans, "processes": processes},
    st.integers(0, 1 << 128),
    st.lists(objects, max_size=3),
    objects,
)
otlp_items = st.builds(
    lambda resource, spans: {"resource": resource, "scopeSpans": [{"spans": spans}]},
    objects,
    st.lists(objects, max_size=3),
)
zipkin_items = st.lists(objects, min_size=1, max_size=3)


def jaeger(items: list[Any]) -> Any:
    return {"data": items, "total": 0, "limit": 0, "offset": 0, "errors": None}


def otlp(items: list[Any]) -> Any:
    return {"result": {"resourceSpans": items}}


KINDS: dict[str, tuple[Shape, Any, Any, Any]] = {
    "jaeger": (JAEGER_V1, jaeger_items, jaeger, lambda answer: answer["data"]),
    "otlp": (OTLP, otlp_items, otlp, lambda answer: answer["result"]["resourceSpans"]),
    "zipkin": (ZIPKIN, zipkin_items, lambda items: items, lambda answer: answer),
}
WRITTEN = ((",", ":"), (", ", ": "), (" ,\n ", " : "))


@pytest.fixture(scope="module", autouse=True)
def soon() -> Iterator[None]:
    """Cut after a few bytes, as generated responses are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FIRST_BYTES", 16)
        patch.setattr(module, "_SEARCHED", 64)
        yield


def chunked(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[begin:end] for begin, end in pairwise(places)]


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, list[Any], bytes, list[bytes]]:
    kind = draw(st.sampled_from(sorted(KINDS)))
    _, items, wrapped, _ = KINDS[kind]
    given_items = draw(st.lists(items, max_size=8))
    written = json.dumps(
        wrapped(given_items), separators=draw(st.sampled_from(WRITTEN)), ensure_ascii=draw(st.booleans())
    )
    body = written.encode("utf-8", "replace")
    return kind, given_items, body, chunked(body, draw(st.lists(st.integers(0, 1 << 16), max_size=12)))


@settings(max_examples=60)
@given(answers())
def test_pieces_together_equal_the_response(given_response: tuple[str, list[Any], bytes, list[bytes]]) -> None:
    kind, _, body, chunks = given_response
    shape, _, _, items_of = KINDS[kind]
    found = [item for piece in split_stream(chunks, shape) for item in items_of(json.loads(piece))]
    assert found == items_of(json.loads(body))


class CutOffTestError(Exception):
    pass


@settings(max_examples=60)
@given(answers(), st.integers(0, 1 << 16))
def test_cut_off_response_loses_no_received_item(
    given_response: tuple[str, list[Any], bytes, list[bytes]], at: int
) -> None:
    kind, _, body, _ = given_response
    shape, _, _, items_of = KINDS[kind]
    cut = at % len(body)

    def chunks() -> Iterator[bytes]:
        yield from chunked(body[:cut], [at // 3, at // 7])
        raise CutOffTestError

    found: list[bytes] = []
    with pytest.raises(CutOffTestError):
        found.extend(split_stream(chunks(), shape))
    whole = [item for piece in found[:-1] for item in items_of(json.loads(piece))]
    assert whole == items_of(json.loads(body))[: len(whole)]
    # no byte is missing
    kept = b"".join(
        piece.removeprefix(shape.opening if number else b"").removesuffix(
            shape.closing if number < len(found) - 1 else b""
        )
        + (b"," if number < len(found) - 1 else b"")
        for number, piece in enumerate(found)
    )
    assert kept == body[:cut]


@pytest.mark.parametrize("kind", KINDS)
def test_long_responses_have_many_pieces(kind: str) -> None:
    shape, _, wrapped, items_of = KINDS[kind]
    items = {
        "jaeger": [{"traceID": "ab", "spans": [{"operationName": "},{" * 9}], "processes": {}}] * 200,
        "otlp": [{"resource": {"x": "},{" * 9}, "scopeSpans": []}] * 200,
        "zipkin": [[{"traceId": "a", "name": "],[" * 9}]] * 200,
    }[kind]
    body = json.dumps(wrapped(items)).encode()
    found = list(split_stream(chunked(body, list(range(0, len(body), 64))), shape))
    assert len(found) > 4
    assert [item for piece in found for item in items_of(json.loads(piece))] == items


@pytest.mark.parametrize(
    ("shape", "name", "answer"),
    [
        (JAEGER_V1, "jaeger-2.20-v1", "search"),
        (OTLP, "jaeger-2.20-v3", "search"),
        (ZIPKIN, "zipkin-3.5.1", "search"),
    ],
)
def test_recorded_responses_in_pieces(shape: Shape, name: str, answer: str) -> None:
    body = recorded(name)[answer].body
    items_of = next(items_of for other, _, _, items_of in KINDS.values() if other is shape)
    found = list(split_stream(chunked(body, list(range(0, len(body), 100))), shape))
    items = items_of(json.loads(body))
    assert [item for piece in found for item in items_of(json.loads(piece))] == items
    assert len(found) > 1


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (JAEGER_V1, recorded("jaeger-2.20-v1")["search-none"].body),
        (JAEGER_V1, b'{"data": null, "total": 0, "errors": null}'),
        (ZIPKIN, b"[]"),
        (ZIPKIN, b" [ ]\n"),
        (OTLP, b'{"result":{"resourceSpans":[]}}'),
        (OTLP, b'{"result":{}}'),
        (OTLP, b""),
    ],
)
def test_empty_responses_have_no_pieces(shape: Shape, body: bytes) -> None:
    assert list(split_stream([body[:5], body[5:]], shape)) == []


@pytest.mark.parametrize(
    ("shape", "body"),
    [(JAEGER_V1, b'{"data":[],"errors":[{"msg":"no"}]}'), (OTLP, b'{"error":{"message":"no"}}'), (ZIPKIN, b"{}")],
)
def test_further_messages_of_a_response_are_passed_on(shape: Shape, body: bytes) -> None:
    assert list(split_stream([body], shape)) == [body]
