"""Cases of calls between services, with the expected edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.paths import CASES
from tracetui.cli.main import run


@pytest.mark.parametrize(
    ("name", "edges", "services"),
    [
        # a polling consumer: its span is a CLIENT with a link to the producer's
        ("queue-receive-is-client.json", {("shop", "shipper", True): (1, 0)}, {"shop", "shipper"}),
        # an attempt lies between the halves; the host is a service under its cluster name
        ("call-through-internal-span.json", {("web", "orders", False): (1, 0)}, {"web", "orders"}),
        # the server's address is in a span of its own
        ("zipkin-address-fragment.json", {("web", "sandbox", False): (1, 0)}, {"web", "sandbox"}),
        # two calls with one name, one of which has a service as host
        (
            "peer-with-several-hosts.json",
            {("audit", "orders", False): (1, 0), ("mail-worker", "billing.Billing", False): (1, 0)},
            {"audit", "orders", "mail-worker", "billing.Billing"},
        ),
        ("zipkin-v1-span-among-v2.json", {("web", "auth", False): (1, 1)}, {"web", "auth"}),
    ],
)
def test_calls_between_services(
    name: str,
    edges: dict[tuple[str, str, bool], tuple[int, int]],
    services: set[str],
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert run(["analyze", str(CASES / name), "--json"]) == 0
    found: dict[str, Any] = orjson.loads(capfdbinary.readouterr().out)["dependencies"]
    rows = {
        (edge["caller"], edge["callee"], edge["async"]): (edge["call_count"], edge["error_count"])
        for edge in found["edges"]
    }
    assert rows == edges
    assert set(found["services"]) == services


def test_spans_without_a_service_are_counted_in_a_warning(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    ids = {"traceId": "c" * 32, "startTimeUnixNano": "1774000000000000000", "endTimeUnixNano": "1774000001000000000"}
    spans = [
        ("web", {"spanId": "1" * 16, "name": "GET /", "kind": 2}),
        ("", {"spanId": "2" * 16, "parentSpanId": "1" * 16, "name": "proxy", "kind": 1}),
        ("orders", {"spanId": "3" * 16, "parentSpanId": "2" * 16, "name": "GET /orders", "kind": 2}),
    ]
    resources = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}] if name else []},
            "scopeSpans": [{"spans": [{**ids, **one}]}],
        }
        for name, one in spans
    ]
    source = tmp_path / "nameless.json"
    source.write_bytes(orjson.dumps({"resourceSpans": resources}))
    assert run(["analyze", str(source), "--json"]) == 0
    found = orjson.loads(capfdbinary.readouterr().out)
    assert found["summary"]["nameless_span_count"] == 1
    assert [one["message"] for one in found["warnings"]] == [
        "1 span without a service name, counted with the service above"
    ]
    assert found["dependencies"]["dependencies"] == {"web": {"orders": 1}}
    assert run(["analyze", str(source), "--width", "100"]) == 0
    assert "1 span without a service name, counted with the service above" in capfdbinary.readouterr().out.decode()
