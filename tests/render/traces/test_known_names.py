"""Names in the loaded traces, for a filter that matches none of them."""

from __future__ import annotations

import threading
from collections.abc import Collection

import pytest

from tests.support.building import build, span
from tests.support.paths import INCIDENT
from tests.support.trace_app import opened
from tracetui.query.complete import Vocabulary, vocabulary
from tracetui.render.traces import known_names
from tracetui.render.traces.known_names import known_name_lines, similar_names


def found_lines(known: Vocabulary, *words: str, width: int = 76) -> list[str]:
    return [line.text for line in known_name_lines(known, words, "   ", width)]


def test_similar_names_come_first() -> None:
    known = vocabulary(build(span("a", 0, 1, service="payment-service", name="charge", attributes={"region": "eu"})))
    assert found_lines(known, "paymnt", "regoin") == [
        "",
        "   The loaded traces have:",
        "   similar     payment-service, region",
        "   services    payment-service",
        "   operations  charge",
        "   attributes  region",
    ]


@pytest.mark.parametrize(
    ("word", "expected"), [("Chekout", ["checkout-api"]), ("cartt", ["GET /cart"]), ("zzzz", []), ("x" * 500, [])]
)
def test_similar_names(word: str, expected: list[str]) -> None:
    known = Vocabulary(services=("checkout-api",), operations=("GET /cart", "GET /cart/{id}"))
    assert similar_names(known, [word]) == expected


def test_many_and_hostile_names_take_few_lines() -> None:
    known = Vocabulary(services=tuple(f"service-{i}\x1b[31m" + "x" * 90 for i in range(5_000)))
    lines = found_lines(known, width=60)
    assert len(lines) == 5
    assert all(len(line) <= 60 and line.isprintable() for line in lines)
    assert lines[-1].endswith(", ...")


def test_nothing_is_known_of_an_empty_set() -> None:
    assert found_lines(vocabulary(build()), "word") == []


async def test_filter_without_matches_names_what_is_similar() -> None:
    async with opened(INCIDENT, size=(80, 24)) as (_, pilot):
        await pilot.press("slash", *"recomendation", "enter")
        assert "similar     recommendation-service" in pilot.text
        assert "attributes  customer.tier" in pilot.text
        await pilot.press("u")
        assert "similar" not in pilot.text


async def test_names_are_compared_outside_the_ui_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def nearest(_: str, known: Collection[str]) -> str | None:
        threads.append(threading.current_thread())
        return next(iter(known))

    monkeypatch.setattr(known_names, "nearest", nearest)
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("slash", *"recomendation", "enter")
        assert "similar" in pilot.text
    assert threads
    assert threading.main_thread() not in threads
