"""Trace tables of the RCAEval data sets RE2 and RE3 (`traces.csv`).

A row is a span of Jaeger; start and duration are microseconds. `statusCode` is an HTTP status if it has three digits,
else a gRPC status, and is stored as the corresponding attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.error_rule import decide_status
from tracetui.ingest.formats.format import TableFormat
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.formats.span_table import SpanTableRows, add_rows, numbers
from tracetui.model.span import Kind, Status, Value, pack_state

_NO_PARENTS: Final = frozenset(("", "nan", "None", "null", "0"))


def _decode(header: Sequence[str], rows: Sequence[Sequence[str]], context: DecodeContext, _: SpanSink) -> None:
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    starts = _scaled(numbers(columns["startTime"], whole_number), 1_000)
    if "startTimeMillis" in columns and not all(starts):
        others = _scaled(numbers(columns["startTimeMillis"], whole_number), 1_000_000)
        starts = [start or other for start, other in zip(starts, others, strict=True)]
    names = columns.get("methodName") or columns["operationName"]
    operations = columns.get("operationName", names)
    codes = columns.get("statusCode", ("",) * len(rows))
    decided = [_decided(code) for code in codes]
    add_rows(
        SpanTableRows(
            traces=columns["traceID"],
            ids=columns["spanID"],
            parents=["" if parent in _NO_PARENTS else parent for parent in columns["parentSpanID"]],
            names=[name or operation for name, operation in zip(names, operations, strict=True)],
            resources=[(service, ()) for service in columns["serviceName"]],
            starts_ns=starts,
            durations_ns=_scaled(numbers(columns["duration"], whole_number), 1_000),
            states=[state for state, _ in decided],
            attributes=[
                {**attributes, "operation.name": operation} if name and operation not in ("", name) else attributes
                for (_, attributes), name, operation in zip(decided, names, operations, strict=True)
            ],
        ),
        context,
    )


def _scaled(values: list[int | None], unit: int) -> list[int | None]:
    return [None if value is None else value * unit for value in values]


@lru_cache(maxsize=1024)
def _decided(text: str) -> tuple[int, dict[str, Value]]:
    """Interpret a status code. -> the packed state of the span, and the attribute that holds the code"""
    code = whole_number(text)
    if code is None:
        return pack_state(Kind.UNSPECIFIED, Status.UNSET, False), {}
    attributes: dict[str, Value] = {"http.status_code" if code >= 100 else "rpc.grpc.status_code": code}
    status, error = decide_status(Kind.UNSPECIFIED, Status.UNSET, attributes)
    return pack_state(Kind.UNSPECIFIED, status, error), attributes


FORMAT: Final = TableFormat(
    name="RCAEval's span table (CSV)",
    columns=("traceID", "spanID", "parentSpanID", "serviceName", "methodName", "startTime", "duration"),
    decode=_decode,
)
