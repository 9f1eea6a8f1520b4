"""Page of root causes: drawing of the way, rows for any width, and what is said without a sure answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.hostile import KINDS
from tests.support.incidents import FAULTS, incident
from tracetui.analysis.root_causes import CausesAndBaseline, find_causes_within, find_root_causes
from tracetui.render.causes.chain import chain_lines
from tracetui.render.causes.evidence import CausesPage, page_title
from tracetui.render.causes.statement import cause_statement
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.safe_text import safe

GENERATED = incident(8)
CAUSES = CausesAndBaseline(find_root_causes(GENERATED.before, GENERATED.after), "before.json")
FIRST = CAUSES.found.causes[0]


def drawn(path: tuple[str, ...], width: int, glyphs: Glyphs = UNICODE) -> list[str]:
    return [line.text.rstrip() for line in chain_lines(replace(FIRST, propagation_path=path), width, glyphs)]


def test_drawing_names_operations_below_the_first_service_and_the_cause() -> None:
    assert drawn(("gateway", "cart", "catalog"), 60) == [
        "gateway ──→ cart ──→ ✖ catalog",
        "gateway.handle         catalog.handle",
    ]
    assert drawn(("gateway", "catalog"), 60, ASCII)[0] == "gateway ---> X catalog"


def test_drawing_does_not_name_the_callers_operation_below_the_cause() -> None:
    generated = incident(9)
    causes = find_root_causes(generated.before, generated.after).causes
    callee = next(cause for cause in causes if cause.evidence[0].service != cause.service)
    services, operations = [line.text for line in chain_lines(callee, 100, UNICODE)]
    assert services.endswith(f"✖ {callee.service}")
    assert operations.strip() == "gateway.handle"


def test_drawing_leaves_out_services_in_the_middle() -> None:
    path = ("gateway", "shop", "cart", "catalog")
    assert drawn(path, 40)[0] == "gateway ──→ shop ──→ cart ──→ ✖ catalog"
    assert drawn(path, 38)[0] == "gateway ──→ … ──→ cart ──→ ✖ catalog"
    assert drawn(path, 35)[0] == "gateway ──→ … ──→ ✖ catalog"
    assert drawn(path, 20)[0] == "… ──→ ✖ catalog"
    assert drawn(path, 16)[0] == "… ──→ ✖ catalog"
    assert drawn(path, 8)[0] == "… ──→ ✖…"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("width", [30, 80, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_rows_fit_and_open_a_span(fault: str, width: int, glyphs: Glyphs) -> None:
    generated = incident(200, fault)
    causes = CausesAndBaseline(find_root_causes(generated.before, generated.after), "before.json")
    page = CausesPage(causes, generated.after, glyphs)
    lines = [page.line(row, width) for row in range(len(page))]
    assert all(line.width <= width for line in lines)
    assert glyphs is UNICODE or all(line.text.isascii() for line in lines)
    assert all(page.span(row) is not None for row in range(len(page)))
    assert page.heading(width).width <= width


def test_rows_of_examples_show_the_figure_of_their_span() -> None:
    page = CausesPage(CAUSES, GENERATED.after, UNICODE)
    rows = [row for row in range(len(page)) if page.line(row, 200).text.startswith(" " * 6 + "22:")]
    assert rows
    span = page.span(rows[0])
    assert span is not None
    assert GENERATED.after.service_name(span) == GENERATED.service
    assert "self time " in page.line(rows[0], 200).text


def test_traces_that_are_not_loaded_are_left_out() -> None:
    others = GENERATED.after.select(np.zeros(GENERATED.after.trace_count, bool))
    page = CausesPage(CAUSES, others, UNICODE)
    assert len(page)
    assert all(page.span(row) is None for row in range(len(page)))


def test_title_says_what_got_worse_or_is_missing() -> None:
    title = [line.text for line in page_title(CAUSES, UNICODE)]
    assert title[0] == "Causes in 40 traces, compared with 40 traces: before.json"
    assert title[1].startswith("Got worse  gateway gateway.handle  p50 ")
    alone = find_causes_within(GENERATED.after.select(np.arange(GENERATED.after.trace_count) < 3))
    title = [line.text for line in page_title(alone, UNICODE)]
    assert title[0] == "Causes in 3 traces, without a baseline"
    assert title[1] == "Not enough evidence to name a cause. Missing: a baseline"


def test_statement_needs_a_baseline_and_confidence() -> None:
    statement = cause_statement(CAUSES, UNICODE)
    assert statement is not None
    assert statement.line(200, "…").text.startswith(f"CAUSE    {GENERATED.service}  self time   confidence 77 %   ")
    assert cause_statement(replace(CAUSES, baseline=""), UNICODE) is None
    unsure = tuple(replace(cause, confidence=0.4) for cause in CAUSES.found.causes)
    assert cause_statement(replace(CAUSES, found=replace(CAUSES.found, causes=unsure)), UNICODE) is None


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_hostile_names_are_shown_safely(text: str) -> None:
    detail = replace(FIRST.evidence[0], service=text, operation=text, target=text, missing_steps=(text,))
    cause = replace(FIRST, service=text, operation=text, host=text, propagation_path=(text, text), evidence=(detail,))
    causes = CausesAndBaseline(replace(CAUSES.found, causes=(cause,)), text)
    page = CausesPage(causes, GENERATED.after, UNICODE)
    lines = [*page_title(causes, UNICODE), *(page.line(row, 120) for row in range(len(page)))]
    assert all(line.text == safe(line.text, 100_000) for line in lines)
