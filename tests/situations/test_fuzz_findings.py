"""Inputs found by the fuzzer, which must be loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fuzz.checks import check_whole
from tests.support.decoding import read
from tests.support.saved_files import comparable_spans, reloaded

_SPAN = {
    "traceId": "0" * 31 + "1",
    "spanId": "0" * 15 + "1",
    "name": "x",
    "startTimeUnixNano": "1",
    "endTimeUnixNano": "9",
}
INPUTS = {
    # a resource whose service.name has a wire type that values do not have: no value at all
    "service name without a value": bytes.fromhex(
        "0a520a1b0a190a0c736572766963652e6e616d65120909ec87d1e762818753123312310a1000000000000000000000000000"
        "000001120800000000000000012a0178390100000000000000410900000000000000"
    ),
    "reference of an unknown type": json.dumps(
        {"traceID": "1", "spanID": "2", "references": [{"refType": ["x"], "traceID": "1", "spanID": "9"}]}
    ).encode(),
    "number beyond 64 bits": json.dumps(
        {"scopeSpans": [{"spans": [{**_SPAN, "attributes": [{"key": "k", "value": {"intValue": 1 << 63}}]}]}]}
    ).encode(),
}


@pytest.mark.parametrize("name", INPUTS)
def test_input_found_by_the_fuzzer_is_loaded(name: str, tmp_path: Path) -> None:
    traces = read(INPUTS[name])
    assert len(traces) == 1
    check_whole(traces)
    loaded = reloaded(traces, tmp_path)
    assert [one.resource for one in comparable_spans(loaded)] == [one.resource for one in comparable_spans(traces)]
    assert [one.links for one in comparable_spans(loaded)] == [one.links for one in comparable_spans(traces)]
