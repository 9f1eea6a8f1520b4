"""Cases of names and statements that contain ids, with the expected operations."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.support.paths import CASES
from tracetui.cli.main import run


def analysed(name: str, capfdbinary: pytest.CaptureFixture[bytes], *options: str) -> dict[str, Any]:
    assert run(["analyze", str(CASES / name), "--json", *options]) == 0
    found: dict[str, Any] = orjson.loads(capfdbinary.readouterr().out)
    return found


def test_names_with_ids(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    found = analysed("ids-in-names.json", capfdbinary)["bottlenecks"]
    rows = [
        (one["service"], one["operation"], one["mean_critical_ms"], one["share_percent"], one["occurrences"])
        for one in found
    ]
    assert rows == [("stock", "GET /stock/{id}", 50.0, 50.0, 20), ("api", "GET /orders/{id}", 40.0, 40.0, 20)]
    exact = analysed("ids-in-names.json", capfdbinary, "--exact-names")["bottlenecks"]
    assert {one["occurrences"] for one in exact} == {1}


def test_reads_named_by_key_are_one_operation(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    found = analysed("n-plus-one-ids-in-names.json", capfdbinary)
    (one,) = [one for one in found["findings"] if one["advice"] == "n_plus_one"]
    assert (one["most_calls"], one["mean_waited_ms"]) == (20, 800.0)
    (slow,) = found["bottlenecks"]
    assert (slow["service"], slow["operation"], slow["share_percent"]) == ("cart", "GET user:{id}", 80.0)


def test_query_with_lists_of_varying_length_is_one_operation(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (slow,) = analysed("sql-in-lists.json", capfdbinary)["bottlenecks"]
    assert (slow["service"], slow["operation"]) == ("list", "SELECT items")
    assert slow["pattern"] == "SELECT name FROM items WHERE id IN (?)"
