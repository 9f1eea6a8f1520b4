"""The key that explains figures: definition, inputs and number of samples, in every view."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.building import build, span
from tests.support.paths import INCIDENT, SAMPLES
from tests.support.trace_app import opened
from tracetui.export.save import save
from tracetui.render.definitions import DEFINITIONS, explanations
from tracetui.render.text.glyphs import ASCII, glyphs_of
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
    texts = dict(explanations("hot-spots", heading, row))
    assert set(texts) == {"calls", "p95", "traces"}
    assert texts["p95"].startswith("101 ms: 95th percentile of the durations")
    assert texts["p95"].endswith("n = 56 calls")
    assert len(explanations("hot-spots")) > len(texts)


def test_figures_of_suggestions_are_savings() -> None:
    texts = dict(explanations("hot-spots", "suggestion  saves  in all  of path  traces", ""))
    assert texts["of path"].startswith("saving as a share of the critical time")
    assert set(texts) == {"suggestion", "saves", "in all", "of path", "traces"}


def test_glyphs_of_headings_are_those_of_the_screen() -> None:
    heading, row = "pattern    X  share", "timeout   12   45 %"
    texts = dict(explanations("errors", heading, row, ASCII))
    assert texts["X"].startswith("12: origins")
    assert texts["share"].endswith("n = 12 origins")
    assert all(text.isascii() for pair in explanations("errors", glyphs=ASCII) for text in pair)


async def test_names_that_look_like_actions_stay(tmp_path: Path) -> None:
    name = "GET /v1/{app.quit}/{user.name}"
    save(build(span("1", 0, 100, service="api", name=name), span("2", 0, 100, service="api")), tmp_path / "a.jsonl")
    async with opened(str(tmp_path / "a.jsonl"), size=(140, 40)) as (_, pilot):
        await pilot.press("5", "semicolon")
        assert f"api {name}" in pilot.text


@pytest.mark.parametrize("ascii_only", [False, True], ids=["Unicode", "ASCII"])
@pytest.mark.parametrize("size", [(80, 24), (140, 50)])
@pytest.mark.parametrize(
    "keys", [("1",), ("1", "v"), ("3",), ("3", "o"), ("4",), ("4", "v", "v"), ("5",), ("5", "o", "o"), ("5", "v")]
)
async def test_every_column_of_every_list_is_explained(
    keys: tuple[str, ...], size: tuple[int, int], ascii_only: bool
) -> None:
    glyphs = glyphs_of(ascii_only)
    async with opened(str(SAMPLES / "shop"), size=size, glyphs=glyphs) as (app, pilot):
        await pilot.press(*keys)
        heading, row, _ = app.current_view.figures
        named = dict(explanations(app.view, heading, row, glyphs))
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
