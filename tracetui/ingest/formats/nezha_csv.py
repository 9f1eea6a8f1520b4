"""Trace tables of the Nezha data set (IntelligentDDS/Nezha, `rca_data/*/trace/*_trace.csv`).

A row is a span. A root's parent is `root`; times are nanoseconds, the duration is microseconds. The service is the
name of the pod without the hashes of replica set and pod. There are no status and no attributes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import TableFormat
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.formats.span_table import SpanTableRows, add_rows, numbers

_HASHES: Final = re.compile(r"-[a-f0-9]{6,10}-[a-z0-9]{5}$")
_ROOT: Final = "root"


def _decode(header: Sequence[str], rows: Sequence[Sequence[str]], context: DecodeContext, _: SpanSink) -> None:
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    starts = numbers(columns["StartTimeUnixNano"], moment_ns)
    lengths: list[int | None]
    if "EndTimeUnixNano" in columns:
        ends = numbers(columns["EndTimeUnixNano"], moment_ns)
        lengths = [
            None if start is None or end is None else end - start for start, end in zip(starts, ends, strict=True)
        ]
    elif "Duration" in columns:
        lengths = [None if length is None else length * 1_000 for length in numbers(columns["Duration"], whole_number)]
    else:
        lengths = [None] * len(rows)
    add_rows(
        SpanTableRows(
            traces=columns["TraceID"],
            ids=columns["SpanID"],
            parents=["" if parent == _ROOT else parent for parent in columns["ParentID"]],
            names=columns["OperationName"],
            resources=[(service_of_pod(pod), (("k8s.pod.name", pod),)) for pod in columns["PodName"]],
            starts_ns=starts,
            durations_ns=lengths,
        ),
        context,
    )


@lru_cache(maxsize=4096)
def service_of_pod(pod: str) -> str:
    """Derive the name of the deployment from that of a pod."""
    return _HASHES.sub("", pod)


FORMAT: Final = TableFormat(
    name="Nezha's span table (CSV)",
    columns=("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano"),
    decode=_decode,
)
