"""The error rule, and its use by every decoder."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.span_formats import FORMATS, Format, Plain, Style
from tests.support.strategies import unhurried
from tracetui.ingest.formats.error_rule import StatusSource, decide_status, deciding_keys, needles
from tracetui.ingest.formats.field_names import read_kind, read_status
from tracetui.model.conventions import GRPC_NAMES, grpc_code
from tracetui.model.span import Kind, Status, Value

C, S = Kind.CLIENT, Kind.SERVER
UNSET, OK, ERROR = Status.UNSET, Status.OK, Status.ERROR


@pytest.mark.parametrize(
    ("kind", "status", "attributes", "expected"),
    [
        # 1: the status
        (S, ERROR, {}, True),
        (S, ERROR, {"error": False, "otel.status_code": "OK", "http.status_code": 200}, True),
        (S, OK, {"error": True}, False),
        (S, OK, {"otel.status_code": "ERROR"}, False),
        (S, OK, {"http.status_code": 500, "rpc.grpc.status_code": 14, "error.type": "x"}, False),
        (S, UNSET, {"otel.status_code": "error"}, True),
        (S, UNSET, {"otel.status_code": "Ok", "error": True, "http.status_code": 500}, False),
        (S, UNSET, {"otel.status_code": "ERROR", "error": False}, True),
        (S, UNSET, {"otel.status_code": "UNSET", "http.status_code": 500}, True),
        (S, UNSET, {"otel.status_code": 2}, True),
        (S, UNSET, {"otel.status_code": "STATUS_CODE_ERROR"}, True),
        (S, UNSET, {"otel.status_code": "1", "error": True}, False),
        (S, UNSET, {"otel.status_code": "nobody knows", "error": True}, True),
        # 2: the tag `error`
        (S, UNSET, {"error": True}, True),
        (S, UNSET, {"error": "true"}, True),
        (S, UNSET, {"error": "disk full"}, True),
        (S, UNSET, {"error": 1}, True),
        (S, UNSET, {"error": "yes", "http.status_code": 200}, True),
        (S, UNSET, {"error": False, "http.status_code": 500}, False),
        (S, UNSET, {"error": "FALSE", "rpc.grpc.status_code": 14}, False),
        (S, UNSET, {"error": " 0 "}, False),
        (S, UNSET, {"error": ""}, False),
        (S, UNSET, {"error": 0}, False),
        (S, UNSET, {"error": None}, False),
        (S, UNSET, {"error": None, "http.status_code": 500}, True),
        # 3: gRPC, before HTTP
        (C, UNSET, {"rpc.grpc.status_code": 5}, True),
        (S, UNSET, {"rpc.grpc.status_code": 5}, False),
        (S, UNSET, {"rpc.grpc.status_code": 5, "http.status_code": 500}, False),
        (S, UNSET, {"rpc.grpc.status_code": 13}, True),
        (S, UNSET, {"rpc.grpc.status_code": "14"}, True),
        (Kind.CONSUMER, UNSET, {"rpc.grpc.status_code": 16}, True),
        (Kind.INTERNAL, UNSET, {"rpc.grpc.status_code": 16}, True),
        (S, UNSET, {"rpc.response.status_code": "DEADLINE_EXCEEDED"}, True),
        (S, UNSET, {"rpc.status_code": "deadline_exceeded"}, True),
        (C, UNSET, {"rpc.grpc.status_code": "NotFound"}, True),
        (S, UNSET, {"rpc.grpc.status_code": "StatusCode.NOT_FOUND", "http.status_code": 500}, False),
        (S, UNSET, {"rpc.grpc.status_code": "StatusCode.UNAVAILABLE"}, True),
        (C, UNSET, {"rpc.response.status_code": "OK", "error.type": "x"}, False),
        (C, UNSET, {"grpc.status_code": "14", "http.status_code": "200"}, True),
        (C, UNSET, {"grpc.status_code": "0", "http.status_code": "500"}, False),
        (C, UNSET, {"grpc-status": "13", "http.response.status_code": 200}, True),
        (S, UNSET, {"grpc-status": 3}, False),
        (C, UNSET, {"rpc.status_code": "nobody knows", "rpc.grpc.status_code": 0, "http.status_code": 500}, False),
        (C, UNSET, {"rpc.response.status_code": "-32601", "http.status_code": 500}, True),
        # 4: HTTP
        (S, UNSET, {"http.response.status_code": 500}, True),
        (C, UNSET, {"http.status_code": "503"}, True),
        (S, UNSET, {"http.status_code": 499}, False),
        (C, UNSET, {"http.status_code": 404}, False),
        (C, UNSET, {"http.status_code": 404, "error.type": "404"}, False),
        (Kind.INTERNAL, UNSET, {"http.status_code": 404}, False),
        (C, UNSET, {"http.status_code": 399, "error.type": "x"}, False),
        (C, UNSET, {"http.response.status_code": 200, "http.status_code": 500}, False),
        (C, UNSET, {"http.status_code": "soon"}, False),
        (C, UNSET, {"http.status_code": "soon", "error.type": "x"}, True),
        (C, UNSET, {"http.status_code": True}, False),
        (C, UNSET, {"http.status_code": float("nan")}, False),
        (C, UNSET, {"http.status_code": float("inf")}, False),
        (C, UNSET, {"http.status_code": 10**400}, False),
        (C, UNSET, {"http.status_code": "9" * 5000}, False),
        (C, UNSET, {"http.status_code": [500]}, False),
        # 5: error.type
        (S, UNSET, {"error.type": "TimeoutError"}, True),
        (S, UNSET, {"error.type": ""}, False),
        (S, UNSET, {"exception.message": "handled"}, False),
        (S, UNSET, {}, False),
    ],
)
def test_decision_table(kind: Kind, status: Status, attributes: dict[str, Value], expected: bool) -> None:
    assert decide_status(kind, status, attributes)[1] is expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("server", S), ("SPAN_KIND_CLIENT", C), ("Producer", Kind.PRODUCER), (5, Kind.CONSUMER), ("", 0), (None, 0),
     ("3", C), (2.0, S), ("SpanKind.SERVER", S), ("span-kind-client", C), ("SpanKindInternal", Kind.INTERNAL),
     ("RPC_CLIENT", C),
     ("x", None), (9, None), (-1, None), ([], None), (2.5, None), ("2.5", None), (True, None),
     ("SPAN_KIND_SERVERLESS", None)],
)  # fmt: skip
def test_kinds_by_any_name(name: object, kind: int | None) -> None:
    assert read_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "status"),
    [("error", ERROR), ("STATUS_CODE_OK", OK), (2, ERROR), ("2", ERROR), ("1.0", OK), ("StatusCode.ERROR", ERROR),
     ("STATUS_CODE_DEADLINE_EXCEEDED", ERROR), ("", UNSET), (None, UNSET), (3, None), ("x", None), (False, None)],
)  # fmt: skip
def test_statuses_by_any_name(name: object, status: Status | None) -> None:
    assert read_status(name) == status


@pytest.mark.parametrize(
    ("attributes", "by_field", "by_tags", "in_zipkin"),
    [
        ({"otel.status_code": "OK", "error": True}, OK, OK, OK),
        ({"otel.status_code": "Error"}, ERROR, ERROR, ERROR),
        ({"otel.status_code": "unset", "error": True}, UNSET, ERROR, ERROR),
        ({"error": True}, UNSET, ERROR, ERROR),
        ({"error": "false"}, UNSET, UNSET, ERROR),
        ({"error": ""}, UNSET, UNSET, ERROR),
        ({"http.status_code": 500}, UNSET, UNSET, UNSET),
        ({}, UNSET, UNSET, UNSET),
    ],
)
def test_status_from_attributes(
    attributes: dict[str, Value], by_field: Status, by_tags: Status, in_zipkin: Status
) -> None:
    stated = [decide_status(S, UNSET, attributes, states)[0] for states in StatusSource]
    assert stated == [by_field, by_tags, in_zipkin]
    # a status that is set is not changed
    assert decide_status(S, OK, attributes) == (OK, False)


def test_zipkin_error_tag_with_any_value_is_an_error() -> None:
    for text in ("false", "", "0", "boom"):
        assert decide_status(S, UNSET, {"error": text}, StatusSource.ZIPKIN_TAGS) == (ERROR, True)
    assert decide_status(S, UNSET, {"error": "", "otel.status_code": "OK"}, StatusSource.ZIPKIN_TAGS) == (OK, False)


@pytest.mark.parametrize("spelt", [str.upper, str.lower, str.title, lambda name: name.title().replace("_", "")])
def test_grpc_codes_by_name(spelt: Callable[[str], str]) -> None:
    assert [grpc_code(spelt(name)) for name in GRPC_NAMES] == list(range(17))


def test_grpc_codes() -> None:
    given: list[Value] = ["14", " 14 ", 14, "Canceled", "x", None, True, "-1", ""]
    assert [grpc_code(value) for value in given] == [14, 14, 14, 1, None, None, None, None, None]


@given(st.lists(st.text("ab._-", min_size=1, max_size=12), max_size=8))
def test_every_key_contains_a_needle(keys: list[str]) -> None:
    found = needles(keys, '"')
    assert all(any(needle in f'"{key}"'.encode() for needle in found) for key in keys)
    assert len(found) <= len(set(keys))


# --- Every format ---------------------------------------------------------------------------------------------------

VALUES = (
    st.sampled_from(
        ["", "OK", "ERROR", "error", "true", "false", "0", "14", "200", "404", "503", "NOT_FOUND", "}", '"']
    )
    | st.sampled_from(['{"key":"error","value":true}', '"error"', "},{", "a\\", "\n", "é", "x" * 300])
    | st.text(max_size=6)
    | st.sampled_from([0, 2, 5, 14, 200, 404, 500, -1])
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)
DECOYS = [
    "my.error", "errors", "error.message", "error_type", "http.status_text", "x.http.status_code", "status_code",
    "grpc-status-details-bin", "grpc.status", "Error", "url.path", "db.system", "peer.service", '"error"', "key",
]  # fmt: skip
NESTED = st.dictionaries(st.sampled_from(deciding_keys()), st.sampled_from(["ERROR", "503", True]), max_size=2)
ATTRIBUTES = st.dictionaries(st.sampled_from(deciding_keys()) | st.sampled_from(DECOYS), VALUES, max_size=6)
SPANS = st.lists(st.builds(Plain, ATTRIBUTES, st.sampled_from(Kind), st.sampled_from(Status)), min_size=1, max_size=6)
STYLES = st.builds(Style, st.sampled_from([(",", ":"), (", ", ": ")]), st.sampled_from([None, None, 2]), st.booleans())


def expected(form: Format, span: Plain) -> bool:
    attributes = {key: form.held(value) for key, value in span.attributes.items()}
    return decide_status(
        span.kind, span.status if form.states is StatusSource.FIELD else UNSET, attributes, form.states
    )[1]


@unhurried
@pytest.mark.parametrize("name", FORMATS)
@given(spans=SPANS, style=STYLES)
def test_every_decoder_follows_the_rule(name: str, spans: list[Plain], style: Style) -> None:
    form = FORMATS[name]
    found = form.read(spans, style)
    assert [span.error for span in found] == [expected(form, span) for span in spans]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_decisions_in_bulk_equal_single_decisions(name: str, seed: int) -> None:
    chance = random.Random(seed)
    values: list[Value] = [
        "",
        "OK",
        "ERROR",
        "true",
        "false",
        "0",
        "14",
        "200",
        "503",
        500,
        404,
        2,
        True,
        0.5,
        "a}b{",
        "x" * 300,
    ]
    keys = [*deciding_keys(), "peer.service", "db.system", "http.status_text", "url.path"]
    spans = [
        Plain(
            {key: chance.choice(values) for key in chance.sample(keys, chance.randrange(5))},
            chance.choice(list(Kind)),
            chance.choice(list(Status)),
        )
        for _ in range(400)
    ]
    form = FORMATS[name]
    for style in (Style(), Style((", ", ": ")), Style(indent=4), Style(backwards=True)):
        found = form.read(spans, style)
        assert [span.error for span in found] == [expected(form, span) for span in spans]
        assert {key: form.held(value) for key, value in spans[7].attributes.items()}.items() <= found[
            7
        ].attributes.items()


@unhurried
@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.states is StatusSource.FIELD])
@given(spans=SPANS, nested=NESTED)
def test_keys_within_values_are_ignored(name: str, spans: list[Plain], nested: dict[str, Value]) -> None:
    wrapped = [replace(span, attributes={"context": nested, "list": [nested], **span.attributes}) for span in spans]
    form = FORMATS[name]
    assert [span.error for span in form.read(wrapped)] == [expected(form, span) for span in spans]


@pytest.mark.parametrize("name", FORMATS)
def test_each_key_of_the_table_decides_in_every_format(name: str) -> None:
    values = {"otel.status_code": "ERROR", "error": "true", "error.type": "x"}
    spans = [Plain({key: values.get(key, "503" if "http" in key else "14")}, C) for key in deciding_keys()]
    assert all(span.error for span in FORMATS[name].read(spans))


ANOTHER_ROW = """
import sys
from tracetui.ingest.formats import error_rule
decide = lambda value, serving: {"bad": True, "good": False}.get(value)
row = error_rule.ErrorAttribute(("made.up/outcome", "outcome"), decide)
error_rule.RULES = (row, *error_rule.RULES)
from tests.support.span_formats import FORMATS, Plain
spans = [Plain({"made.up/outcome": "bad", "n": "1"}), Plain({"outcome": "bad"})]
spans += [Plain({"outcome": "good", "error": "x"})]
spans += [Plain({"outcome": "?"}), Plain({"outcome": "?", "error": "x"}), Plain({"outcomes": "bad"})]
for name, form in FORMATS.items():
    print(name, *(int(span.error) for span in form.read(spans)), sep=",")
"""


def test_new_row_in_the_table_changes_every_decoder() -> None:
    done = subprocess.run([sys.executable, "-c", ANOTHER_ROW], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name},1,1,0,0,1,0" for name in FORMATS]
