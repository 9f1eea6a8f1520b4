"""Following a real Jaeger misses no trace, in whatever order they arrive. `make test-live`"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.live_servers import free_ports, post_to_jaeger, running_jaeger
from tests.support.many_traces import MS, SECOND, trace
from tests.support.trace_app import opened_live
from tracetui.tui.loading import follower

pytestmark = pytest.mark.live

BURST = 420


@pytest.mark.parametrize("store", ["memory", "badger"])
async def test_burst_after_a_restart_is_read(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traces that arrive last began first, so that those sent as the newest are older than those missing."""
    monkeypatch.setattr(follower, "FOLLOW_SECONDS", 0.5)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ports, now = free_ports(), time.time_ns()
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder in folders:
        folder.mkdir()
    async with AsyncExitStack() as stack:
        with running_jaeger(folders[0], store, ports) as (url, otlp):
            post_to_jaeger(url, otlp, (trace("jaeger-v3", number + 1, now - 90 * SECOND) for number in range(12)), 12)
            on = await stack.enter_async_context(opened_live(url))
            await on.until("12 traces from")
            await on.press("F")
            await on.until("following ")
        await on.until("no response since ")
        with running_jaeger(folders[1], store, ports) as (url, otlp):
            burst = [trace("jaeger-v3", 100 + number, now - number * 100 * MS) for number in range(BURST)]
            post_to_jaeger(url, otlp, burst, BURST)
            await on.until(f"{12 + BURST} traces", "following ")
