"""Filters on the screen search servers for traces that are older than those loaded."""

from __future__ import annotations

import time

import pytest

from tests.support.many_traces import SECOND, server_with_newer_traces
from tests.support.servers import KINDS
from tests.support.stores import store_by_service
from tests.support.trace_app import opened_live

FAILED_COUNT, SLOW_COUNT = 8, 7
"""Recorded traces with an error, and with a response time above 400 ms."""


@pytest.mark.parametrize(
    ("query", "count"), [("error", FAILED_COUNT), ("duration > 400ms", SLOW_COUNT)], ids=["failed", "slow"]
)
@pytest.mark.parametrize("kind", KINDS)
async def test_filter_finds_traces_behind_newer_ones(kind: str, query: str, count: int) -> None:
    with server_with_newer_traces(kind, ends_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url, size=(80, 24)) as on:
            await on.until("traces from")
            await on.press("slash", *query, "enter")
            await on.until(f"{count} of ")


async def test_reload_of_tempo_finds_the_same_newest_traces() -> None:
    with server_with_newer_traces("tempo", ends_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url) as on:
            await on.until("100 traces from")
            await on.press("r")
            await on.until("nothing new from")


@pytest.mark.parametrize("everything", [False, True], ids=["badger", "cassandra"])
@pytest.mark.parametrize(
    ("query", "count"),
    [("error", FAILED_COUNT), ("customer.tier = gold", 20), ("customer.tier = gold AND error", 2)],
)
async def test_filter_on_a_store_that_requires_a_service(query: str, count: int, everything: bool) -> None:
    with store_by_service(everything, ends_ns=time.time_ns() - 60 * SECOND) as server:
        async with opened_live(server.url) as on:
            await on.until("82 traces")
            await on.press("slash", *query, "enter")
            await on.until(f"{count} of 82 traces", " from Jaeger (v3)")
            assert "service name must be set" not in on.text
