"""Cases of who calls whom: what a right reading finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tracetui.cli.main import run

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    ("name", "edges", "services"),
    [
        # a consumer polls: its span is a CLIENT with a link to the producer's
        ("queue-receive-is-client.json", {("shop", "shipper", True): (1, 0)}, {"shop", "shipper"}),
        # an attempt lies between the halves; the host is a service by a cluster's name
        ("call-through-internal-span.json", {("web", "orders", False): (1, 0)}, {"web", "orders"}),
        # the server's address comes as a span of its own
        ("zipkin-address-fragment.json", {("web", "sandbox", False): (1, 0)}, {"web", "sandbox"}),
        ("zipkin-v1-span-among-v2.json", {("web", "auth", False): (1, 1)}, {"web", "auth"}),
    ],
)
def test_calls_of_cases(
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
