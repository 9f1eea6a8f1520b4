"""Times in UTC or in local time, by a key."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.paths import INCIDENT
from tests.support.trace_app import opened

VIEWS = {
    "traces": (),
    "waterfall": ("enter",),
    "services": ("3",),
    "errors": ("4",),
    "hot spots": ("5",),
    "suggestions": ("5", "v"),
}


@pytest.fixture(autouse=True)
def east() -> Iterator[None]:
    """A local zone five hours before UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XYZ-5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_key_changes_the_zone_of_every_time(view: str, size: tuple[int, int]) -> None:
    async with opened(INCIDENT, size=size, local_time=True) as (_, pilot):
        await pilot.press(*VIEWS[view])
        local = pilot.lines
    async with opened(INCIDENT, size=size) as (app, pilot):
        await pilot.press(*VIEWS[view])
        utc = pilot.lines
        assert utc != local
        await pilot.press("t")
        assert pilot.lines[:-1] == local[:-1]
        assert "15:00" in pilot.lines[0]
        assert "XYZ" in pilot.lines[0]
        assert "times in local time (XYZ)" in pilot.lines[-1]
        await pilot.press("t")
        assert "times in UTC" in pilot.lines[-1]
        app.main.bottom.forget()
        await pilot.settle()
        assert pilot.lines == utc
