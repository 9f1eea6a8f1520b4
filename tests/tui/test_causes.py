"""Root causes on the screen: the verdict, the page with the evidence, and its spans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build, span
from tests.support.incidents import incident
from tests.support.paths import CHECKOUT, INCIDENT
from tests.support.trace_app import opened
from tracetui.analysis.root_causes import CausesAndBaseline, find_root_causes
from tracetui.export.save import save
from tracetui.render.verdict import Statement
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.state import State
from tracetui.tui.views.traces import verdict
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.views.traces.verdict_bar import VerdictBar


async def test_verdict_names_the_first_cause_and_its_confidence() -> None:
    async with opened(INCIDENT) as (_, pilot):
        assert re.search(r"CAUSE +recommendation-service  error origin   confidence 74 %.* Y opens", pilot.text)


async def test_key_opens_the_evidence_and_enter_a_span_that_shows_it() -> None:
    async with opened(INCIDENT) as (app, pilot):
        await pilot.press("Y")
        assert "Causes in 8 traces, compared with 92 traces: requests that did not fail" in pilot.text
        assert "api-gateway ──→ ✖ recommendation-service" in pilot.text
        assert "fetch_recommendations  self time 331 ms → 837 ms, 8 spans" in pilot.text
        await pilot.press(*"jjjjjjjjj", "enter")
        assert app.view == "waterfall"
        assert app.state.session is not None
        loaded = app.state.session.loaded
        assert app.state.span is not None
        assert (loaded.service_name(app.state.span), loaded.operation_name(app.state.span)) == (
            "recommendation-service",
            "fetch_recommendations",
        )
        assert "1.00 s" in pilot.text
        await pilot.press("escape")
        assert re.search(r"▌ +10:02:54\.781  api-gateway GET /profile +1\.86 s  self time 1\.00 s", pilot.text)
        await pilot.press("escape")
        assert "FAILING" in pilot.text


async def test_cause_is_that_of_the_traces_shown() -> None:
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("slash", *"error = false", "enter")
        assert "FAILING" not in pilot.text
        assert "CAUSE" not in pilot.text


async def test_single_trace_has_a_page_without_a_line_in_the_verdict() -> None:
    async with opened(CHECKOUT, size=(80, 24)) as (_, pilot):
        assert "CAUSE" not in pilot.text
        await pilot.press("Y")
        assert "Causes in 1 trace, without a baseline" in pilot.text
        assert "1  inventory-service  dependency  confidence 71 %" in pilot.text
        assert "lock_stock_row  critical 280 ms in calls to stock-db, 3 spans" in pilot.text


async def test_no_cause_is_a_notice(tmp_path: Path) -> None:
    save(build(*(span(f"{number}", 0, 0, trace=str(number + 1)) for number in range(3))), tmp_path / "instant.json")
    async with opened(str(tmp_path / "instant.json")) as (_, pilot):
        await pilot.press("Y")
        assert "no cause found: nothing differs beyond chance; missing: a baseline" in pilot.text


async def test_comparison_names_the_cause_and_opens_its_evidence(tmp_path: Path) -> None:
    generated = incident(9)
    for traces, name in ((generated.before, "before.json"), (generated.after, "after.json")):
        save(traces, tmp_path / name)
    async with opened(str(tmp_path / "after.json")) as (_, pilot):
        await pilot.press("B", *str(tmp_path / "before.json"), "enter")
        assert re.search(rf"CAUSE +{generated.service}  network   confidence 77 %", pilot.text)
        await pilot.press("Y")
        assert "Got worse  gateway gateway.handle" in pilot.text
        assert f"✖ {generated.service}" in pilot.text
        await pilot.press("escape")
        assert "figures became worse" in pilot.text


@pytest.mark.parametrize("fault", ["self_time", "network", "dependency", "slow_host"])
async def test_figures_of_examples_are_on_the_screen_of_their_span(fault: str, tmp_path: Path) -> None:
    generated = incident(300, fault)
    for traces, name in ((generated.before, "before.json"), (generated.after, "after.json")):
        save(traces, tmp_path / name)
    async with opened(str(tmp_path / "after.json"), size=(160, 50)) as (app, pilot):
        await pilot.press("B", *str(tmp_path / "before.json"), "enter", "Y")
        page = pilot.text.split("\n")
        first = next(row for row, line in enumerate(page) if line.lstrip("▌ ").startswith("1  "))
        examples = {
            row - first: found[1]
            for row, line in enumerate(page)
            if (found := re.search(r"^[▌ ] +\d\d:\d\d:\d\d\.\d{3} .* (\S+ (?:ms|µs|s))\b", line)) is not None
        }
        assert len(examples) >= 3
        at = 0
        for row, figure in list(examples.items())[:4]:
            await pilot.press(*"j" * (row - at), "enter")
            assert app.view == "waterfall"
            assert figure in pilot.text
            await pilot.press("escape")
            at = row


@dataclass
class FakeView:
    """What a finder needs of a view."""

    state: State = field(default_factory=State)
    notices: list[str] = field(default_factory=list)

    def post_notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.mark.parametrize(
    ("new", "is_following", "notices"),
    [(frozenset(), True, 0), (frozenset({3}), True, 1), (frozenset({3}), False, 0)],
)
def test_cause_that_is_new_since_the_last_poll_is_announced_once(
    new: frozenset[int], is_following: bool, notices: int
) -> None:
    generated = incident(9)
    causes = CausesAndBaseline(find_root_causes(generated.before, generated.after), "earlier")
    view: Any = FakeView()
    view.state.new, view.state.is_following = new, is_following
    finder = CauseFinder(view)
    statements = [finder.found(causes) for _ in range(2)]
    assert all(statement is not None and generated.service in statement.parts[0].text for statement in statements)
    assert view.notices == [f"new cause: {generated.service}  network  confidence 77 %"][:notices]


@pytest.mark.parametrize("max_quick", [100_000, 0], ids=["small set", "large set"])
@pytest.mark.parametrize(
    ("source", "cause"), [(INCIDENT, "CAUSE    recommendation-service"), (CHECKOUT, "CAUSE    no clear cause")]
)
async def test_cause_does_not_move_the_list(
    max_quick: int, source: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []
    show = VerdictBar.show_statements

    def recorded(bar: VerdictBar, statements: Sequence[Statement], names: KeyNames) -> None:
        heights.append(len(statements))
        show(bar, statements, names)

    monkeypatch.setattr(VerdictBar, "show_statements", recorded)
    monkeypatch.setattr(verdict, "_MAX_QUICK_SPANS", max_quick)
    async with opened(source) as (_, pilot):
        # small sets have no line for a cause that is not sure
        assert (cause in pilot.text) is (source == INCIDENT or not max_quick)
    shown = [height for height in heights if height]
    assert len(set(shown)) == 1
    assert len(shown) == (1 if max_quick else 2)
