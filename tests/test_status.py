"""Whether a span counts as an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import unhurried
from tracetui.ingest.status import counts_as_error, grpc_code, kind_named, native_status, status_named
from tracetui.model.span import Kind, Status, Value

C, S = Kind.CLIENT, Kind.SERVER
UNSET, OK, ERROR = Status.UNSET, Status.OK, Status.ERROR


@pytest.mark.parametrize(
    ("kind", "status", "attributes", "expected"),
    [
        # 1: the native status
        (S, ERROR, {}, True),
        (S, ERROR, {"error": False, "otel.status_code": "OK", "http.status_code": 200}, True),
        # 2: the tag `error`
        (S, UNSET, {"error": True}, True),
        (S, UNSET, {"error": "true"}, True),
        (S, UNSET, {"error": "disk full"}, True),
        (S, UNSET, {"error": 1}, True),
        (S, UNSET, {"error": "yes", "http.status_code": 200}, True),
        (S, UNSET, {"error": False, "http.status_code": 500}, False),
        (S, UNSET, {"error": "FALSE"}, False),
        (S, UNSET, {"error": " 0 "}, False),
        (S, UNSET, {"error": ""}, False),
        (S, UNSET, {"error": 0}, False),
        (S, UNSET, {"error": None}, False),
        (S, OK, {"error": True}, True),
        # 3: otel.status_code, and a native OK
        (S, OK, {"http.status_code": 500, "error.type": "x"}, False),
        (S, UNSET, {"otel.status_code": "error"}, True),
        (S, UNSET, {"otel.status_code": "Ok", "http.status_code": 500}, False),
        (S, UNSET, {"otel.status_code": "UNSET", "http.status_code": 500}, True),
        (S, UNSET, {"otel.status_code": 2}, False),
        # 4: HTTP
        (S, UNSET, {"http.response.status_code": 500}, True),
        (S, UNSET, {"http.status_code": "503"}, True),
        (S, UNSET, {"http.status_code": 499}, False),
        (C, UNSET, {"http.status_code": 404}, True),
        (Kind.INTERNAL, UNSET, {"http.status_code": 404}, True),
        (Kind.CONSUMER, UNSET, {"http.status_code": 404}, False),
        (C, UNSET, {"http.status_code": 399, "error.type": "x"}, False),
        (C, UNSET, {"http.response.status_code": 200, "http.status_code": 500}, False),
        (C, UNSET, {"http.status_code": "soon"}, False),
        (C, UNSET, {"http.status_code": True}, False),
        (C, UNSET, {"http.status_code": float("nan")}, False),
        (C, UNSET, {"http.status_code": float("inf")}, False),
        (C, UNSET, {"http.status_code": 10**400}, False),
        (C, UNSET, {"http.status_code": "9" * 5000}, False),
        (C, UNSET, {"http.status_code": [500]}, False),
        # 5: gRPC
        (C, UNSET, {"rpc.grpc.status_code": 5}, True),
        (S, UNSET, {"rpc.grpc.status_code": 5}, False),
        (S, UNSET, {"rpc.grpc.status_code": 13}, True),
        (S, UNSET, {"rpc.grpc.status_code": "14"}, True),
        (S, UNSET, {"rpc.response.status_code": "DEADLINE_EXCEEDED"}, True),
        (C, UNSET, {"rpc.response.status_code": "OK", "error.type": "x"}, False),
        # 6: error.type
        (S, UNSET, {"error.type": "TimeoutError"}, True),
        (S, UNSET, {"error.type": ""}, False),
        (S, UNSET, {"exception.message": "handled"}, False),
        (S, UNSET, {}, False),
    ],
)
def test_the_decision_list(kind: Kind, status: Status, attributes: dict[str, Value], expected: bool) -> None:
    assert counts_as_error(kind, status, attributes) is expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("server", S), ("SPAN_KIND_CLIENT", C), ("Producer", Kind.PRODUCER), (5, Kind.CONSUMER), ("", 0), ("x", 0), (9, 0),
     (-1, 0), (None, 0), ([], 0), (2.5, 0)],
)  # fmt: skip
def test_kinds_by_any_name(name: object, kind: int) -> None:
    assert kind_named(name) == kind


@pytest.mark.parametrize(
    ("name", "status"), [("error", ERROR), ("STATUS_CODE_OK", OK), (2, ERROR), (3, UNSET), ("x", UNSET), (None, UNSET)]
)
def test_statuses_by_any_name(name: object, status: Status) -> None:
    assert status_named(name) == status


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"otel.status_code": "OK", "error": True}, OK),
        ({"error": True}, ERROR),
        ({"error": "false"}, UNSET),
        ({}, UNSET),
    ],
)
def test_the_status_that_tags_state(attributes: dict[str, Value], status: Status) -> None:
    assert native_status(attributes) == status


def test_grpc_codes() -> None:
    assert [grpc_code(value) for value in ("unavailable", "14", 14, "x", None, True)] == [14, 14, 14, None, None, None]


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.lists(st.integers(), max_size=2)
)
KEYS = [
    "error",
    "otel.status_code",
    "http.status_code",
    "http.response.status_code",
    "rpc.grpc.status_code",
    "error.type",
]


@unhurried
@given(st.sampled_from(Kind), st.sampled_from(Status), st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_values_are_decided(kind: Kind, status: Status, attributes: dict[str, Value]) -> None:
    assert counts_as_error(kind, status, attributes) in (True, False)
    assert isinstance(native_status(attributes), Status)
