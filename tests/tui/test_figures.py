"""Figures explain themselves: definition, inputs and number of samples, in every view with columns."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import INCIDENT, SAMPLES
from tests.support.trace_app import opened
from tracetui.render.definitions import DEFINITIONS, explained
from tracetui.render.text.headings import columns_of, values_of
from tracetui.tui.help import HelpScreen
from tracetui.tui.views.registry import VIEWS

pytestmark = pytest.mark.usefixtures("own_state")


def test_every_view_has_definitions() -> None:
    assert [*DEFINITIONS] == [view for view, _ in VIEWS]
    for definitions in DEFINITIONS.values():
        names = [one.name for one in definitions]
        assert len(set(names)) == len(names)
        # the number of samples is in a column of the same view
        assert {one.samples[0] for one in definitions if one.samples} <= set(names)


def test_values_are_found_below_their_headings() -> None:
    heading = "  operation       of total  \u25bc calls    p50    p95"
    row = "\u25cfapi GET /x   \u2588\u2588    12 %    1,234   1.2 ms\u20133.4 ms"
    found = values_of(heading, row)
    assert found["of total"] == "12 %"
    assert found["calls"] == "1,234"
    assert found["p95"] == "1.2 ms\u20133.4 ms"
    assert values_of("duration", "3.87 s \u2588\u2588\u258a slowest") == {"duration": "3.87 s"}
    assert values_of("when", "\u2581\u2588\u2581") == {"when": ""}
    assert values_of("duration", "3.87 s ####") == {"duration": "3.87 s"}
    assert values_of(heading, "") == dict.fromkeys(("operation", "of total", "calls", "p50", "p95"), "")


def test_a_figure_is_explained_with_its_value_and_samples() -> None:
    heading, row = "calls       p95    traces", "   56    101 ms  56 / 304"
    texts = dict(explained("hot-spots", heading, row))
    assert set(texts) == {"calls", "p95", "traces"}
    assert texts["p95"].startswith("101 ms: 95th percentile of the durations")
    assert texts["p95"].endswith("n = 56 calls")
    assert len(explained("hot-spots")) > len(texts)


@pytest.mark.parametrize("size", [(80, 24), (140, 50)])
@pytest.mark.parametrize(
    "keys", [("1",), ("1", "v"), ("3",), ("3", "o"), ("4",), ("4", "v", "v"), ("5",), ("5", "o", "o"), ("5", "v")]
)
async def test_every_column_of_every_list_is_explained(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    async with opened(str(SAMPLES / "shop"), size=size) as (app, pilot):
        await pilot.press(*keys)
        heading, row, _ = app.current_view.figures
        named = dict(explained(app.view, heading, row))
        columns = [column.name for column in columns_of(heading)]
        unknown = [
            name for name in columns if name not in named and not any(name.startswith(f"{one} ") for one in named)
        ]
        assert columns
        assert unknown == []
        await pilot.press("semicolon")
        assert isinstance(app.screen, HelpScreen)
        assert "Figures" in pilot.text
        await pilot.press("slash", *"zzz")
        assert "no match" in pilot.text


async def test_waterfall_explains_its_figures() -> None:
    async with opened(INCIDENT, size=(120, 40)) as (_, pilot):
        await pilot.press("enter", "semicolon")
        assert "self time" in pilot.text
        assert re.search(r"% critical +share of the trace's critical path", pilot.text)
